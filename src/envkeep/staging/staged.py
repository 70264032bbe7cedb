"""Staged environments: what each would write into the project, until one is promoted.

Each has a folder in ``.cache/tries``, named like its environment; the folder and the keys of its
``report.json`` keep the names of the first release, so that what was staged before an update can be
promoted after it. ``report.json`` is written last: what was interrupted is none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from envkeep.environments.store import load
from envkeep.errors import ToolError
from envkeep.files import sha256_of, write_whole
from envkeep.paths import ROOT, TRIES

REPORT = "report.json"
FILES = "files"


@dataclass(frozen=True)
class StagedEnvironment:
    """A change with its locks and its environment, compared with the active one.

    Attributes:
        name: The name of the environment.
        text: The change as it was typed.
        created: When, in UTC and ISO 8601.
        good: Whether nothing got worse.
        verdict: Why it is good or not, as a sentence.
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


def keep(staged: StagedEnvironment, copy: Path) -> None:
    """Record what a promotion would write, and the comparison, as the latest staged environment."""
    number = max((each.number for each in kept()), default=0) + 1
    staged = replace(staged, number=number)
    shutil.rmtree(staged.folder, ignore_errors=True)
    for path, sha256 in staged.after.items():
        if sha256 is not None:
            place = staged.folder / FILES / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(copy / path, place)
    staged.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(staged), indent=2) + "\n"
    write_whole(staged.folder / REPORT, text.encode())


def hashes_now(paths: Iterable[str]) -> dict[str, str | None]:
    """Return the SHA-256 of files of the project, None where there is none."""
    return {path: _hash(ROOT / path) for path in paths}


def kept() -> list[StagedEnvironment]:
    """Return what can be promoted, the latest last."""
    found = (_load(path) for path in TRIES.glob(f"*/{REPORT}"))
    return sorted((each for each in found if each), key=lambda each: (each.number, each.created))


def unusable(going: Set[str]) -> list[Path]:
    """Return the folders of interrupted stagings, and of those without an environment."""
    whole = {each.folder for each in kept() if each.name not in going and load(each.name)}
    return sorted(path for path in TRIES.glob("*/") if path not in whole)


def find(name: str | None) -> StagedEnvironment:
    """Return a staged environment by its name, by default the latest.

    Raises:
        ToolError: No staged environment exists, or none has that name.
    """
    found = kept()
    if not found:
        raise ToolError('nothing was tried yet; `make try CHANGE="NAME==VERSION"` tries a change.')
    if name is None:
        return found[-1]
    chosen = [each for each in found if each.name == name]
    if not chosen:
        known = ", ".join(each.name for each in found)
        raise ToolError(f"no staged environment is called {name}; there are {known}.")
    return chosen[0]


def write_into_project(staged: StagedEnvironment) -> None:
    """Promote the requirements and locks; complete an interrupted promotion.

    Raises:
        ToolError: A file is neither as it was when it was staged nor as it will be.
    """
    for path, now in hashes_now(staged.after).items():
        if now not in (staged.before.get(path), staged.after[path]):
            raise ToolError(
                f"{path} was changed since this was tried; nothing was written, run `make try` "
                "again."
            )
    for path, sha256 in staged.after.items():
        place = ROOT / path
        if sha256 is None:
            place.unlink(missing_ok=True)
        elif _hash(place) != sha256:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, (staged.folder / FILES / path).read_bytes())


def _load(path: Path) -> StagedEnvironment | None:
    try:
        return StagedEnvironment(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _hash(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None
