# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`serve`: lets llama.cpp's server answer with a model in a GGUF file, for this machine alone."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

HELP = "answer over HTTP with an exported model, for this machine alone, until Ctrl-C"
PORT = 8080
KEY_VARIABLE = "GENERATE_API_KEY"
_LONG = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, what it is called, and where it answers."""
    parser.add_argument(
        "model",
        nargs="?",
        type=Path,
        help="exported folder or GGUF file (default: as in [llama-cpp])",
    )
    parser.add_argument("--config", type=Path, help="TOML file (default: configs/generate.toml)")
    parser.add_argument("--name", help="what clients call it (default: as its folder or file)")
    parser.add_argument(
        "--port", type=int, default=PORT, help="0: a free one (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the other settings are those of the table [llama-cpp]."""
    from ..generation.llama_cpp_backend import LlamaCppSettings, start_server
    from ..generation.opening import DEFAULT_CONFIG, read_table

    config = args.config or DEFAULT_CONFIG
    values = read_table(config, "llama-cpp")
    if args.model:
        values["model"] = str(args.model)
    name = args.name or Path(values.get("model", LlamaCppSettings.model)).stem
    key = os.environ.get(KEY_VARIABLE, "")
    place = f"{config}, [llama-cpp]"
    server = start_server(values, place, name=name, port=args.port, key=key)
    print(f"{name} answers until Ctrl-C. For a client, under [http-api]:", flush=True)
    print(f'base_url = "{server.listening_address}/v1"\nmodel = "{name}"', flush=True)
    try:
        while True:
            time.sleep(_LONG)
    except KeyboardInterrupt:
        print("Stopped.")
    return 0
