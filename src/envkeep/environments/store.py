"""The environments of the project: each lock gets its own, a link says which one is active.

The only module that makes, switches and lists them. One is complete when its ``generation.json``
exists; that file is written last, so an interrupted install never counts. It keeps the name that it
had in the first release, as environments of then stay usable and training runs read it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from envkeep import temporary, transaction
from envkeep.environments import links
from envkeep.errors import ToolError
from envkeep.files import locked, write_whole
from envkeep.paths import DEVELOPMENT_LINK, ENVIRONMENTS, ROOT, TREE, shown
from envkeep.process import run, say
from envkeep.project.metadata import editable_install_hash, source_hash
from envkeep.project.named_environments import is_named
from envkeep.temporary import is_claimed

FACTS = "generation.json"
MARKS = (FACTS, "complete")  # of an environment, of tools: what is written last
HISTORY = ENVIRONMENTS / "history.json"
IN_USE = "in-use"
COUNTED = re.compile(r"-\d{1,3}$")  # the number at the end of a name
MADE_HERE = re.compile(r"([\w.-]+-)?[0-9a-f]{12}(-\w+)*")
"""What environments are called, those of tools too; other folders are somebody else's."""


@dataclass(frozen=True)
class Kind:
    """A use of environments with its own active one.

    Attributes:
        name: What it is called in messages and in the history.
        link: The link in the project's folder that points at the active environment.
        prefix: What the names of its environments start with.
        project: How the project itself is in it: editable, as a copy, or not at all.
    """

    name: str
    link: Path
    prefix: str
    project: Literal["editable", "copy", "none"]


DEVELOPMENT = Kind("development", DEVELOPMENT_LINK, "", "editable")
PRODUCTION = Kind("production", ROOT / ".venv-prod", "prod-", "copy")


def of_exporter(exporter: str) -> Kind:
    """Return the kind of the environments of an exporter, or by name, which are apart."""
    name = exporter.rpartition("/")[2]
    if is_named(exporter):
        return Kind(exporter, ROOT / f".venv-env-{name}", f"env-{name}-", "none")
    return Kind(exporter, ROOT / f".venv-export-{name}", f"export-{name}-", "none")


def project_hash(kind: Kind) -> str:
    """Return the hash of the project's part in an environment: a copy, or its commands."""
    hashes = {"copy": source_hash, "editable": editable_install_hash}
    return hashes[kind.project]() if kind.project in hashes else ""


@dataclass(frozen=True)
class Environment:
    """The recorded facts of a complete environment.

    Attributes:
        name: Name of its folder.
        kind: ``development``, ``production``, or the exporter or name that it is for.
        lock_sha256: Hash of the locks that it was filled from.
        project_sha256: Hash of what was taken from the project when it was installed.
        python: Version of its Python, ``major.minor``.
        created: When, in UTC and ISO 8601.
        reason: Which command made it.
        project_folder: Where the project lay then; scripts and links point there.
        backend: What its locks are for.
        import_seconds: The processor time that its own requirements took to import when it was
            made, if that was measured.
    """

    name: str
    kind: str
    lock_sha256: str
    project_sha256: str
    python: str
    created: str
    reason: str
    project_folder: str
    backend: str = "cpu"
    import_seconds: float | None = None

    @property
    def folder(self) -> Path:
        """Where the environment lies."""
        return ENVIRONMENTS / self.name


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold the project's lock against other commands that change environments and locks.

    What commands left that were killed is completed or removed first: nobody is at work on it.

    Raises:
        ToolError: Another command is changing them.
    """
    ENVIRONMENTS.mkdir(exist_ok=True)
    with locked(ENVIRONMENTS / IN_USE) as is_mine:
        if not is_mine:
            raise ToolError(
                "another command is changing this project's environments; wait until it has ended."
            )
        _tidy()
        yield


def _tidy() -> None:
    """Complete or remove the leftovers of killed commands."""
    transaction.finish()
    left = [ENVIRONMENTS / name for name in sorted(half_made())]
    left += [TREE] if TREE.exists() else []
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    if TREE in left:
        run(["git", "worktree", "prune"], mode="probe")
    for folder in (*left, *temporary.remove_left()):
        say(f"Removed {shown(folder)}, which a command that was killed had left.")


def in_use() -> bool:
    """Tell whether a command is changing this project's environments and locks now."""
    if not (ENVIRONMENTS / IN_USE).exists():
        return False
    try:
        with locked(ENVIRONMENTS / IN_USE) as is_mine:
            return not is_mine
    except (OSError, ToolError):  # nobody can write, or lock, here
        return False


def name_for(kind: Kind, lock_sha256: str, project_sha256: str) -> str:
    """Return the name of the environment for a lock and a state of the project, made or not.

    It is the lock's hash; a later state of the project with the same lock adds its own.
    """
    for found in made_for(kind, lock_sha256, project_sha256):
        return found.name
    name = _plain_name(kind, lock_sha256)
    return f"{name}-{project_sha256[:6]}" if load(name) else name


def made_for(kind: Kind, lock_sha256: str, project_sha256: str) -> list[Environment]:
    """Return the environments for a lock and a state of the project: the active one, the latest."""
    found = [
        each
        for each in complete()
        if each.name.startswith(_plain_name(kind, lock_sha256))
        and (each.kind, each.lock_sha256) == (kind.name, lock_sha256)
        and each.project_sha256 == project_sha256
    ]
    return sorted(reversed(found), key=lambda each: not is_active(each))


def _plain_name(kind: Kind, lock_sha256: str) -> str:
    return f"{kind.prefix}{lock_sha256[:12]}"


def _free_name(name: str) -> str:
    """Return a free name: with a number if it is taken."""
    plain = COUNTED.sub("", name)
    names = (name, *(f"{plain}-{number}" for number in range(2, 1000)))
    return next(each for each in names if not load(each))


def load(name: str) -> Environment | None:
    """Return the environment of a name, or None if it is not complete or not usable here.

    An environment that was moved together with its project still points at the old place.
    """
    try:
        facts = json.loads((ENVIRONMENTS / name / FACTS).read_text(encoding="utf-8"))
        environment = Environment(**facts)
    except (OSError, ValueError, TypeError):
        return None
    return environment if environment.project_folder == str(ROOT) else None


def active(kind: Kind) -> Environment | None:
    """Return the active environment of a kind, or None."""
    if not links.is_link(kind.link):
        return None
    return load(kind.link.readlink().name)


def create(
    wanted: Environment,
    fill: Callable[[Path], None],
    check: Callable[[Path], float | None] | None = None,
) -> Environment:
    """Make an environment beside the others; nothing is active yet.

    Every file of it is looked at, whoever makes it: one that is gone or cut off ends it.

    Args:
        wanted: Its facts; its name gets a number if there is one of that name already.
        fill: Creates and fills the environment in the folder it is given.
        check: Judges it; returns how long it took to import, if that was measured.

    Returns:
        All its facts.

    Raises:
        BaseException: Whatever ``fill`` and ``check`` raise; the folder is removed first.
        ToolError: A file of the environment is gone or cut off; the folder is removed.
    """
    from envkeep.environments import integrity

    new = replace(wanted, name=_free_name(wanted.name))
    shutil.rmtree(new.folder, ignore_errors=True)
    ENVIRONMENTS.mkdir(exist_ok=True)
    try:
        fill(new.folder)
        integrity.require_whole(new.folder)
        made = replace(new, import_seconds=check(new.folder) if check else None)
        _write_json(made.folder / FACTS, asdict(made))
    except BaseException:
        shutil.rmtree(new.folder, ignore_errors=True)
        raise
    return made


def activate(kind: Kind, environment: Environment) -> None:
    """Make an environment the active one in one step and remember which one was active before.

    Raises:
        ToolError: Something that is not a link made by envkeep is in the way.
    """
    links.point(kind.link, environment.folder)
    past = [name for name in history(kind) if name != environment.name]
    _remember(kind, [*past, environment.name])


def roll_back(kind: Kind, name: str | None = None) -> Environment:
    """Activate an earlier environment.

    Args:
        kind: Of which kind.
        name: Which one; by default the one that was active before the current one.

    Raises:
        ToolError: No earlier environment exists, or none of that name is whole.
    """
    if name is not None:
        return _switch_to(kind, name)
    current = active(kind)
    past = history(kind)
    earlier = past[: past.index(current.name)] if current and current.name in past else past
    usable = [found for found in map(load, earlier) if found]
    while usable and _damage(usable[-1]):
        usable.pop()
    if not usable:
        raise ToolError(f"there is no earlier {kind.name} environment to go back to.")
    links.point(kind.link, usable[-1].folder)
    _remember(kind, [found.name for found in usable])
    return usable[-1]


def _switch_to(kind: Kind, name: str) -> Environment:
    found = {each.name: each for each in complete() if each.kind == kind.name}
    if name not in found:
        raise ToolError(
            f"there is no {kind.name} environment {name}; there are {', '.join(found) or 'none'}."
        )
    if damage := _damage(found[name]):
        raise ToolError(f"{name} is damaged: {damage}; nothing was switched.")
    activate(kind, found[name])
    return found[name]


def _damage(environment: Environment) -> str:
    """Return why programs cannot run in an environment, or nothing."""
    from envkeep.environments import integrity

    problem = integrity.problem(environment.folder, environment.python, None, every_file=True)
    return problem.text if problem and problem.breaks else ""


def complete() -> list[Environment]:
    """Return all environments that are usable here, the latest made last."""
    found = (load(path.parent.name) for path in ENVIRONMENTS.glob(f"*/{FACTS}"))
    return sorted((each for each in found if each), key=lambda each: (each.created, each.name))


def is_active(environment: Environment) -> bool:
    """Tell whether a link of the project points at an environment."""
    return environment.name in _linked()


def superfluous(kept: int) -> list[Path]:
    """Return the folders of environments that may be deleted.

    Those are all of a kind but the last ones that were active, or else were made; never what a link
    points at; and folders that an interrupted command left.

    Args:
        kept: How many of each kind stay.
    """
    found: dict[str, list[Environment]] = {}
    for environment in complete():
        found.setdefault(environment.kind, []).append(environment)
    staying = _linked()
    for kind, environments in found.items():
        past = _histories().get(kind, [])
        by_use = sorted(environments, key=lambda each: _place(past, each.name))
        staying |= {each.name for each in by_use[-kept:]}
    usable = {each.name for each in complete()}
    return [ENVIRONMENTS / name for name in sorted((usable - staying) | half_made())]


def half_made() -> set[str]:
    """Return the names of folders that were to become environments; a command may be at work.

    Tools that are being made are none of them.
    """
    found = (path for path in ENVIRONMENTS.iterdir() if _is_half_made(path))
    return {path.name for path in found if not is_claimed(path)}


def delete(folder: Path) -> None:
    """Delete an environment so that an interrupted deletion leaves none that counts."""
    for mark in MARKS:
        (folder / mark).unlink(missing_ok=True)
    shutil.rmtree(folder)


def history(kind: Kind) -> list[str]:
    """Return the names of the environments that were active, the latest last."""
    return _histories().get(kind.name, [])


def _linked() -> set[str]:
    """Return the names of the environments that links of the project point at."""
    there = (path for path in ROOT.glob(".venv*") if path != ENVIRONMENTS)
    return {path.readlink().name for path in there if links.is_link(path)}


def _place(past: Sequence[str], name: str) -> int:
    """Return the last activation of an environment as a sort key; never active comes first."""
    return past.index(name) if name in past else -1


def _is_half_made(path: Path) -> bool:
    """Tell whether a folder is an incomplete environment: it lacks the file written last."""
    is_environment = MADE_HERE.fullmatch(path.name) and path.is_dir()
    return bool(is_environment) and not any((path / mark).exists() for mark in MARKS)


def _histories() -> dict[str, list[str]]:
    try:
        found = json.loads(HISTORY.read_text(encoding="utf-8"))
        return {str(kind): [str(name) for name in names] for kind, names in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _remember(kind: Kind, names: list[str]) -> None:
    _write_json(HISTORY, {**_histories(), kind.name: names})


def _write_json(path: Path, content: object) -> None:
    write_whole(path, f"{json.dumps(content, indent=2)}\n".encode())
