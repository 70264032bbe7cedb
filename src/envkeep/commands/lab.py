"""Start JupyterLab in the project's environment, for this machine alone and with a token."""

from __future__ import annotations

import argparse

from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import NOTEBOOKS, ROOT, program, shown
from envkeep.process import run as run_program

HELP = "start JupyterLab on this machine, with a token; --no-browser prints the address only"
LOOPBACK = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--port", type=int, help="port (default: Jupyter's, or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")


def run(arguments: argparse.Namespace) -> int:
    """Start it and return its exit code when it ends.

    Raises:
        ToolError: No environment is active, or it has no JupyterLab.
    """
    project_tasks.python_of(DEVELOPMENT)
    jupyter = program(DEVELOPMENT.link, "jupyter-lab")
    if not jupyter.exists():
        raise ToolError(
            "JupyterLab is not in the development environment; add the extra jupyterlab by "
            "`make update ARGS=\"--data 'extras=[jupyterlab]'\"`, then `make lock` and "
            "`make install`."
        )
    command = [shown(jupyter), f"--ServerApp.ip={LOOPBACK}", f"--ServerApp.root_dir={ROOT}"]
    command.append(f"--LabApp.default_url=/lab/tree/{NOTEBOOKS.name}")
    if arguments.port is not None:
        command.append(f"--ServerApp.port={arguments.port}")
    if arguments.no_browser:
        command.append("--no-browser")
    return run_program(command, mode="foreground").code
