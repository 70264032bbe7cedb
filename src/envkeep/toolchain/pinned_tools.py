"""Small environments of pinned, hashed tools, apart from the project's own."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from envkeep import temporary
from envkeep.errors import CommandError, ToolError
from envkeep.paths import (
    AUDIT_LOCK,
    COPIER_LOCK,
    ENVIRONMENTS,
    NOTEBOOKS_LOCK,
    POETRY_TOOLS_LOCK,
    TOOLCHAIN_LOCK,
    program,
    python,
    shown,
)
from envkeep.process import run, say
from envkeep.project.metadata import python_version
from envkeep.toolchain import interpreters

COMPLETE = "complete"
PIP_MAJOR = "import pip; print(pip.__version__.partition('.')[0])"
FILLS_OTHERS = 23  # the first major version of pip that fills other environments throughout


@dataclass(frozen=True)
class PinnedTools:
    """The environment of some tools.

    Attributes:
        name: What the names of its folders start with.
        lock: The file that it is filled from.
        holds: The names of the tools, for messages.
    """

    name: str
    lock: Path
    holds: str

    def ensure(self) -> Path:
        """Return the environment, made first if this version of it is not there yet.

        Raises:
            ToolError: The tools could not be installed; nothing half-made is left behind.
        """
        target = self._folder()
        if _is_usable(target):
            return target
        say(f"Preparing the pinned tools ({self.holds}) in an environment of their own.")
        shutil.rmtree(target, ignore_errors=True)
        ENVIRONMENTS.mkdir(exist_ok=True)
        try:
            with temporary.claimed(target):
                self._make(target)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        (target / COMPLETE).write_text(str(target), encoding="utf-8")
        return target

    def tool(self, name: str) -> Path:
        """Return the path of one of the programs.

        Raises:
            ToolError: The environment does not hold the program.
        """
        path = program(self.ensure(), name)
        if not path.exists():
            raise ToolError(f"{name} is not in the pinned tools; see {shown(self.lock)}.")
        return path

    def has(self, name: str) -> bool:
        """Tell whether a program is among the tools on this platform."""
        return program(self.ensure(), name).exists()

    def there(self, name: str) -> Path | None:
        """Return the path of a program if it is there, without making the environment."""
        path = program(self._folder(), name)
        return path if _is_usable(self._folder()) and path.exists() else None

    def superseded(self) -> list[Path]:
        """Return the environments of other versions of these tools."""
        others = re.compile(re.escape(self.name) + "-[0-9a-f]{12}")
        found = [path for path in ENVIRONMENTS.iterdir() if others.fullmatch(path.name)]
        return sorted(path for path in found if path != self._folder() and not path.is_symlink())

    def _make(self, target: Path) -> None:
        """Fill a new environment; what is compiled that way is mostly never imported."""
        interpreter = interpreters.find_interpreter()
        has_pip = _has_pip(interpreter)
        run([interpreter, "-m", "venv", *(["--without-pip"] if has_pip else []), target])
        of_venv = [python(target), "-m", "pip"]
        pip = [interpreter, "-m", "pip", "--python", python(target)] if has_pip else of_venv
        options = ["--no-compile", "--no-deps", "--require-hashes"]
        try:
            run([*pip, "install", *options, "-r", self.lock], mode="quiet")
        except CommandError as error:
            raise ToolError(
                f"the pinned tools ({self.holds}) could not be fetched, pip's message is above; "
                "check the network, then run the command again."
            ) from error

    def _folder(self) -> Path:
        digest = hashlib.sha256(python_version().encode() + self.lock.read_bytes()).hexdigest()
        return ENVIRONMENTS / f"{self.name}-{digest[:12]}"


def _has_pip(interpreter: Path) -> bool:
    """Tell whether a Python has a pip that fills other environments: venv's own costs seconds."""
    major = run([interpreter, "-I", "-c", PIP_MAJOR], mode="probe").answer
    return major.isdecimal() and int(major) >= FILLS_OTHERS


def _is_usable(target: Path) -> bool:
    """Tell whether an environment is complete, and its programs start.

    They name the folder that they were made in and its Python, neither of which is there after the
    project was moved, or in a container that shares the host's folder.
    """
    try:
        made_in = (target / COMPLETE).read_text(encoding="utf-8")
    except OSError:
        return False
    return made_in != "" and Path(made_in).is_dir() and python(target).exists()


TOOLCHAIN = PinnedTools("toolchain", TOOLCHAIN_LOCK, "pip, pip-tools, uv")
COPIER = PinnedTools("copier", COPIER_LOCK, "Copier")
AUDIT = PinnedTools("audit", AUDIT_LOCK, "pip-audit")
NOTEBOOK_TOOLS = PinnedTools("notebooks", NOTEBOOKS_LOCK, "nbclient, ipykernel")
POETRY = PinnedTools("poetry", POETRY_TOOLS_LOCK, "Poetry")
ALL = (TOOLCHAIN, COPIER, AUDIT, NOTEBOOK_TOOLS, POETRY)
