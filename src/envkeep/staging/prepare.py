"""Make a change in a copy of the project: lock it there, and see which files it changes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from envkeep.errors import CommandError
from envkeep.files import sha256_of
from envkeep.locks import package_managers, wheel_folders
from envkeep.locks.compile import UNTOUCHED
from envkeep.paths import ENVIRONMENTS, OVERRIDES, PYPROJECT, REQUIREMENTS, ROOT
from envkeep.process import run_envkeep
from envkeep.project import snapshot
from envkeep.project.requirements import read_requirements
from envkeep.toolchain import locking_tools

LENT = ("envkeep-*", "toolchain-*", "poetry-*", "copier-*", "conda-python-*")


def lend(copy: Path) -> None:
    """Let a copy of the project use this project's tools, and torch's wheels that lie in it."""
    lent = [path for pattern in LENT for path in ENVIRONMENTS.glob(pattern)]
    wheels = wheel_folders.top()
    lent += [wheels] if wheels.is_relative_to(ROOT) and wheels.exists() else []
    snapshot.lend(copy, lent)


def lock(copy: Path, *, upgrade: bool) -> None:
    """Compile the locks of a copy of the project, by the envkeep there.

    Pins of the stack that are newer than the change goes with are loosened in its overrides.

    Raises:
        CommandError: The locks cannot be compiled; the reason is the last that was said there.
    """
    command = ["lock-upgrade" if upgrade else "lock", "--quiet", "--loosen"]
    command += [] if upgrade else ["--changed"]
    command += ["--fast"] if locking_tools.uses_uv() else []
    with ThreadPoolExecutor() as beside:
        beside.submit(locking_tools.pip_settings)  # installing asks for them next
        done = run_envkeep(copy, *command)
    if done.code:
        reason = done.errors.replace(f"; {UNTOUCHED}", "")  # those of a copy that nobody sees
        raise CommandError(f"the change cannot be locked, nothing was changed: {reason}")


def changed_files(copy: Path) -> dict[str, str | None]:
    """Return the requirements and locks of a copy that differ from the project's, by path.

    With uv and Poetry that is what they read too.

    The values are their SHA-256 in the copy, None where the copy has no such file.
    """
    there, here = (_hashes(root) for root in (copy, ROOT))
    return {
        path: there.get(path)
        for path in sorted({*there, *here})
        if there.get(path) != here.get(path)
    }


def added_overrides(copy: Path) -> list[str]:
    """Return the lines that the overrides of a copy have and the project's lack."""
    there, here = (
        {line.text for line in (read_requirements(path) if path.exists() else [])}
        for path in (copy / OVERRIDES.relative_to(ROOT), OVERRIDES)
    )
    return sorted(there - here)


def _hashes(root: Path) -> dict[str, str]:
    top = root / REQUIREMENTS.relative_to(ROOT)
    places = [*top.rglob("*")]
    manager = package_managers.chosen()
    if manager:
        places += [root / path.name for path in (PYPROJECT, manager.path)]
    files: Sequence[Path] = [path for path in places if path.is_file()]
    return {path.relative_to(root).as_posix(): sha256_of(path) for path in files}
