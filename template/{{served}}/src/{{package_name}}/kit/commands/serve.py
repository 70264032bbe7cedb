# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`serve`: answers over HTTP with an exported model."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..answers import load_answers, optional
from ..artifacts import newest_model
from ..serving import generates_text, module_of_service

HELP = "answer over HTTP with an exported model, until Ctrl-C"
_MAY_CRASH = ("llama-cpp",)  # which ends the process in which it meets an error of its own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model and the settings that are often changed; docs/serving.md has all."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL_DIR",
        help=f"folder that export wrote (default: {_default()})",
    )
    parser.add_argument("--host", help="address (default: SERVING_HOST or 127.0.0.1)")
    parser.add_argument("--port", type=int, help="0: a free one (default: SERVING_PORT or 8000)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: 1)")
    parser.add_argument("--device", help="cpu (default), auto, or a backend such as cuda")
    if (Path(__file__).parents[1] / "by_ray.py").is_file():
        parser.add_argument("--by", choices=["ray"], help="answer by Ray Serve")


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    from ..serving.server import serve
    from ..serving.settings import read_settings

    settings = read_settings(os.environ, host=args.host, port=args.port, workers=args.workers)
    folder = args.model or (None if generates_text() else newest_model())
    open_service = partial(_service().open, folder, settings, args.device)
    if getattr(args, "by", None):
        if folder:  # Ray's processes have another working directory
            open_service = partial(_service().open, folder.resolve(), settings, args.device)
        application = partial(_application, open_service, settings)
        served: int = optional("by_ray").serve(application, settings)
        return served
    return serve(open_service, settings, watched=load_answers().inference in _MAY_CRASH)


def _application(open_service: Callable[[], Any], settings: Any) -> Any:
    from ..serving.application import create_app

    return create_app(open_service(), settings)


def _service() -> Any:
    """Return the kind of service that this project has the module of."""
    module = module_of_service()
    return module.GeneratorService if generates_text() else module.PredictorService


def _default() -> str:
    return "as in configs/generate.toml" if generates_text() else "the newest in models/"
