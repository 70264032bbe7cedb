"""Changes that were tried: what they would write, and what came out, until they are promoted.

Each has a folder in ``.cache/tries`` named like its environment. ``report.json`` is written last, so
an interrupted try is none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from envkeep.environments.store import load
from envkeep.errors import CommandError, ToolError
from envkeep.files import sha256_of, write_whole
from envkeep.locks import wheel_folders
from envkeep.locks.compile import UNTOUCHED
from envkeep.paths import ENVIRONMENTS, OVERRIDES, REQUIREMENTS, ROOT, TRIES
from envkeep.process import run_envkeep
from envkeep.project.requirements import parse
from envkeep.toolchain import locking_tools

REPORT = "report.json"
FILES = "files"
LENT = ("envkeep-*", "toolchain-*", "copier-*", "conda-python-*")


@dataclass(frozen=True)
class Candidate:
    """A change that was tried.

    Attributes:
        name: The name of its environment.
        text: The change as it was typed.
        created: When, in UTC and ISO 8601.
        good: Whether nothing got worse.
        verdict: Why, as a sentence.
        before: The SHA-256 of the project's files that it changes; None where there was none.
        after: The same of what it writes; None where it removes a file.
        number: Higher than that of each earlier one, whatever the clock says.
    """

    name: str
    text: str
    created: str
    good: bool
    verdict: str
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    number: int = 0

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return TRIES / self.name


def lend(copy: Path) -> None:
    """Let a copy of the project use this project's tools, and torch's wheels that lie in it."""
    lent = [path for pattern in LENT for path in ENVIRONMENTS.glob(pattern)]
    wheels = wheel_folders.top()
    for path in [*lent, *([wheels] if wheels.is_relative_to(ROOT) and wheels.exists() else [])]:
        place = copy / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.symlink_to(path, target_is_directory=True)
        except OSError:  # without the right to make links on Windows they are made anew
            return


def lock_in(copy: Path, *, upgrade: bool) -> None:
    """Compile the locks of a copy of the project, by its own tools.

    Pins of the stack that are newer than the change goes with are loosened in its overrides.

    Raises:
        ToolError: They cannot be; the reason is the last of what they say.
    """
    command = ["lock-upgrade" if upgrade else "lock", "--quiet", "--loosen", "--verbose"]
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

    The values are their SHA-256 in the copy, None where the copy has no such file.
    """
    there, here = (_hashes(root) for root in (copy, ROOT))
    return {
        path: there.get(path)
        for path in sorted({*there, *here})
        if there.get(path) != here.get(path)
    }


def keep(candidate: Candidate, copy: Path) -> None:
    """Keep what a try would write, and what came out; it is the latest from now on."""
    number = max((each.number for each in kept()), default=0) + 1
    candidate = replace(candidate, number=number)
    shutil.rmtree(candidate.folder, ignore_errors=True)
    for path, sha256 in candidate.after.items():
        if sha256 is not None:
            place = candidate.folder / FILES / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(copy / path, place)
    candidate.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(candidate), indent=2) + "\n"
    write_whole(candidate.folder / REPORT, text.encode())


def added_overrides(copy: Path) -> list[str]:
    """Return the lines that the overrides of a copy have and the project's lack."""
    there, here = (
        {line.text for line in (parse(path) if path.exists() else [])}
        for path in (copy / OVERRIDES.relative_to(ROOT), OVERRIDES)
    )
    return sorted(there - here)


def hashes_now(paths: Iterable[str]) -> dict[str, str | None]:
    """Return the SHA-256 of files of the project, None where there is none."""
    return {path: _hash(ROOT / path) for path in paths}


def kept() -> list[Candidate]:
    """Return the tries that can be promoted, the latest last."""
    found = (_load(path) for path in TRIES.glob(f"*/{REPORT}"))
    return sorted((each for each in found if each), key=lambda each: (each.number, each.created))


def unusable(going: Set[str]) -> list[Path]:
    """Return the folders of tries that were cut off, or whose environment is gone or will be."""
    whole = {each.folder for each in kept() if each.name not in going and load(each.name)}
    return sorted(path for path in TRIES.glob("*/") if path not in whole)


def find(name: str | None) -> Candidate:
    """Return a try by the name of its environment, by default the latest.

    Raises:
        ToolError: There is none.
    """
    found = kept()
    if not found:
        raise ToolError('nothing was tried yet; `make try CHANGE="NAME==VERSION"` tries a change.')
    if name is None:
        return found[-1]
    chosen = [each for each in found if each.name == name]
    if not chosen:
        known = ", ".join(each.name for each in found)
        raise ToolError(f"no try is called {name}; there are {known}.")
    return chosen[0]


def write_into_project(candidate: Candidate) -> None:
    """Make a try's requirements and locks the project's; one that was cut off is completed.

    Raises:
        ToolError: One of the files is neither as it was when it was tried nor as it will be.
    """
    for path, now in hashes_now(candidate.after).items():
        if now not in (candidate.before.get(path), candidate.after[path]):
            raise ToolError(
                f"{path} was changed since this was tried; nothing was written, run `make try` "
                "again."
            )
    for path, sha256 in candidate.after.items():
        place = ROOT / path
        if sha256 is None:
            place.unlink(missing_ok=True)
        elif _hash(place) != sha256:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, (candidate.folder / FILES / path).read_bytes())


def _load(path: Path) -> Candidate | None:
    try:
        return Candidate(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _hashes(root: Path) -> dict[str, str]:
    top = root / REQUIREMENTS.relative_to(ROOT)
    files: Sequence[Path] = [path for path in top.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): sha256_of(path) for path in files}


def _hash(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None
