r"""Compare the project's server with LitServe, and with FastAPI without batches: the same model.

    python benchmarks/serving.py [--clients 32] [--seconds 5] [--rounds 3] [--section.key VALUE ...]

A project is made, trained and exported, with the settings that follow. Each server has one process
for the model, one thread of ONNX Runtime, and the packages of the project's production environment;
LitServe is added to a copy of it. They are started and asked in turns, so that other work on the
machine slows all of them. Clients on the same machine ask without a pause, one image in each
request. Shown are the medians of the rounds, and their ratios to the project's server.

With the default of a wide model, computing takes the most of a request. `--model.width 16` shows
what the servers themselves take.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from hooks.new_project import machine_answers
from tests.lifecycle.projects import Project
from tests.support.copier_runs import render, stage
from tests.support.load import Counts, ask

OTHERS = Path(__file__).with_name("other_servers")
LITSERVE = "litserve>=0.2.19"
PRODUCTION = ".venv-prod"
MODEL = "models/digits"
BODY = json.dumps({"images": [[[0, 0, 0, 14, 10, 0, 0, 0]] * 8]}).encode()
DEFAULTS = ("--model.width", "128", "--training.epochs", "1")


def made(folder: Path, settings: Sequence[str]) -> Project:
    """Return a project that serves, with an exported model and the production environment."""
    chosen = {**machine_answers(), "serving": "true"}
    project = Project(render(stage(folder / "template"), folder / "project", chosen))
    for target in ("setup", "data"):
        project.make(target)
    project.make("train", " ".join([*DEFAULTS, *settings]))
    for target in ("export", "install-prod"):
        project.make(target)
    return project


def with_litserve(project: Project, folder: Path) -> Path:
    """Return the interpreter of an environment with production's versions, and LitServe."""
    python = folder / "bin" / "python"
    pins = folder.with_suffix(".txt")
    locked = project.packages(PRODUCTION)
    own = {project.package.replace("_", "-"), project.package}
    lines = [f"{name}=={version}" for name, version in locked.items() if name not in own]
    pins.write_text("\n".join(lines) + "\n", encoding="utf-8")
    uv = [sys.executable, "-m", "uv"]
    interpreter = project.python_path(PRODUCTION)
    subprocess.run([*uv, "venv", "--quiet", "--python", str(interpreter), str(folder)], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([*install, "--requirement", str(pins), LITSERVE], check=True)
    return python


def free_port() -> int:
    """Return a port of loopback that nobody listens to."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[object], folder: Path, **settings: str) -> Iterator[int]:
    """Run a server, and yield its port once it listens; the port ends its command."""
    port = free_port()
    with subprocess.Popen(
        [*map(str, command), str(port)],
        cwd=folder,
        env={**os.environ, "SERVING_THREADS": "1", **settings},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            while process.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
            else:
                raise SystemExit(f"it did not start: {' '.join(map(str, command))}")
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # LitServe's processes do not end by SIGTERM


def ways(project: Project, python: Path) -> dict[str, tuple[list[object], dict[str, str]]]:
    """Return command and settings of each server by its name, the project's first."""
    own = [project.python_path(PRODUCTION), "-m", project.package, "serve", MODEL, "--port"]
    model = project.folder / MODEL / "model.onnx"
    return {
        "the project's": ([*own], {}),
        "the project's, one at a time": ([*own], {"SERVING_MAX_BATCH": "1"}),
        "LitServe": ([python, OTHERS / "with_litserve.py", model], {}),
        "FastAPI without batches": ([python, OTHERS / "with_fastapi.py", model], {}),
    }


def measured(
    project: Project, python: Path, arguments: argparse.Namespace
) -> dict[str, list[Counts]]:
    """Return what clients got of each server, round by round, after a second to get warm."""
    found: dict[str, list[Counts]] = {}
    for _ in range(arguments.rounds):
        for name, (command, settings) in ways(project, python).items():
            with running(command, project.folder, **settings) as port:
                for seconds in (1, arguments.seconds):
                    asking = ask(port, BODY, clients=arguments.clients, seconds=seconds, most=10**9)
                    counts = asyncio.run(asking)
            found.setdefault(name, []).append(counts)
    return found


def table_of(found: Mapping[str, Sequence[Counts]]) -> Table:
    """Return the medians over the rounds, and what went wrong in all of them."""
    first, *_ = found.values()
    table = Table("server", "requests a second", "ratio", "p50", "p99", "not answered by 200")
    for name, rounds in found.items():
        rate = statistics.median(each.per_second for each in rounds)
        pairs = zip(rounds, first, strict=True)
        ratio = statistics.median(each.per_second / own.per_second for each, own in pairs)
        cuts = [statistics.quantiles(each.latencies, n=100) for each in rounds]
        halves, tails = (statistics.median(each[at] for each in cuts) for at in (49, 98))
        wrong = sum(each.lost + each.answers - each.statuses[200] for each in rounds)
        times = [f"{1000 * each:.1f} ms" for each in (halves, tails)]
        table.add_row(name, f"{rate:,.0f}", f"{ratio:.2f}", *times, f"{wrong}")
    return table


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=32, help="that ask at once (32)")
    parser.add_argument("--seconds", type=float, default=5, help="of each turn (5)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (3)")
    arguments, settings = parser.parse_known_args()
    with TemporaryDirectory(prefix="serving-") as name:
        project = made(Path(name), settings)
        python = with_litserve(project, Path(name) / "litserve")
        table = table_of(measured(project, python, arguments))
    Console(highlight=False, soft_wrap=True).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
