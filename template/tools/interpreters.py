# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Find the Python that the project asks for among those on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from .errors import ToolError
from .project import python_version
from .run import output_of

REPORT = "import sys; print('{}.{}'.format(*sys.version_info), sys.executable)"


def find() -> Path:
    """Return the interpreter for ``.python-version``.

    Raises:
        ToolError: None of that version is on this machine.
    """
    wanted = python_version()
    for candidate in _candidates(wanted):
        reported = output_of([*candidate, "-c", REPORT]).partition(" ")
        if reported[0] == wanted:
            return Path(reported[2])
    raise ToolError(
        f"Python {wanted} is not on this machine; install it (`pyenv install {wanted}`, "
        f"`uv python install {wanted}` or your system's package) and run the command again."
    )


def _candidates(wanted: str) -> Iterator[list[str]]:
    """Yield ways to start a Python, the running one (outside its virtual environment) first."""
    if ".".join(map(str, sys.version_info[:2])) == wanted:
        yield [getattr(sys, "_base_executable", sys.executable)]
    on_path = shutil.which(f"python{wanted}")
    if on_path:
        yield [on_path]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder in sorted(pyenv.glob(f"{wanted}.*"), reverse=True):
        yield [str(folder / "bin" / "python")]
    if os.name == "nt" and shutil.which("py"):
        yield ["py", f"-{wanted}"]
    if shutil.which("uv"):
        managed = output_of(["uv", "python", "find", "--no-project", wanted])
        if managed:
            yield [managed]
