"""Find the Python that the project asks for among those on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.version import InvalidVersion, Version

from envkeep.errors import ToolError
from envkeep.paths import ENVIRONMENTS, python
from envkeep.process import run
from envkeep.project.metadata import python_version

FROM_CONDA = "conda-python-"  # what the folder of a Python starts with that conda brought
FROM_SAVED = "python-"  # and of one that was saved with an environment
COMPLETE = "complete"  # the file that says that such a folder is no half-made environment
# Some systems ship a Python that cannot make environments; it would fail later, and less clearly.
REPORT = "import ensurepip, sys, venv; print('{}.{}'.format(*sys.version_info), sys.executable)"


def find_interpreter(wanted: str | None = None) -> Path:
    """Return an interpreter that starts and can make environments.

    Args:
        wanted: Its version as ``major.minor``; by default what ``.python-version`` says.

    Raises:
        ToolError: No Python of that version is on this machine.
    """
    wanted = wanted or python_version()
    for candidate in _candidates(wanted):
        found = starts(*candidate, wanted=wanted)
        if found:
            return found
    raise ToolError(
        f"Python {wanted} is not on this machine; install it (`pyenv install {wanted}`, "
        f"`uv python install {wanted}` or your system's package) and run the command again."
    )


def starts(*command: object, wanted: str) -> Path | None:
    """Return the interpreter that a command starts if it is of a version and works, or None."""
    version, _, path = run([*command, "-c", REPORT], mode="probe").answer.partition(" ")
    return Path(path) if version == wanted else None


def unpacked(version: str) -> Path:
    """Return the folder for the interpreter of a version that was saved with an environment."""
    return ENVIRONMENTS / f"{FROM_SAVED}{version}"


def inside(folder: Path, version: str) -> Path:
    """Return the interpreter in a folder that holds a whole Python."""
    return folder / ("python.exe" if os.name == "nt" else f"bin/python{version}")


def whole_version() -> str:
    """Return the version of the project's Python on this machine with its patch: 3.12.4.

    Raises:
        ToolError: The project's Python is not on this machine.
    """
    return run(
        [find_interpreter(), "-c", "import platform; print(platform.python_version())"],
        mode="probe",
    ).answer


def _candidates(wanted: str) -> Iterator[list[str]]:
    """Yield ways to start a Python, the running one (outside its virtual environment) first."""
    if ".".join(map(str, sys.version_info[:2])) == wanted:
        yield [getattr(sys, "_base_executable", sys.executable)]
    for folder in os.get_exec_path():
        on_path = shutil.which(f"python{wanted}", path=folder)
        if on_path:
            yield [on_path]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in sorted(pyenv.glob(f"{wanted}.*"), key=_version_of, reverse=True):
        yield [str(version / "bin" / "python")]
    yield [str(python(ENVIRONMENTS / f"{FROM_CONDA}{wanted}"))]
    yield [str(inside(unpacked(wanted), wanted))]
    if os.name == "nt" and shutil.which("py"):
        yield ["py", f"-{wanted}"]
    if shutil.which("uv"):
        managed = run(["uv", "python", "find", "--no-project", wanted], mode="probe").answer
        if managed:
            yield [managed]


def _version_of(folder: Path) -> Version:
    """Return the version that a folder is named after; names such as ``3.13.0t`` are older ones."""
    try:
        return Version(folder.name)
    except InvalidVersion:
        return Version("0")
