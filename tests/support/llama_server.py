"""llama.cpp's own server, with OpenAI's interface, on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FIRST_URL = "http://127.0.0.1:11434"
SERVE = """
import sys, xllamacpp
model, name, at_once, key, endless = sys.argv[1:]
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.model_alias = model, {name}
parameters.n_ctx, parameters.n_parallel, parameters.cpuparams.n_threads = 0, int(at_once), 1
parameters.sampling.ignore_eos = endless == "endless"
parameters.warmup, parameters.verbosity = False, -1
if key:
    parameters.api_keys = [key]
server = xllamacpp.Server(parameters)
server.handle_completions({"prompt": "a", "max_tokens": 1})
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class LlamaServer:
    """A server that runs.

    Attributes:
        url: Its address, without a path.
        process: What can be killed.
    """

    url: str
    process: subprocess.Popen[str]


@contextmanager
def llama_server(
    python: Path, model: Path, name: str, *, at_once: int = 1, key: str = "", endless: bool = False
) -> Iterator[LlamaServer]:
    """Serve a model until the block ends.

    Args:
        python: The interpreter of an environment with xllamacpp.
        model: A GGUF file.
        name: What the server calls it.
        at_once: How many answers it writes at the same time.
        key: What it wants to be told.
        endless: Whether answers do not end where the model ends them.
    """
    arguments = [str(model), name, str(at_once), key, "endless" if endless else ""]
    with subprocess.Popen(
        [str(python), "-c", SERVE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "llama.cpp's server did not start"
            yield LlamaServer(url, process)
        finally:
            process.kill()


def ask(project: Path, url: str) -> None:
    """Let a new project for an HTTP API ask a server in place of the one that it begins with."""
    config = project / "configs" / "generate.toml"
    text = config.read_text(encoding="utf-8")
    assert FIRST_URL in text
    config.write_text(text.replace(FIRST_URL, url), encoding="utf-8")
