"""Run the notebooks from top to bottom, in the project's environment."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from envkeep import temporary
from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import CommandError
from envkeep.paths import NOTEBOOKS, python, shown
from envkeep.process import run as run_program
from envkeep.result import Result
from envkeep.toolchain.pinned_tools import NOTEBOOK_TOOLS

HELP = "run every notebook from top to bottom; changes none of them"
KERNEL = "project"
FOLDER_OF_PACKAGES = "import sysconfig; print(sysconfig.get_path('purelib'))"
# What the kernel itself consists of stands last: the project's own packages win.
START_KERNEL = """\
import sys
sys.path.append({folder!r})
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="FILE", help="only these")


def run(arguments: argparse.Namespace) -> Result:
    """Run all notebooks in turn; a failure does not stop the others."""
    found = [path.resolve() for path in arguments.notebooks] or _all()
    if not found:
        return Result({"notebooks": [], "failed": []}, [f"{shown(NOTEBOOKS)} holds no notebook."])
    project_tasks.python_of(DEVELOPMENT)
    with temporary.folder() as folder:
        _describe_kernel(folder)
        failed = _run(found, folder)
    data = {"notebooks": [shown(path) for path in found], "failed": failed}
    if not failed:
        return Result(data, [f"{len(found)} notebooks run from top to bottom."])
    return Result.failed(
        f"{len(failed)} of {len(found)} notebooks fail ({', '.join(failed)}); the cell and its "
        "error are above.",
        data,
    )


def _all() -> list[Path]:
    found = NOTEBOOKS.rglob("*.ipynb")
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def _describe_kernel(folder: Path) -> None:
    """Write the specification of a kernel that has the project's packages."""
    packages = run_program(
        [python(NOTEBOOK_TOOLS.ensure()), "-c", FOLDER_OF_PACKAGES], mode="probe"
    ).answer
    start = [sys.executable, "-c", START_KERNEL.format(folder=packages), "-f", "{connection_file}"]
    start[0] = str(python(DEVELOPMENT.link))
    kernel = {"argv": start, "display_name": "Project", "language": "python"}
    place = folder / "kernels" / KERNEL
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")


def _run(found: Sequence[Path], kernels: Path) -> list[str]:
    """Run notebooks and return the names of those that fail."""
    failed = []
    for path in found:
        command = [NOTEBOOK_TOOLS.tool("jupyter-execute"), f"--kernel_name={KERNEL}", path]
        try:
            run_program(command, env={"JUPYTER_PATH": str(kernels)})
        except CommandError:
            failed.append(shown(path))
    return failed
