"""Save the active environment to a folder that restores it without network."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkeep.archive import manifest, save
from envkeep.archive.layout import PYTHON, Layout
from envkeep.archive.manifest import Manifest
from envkeep.commands import env
from envkeep.environments import health, store
from envkeep.environments.store import DEVELOPMENT, Environment, Kind, exclusive
from envkeep.errors import ToolError
from envkeep.files import in_words, size_of
from envkeep.inputs import given, name_given
from envkeep.locks.lock_set import Locks
from envkeep.paths import SAVED, shown
from envkeep.process import say
from envkeep.project import target
from envkeep.project.requirements import layers, maker_of
from envkeep.result import Result
from envkeep.staging import stage

HELP = "save an environment with all its files, to be restored without network; TO=, NAME="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("folder", nargs="?", help="where to; by default saved/LOCK, or TO")
    parser.add_argument("--env", metavar="NAME", help="an environment by name, or NAME")
    parser.add_argument("--python", action="store_true", help="pack the interpreter too")
    parser.add_argument("--image", metavar="NAME@DIGEST", help="note a container image with it")


def run(arguments: argparse.Namespace) -> Result:
    """Save, and return where; what an interrupted save brought is not downloaded again.

    Raises:
        ToolError: The environment is not that of the locks, or something cannot be had.
    """
    chosen = _chosen(name_given(arguments.env))
    locks = chosen.locks
    with exclusive():
        active = chosen.active()
        if active.lock_sha256 != locks.sha256(chosen.wanted):
            raise ToolError(
                f"the active environment is not that of the locks; run `{chosen.command}`."
            )
        files = locks.require(chosen.wanted)
        problem = health.problem_with(active, chosen.kind, files, every_file=True)
        if problem:
            say(
                f"note: {shown(chosen.kind.link)} is not what is saved, which is what the locks "
                f"say: {problem.text}; `{chosen.command}` rebuilds it."
            )
        folder = Path(given(arguments.folder, "TO") or SAVED / active.name).absolute()
        interpreter = save.interpreter_folder() if arguments.python else None
        before = _saved_before(folder)
        same = before if before and before.facts.get("lock_sha256") == active.lock_sha256 else None
        if same:
            same.verify()
        image = arguments.image or (same.facts.get("image") if same else None)
        if same and _holds(same, image, with_interpreter=arguments.python):
            line = f"{shown(folder)} holds it already; every file has its hash."
            return Result(_data(folder, same, is_new=False), [line])
        size = size_of(active.folder)
        save.require_room(folder, size)
        say(f"Saving {active.name} to {shown(folder)}: {save.estimate(size)}.")
        if before:
            Layout(folder).manifest.unlink()
        made = save.fill(Layout(folder), locks, chosen.wanted, interpreter=interpreter, image=image)
    where = shown(folder)
    lines = [
        f"Saved {len(made.files)} files, {in_words(size_of(folder))}.",
        f"`make restore FROM={where}` makes it again; {where}/README.md says more.",
    ]
    return Result(_data(folder, made, is_new=True), lines)


@dataclass(frozen=True)
class _Chosen:
    """What is saved.

    Attributes:
        kind: The kind of the environment.
        locks: The locks of its target.
        wanted: Those that it is filled from.
        command: What makes it.
    """

    kind: Kind
    locks: Locks
    wanted: tuple[str, ...]
    command: str

    def active(self) -> Environment:
        """Return the active environment.

        Raises:
            ToolError: There is none.
        """
        if self.kind is DEVELOPMENT:
            return stage.active()
        found = store.active(self.kind)
        if found is None:
            raise ToolError(f"that environment is not there yet; run `{self.command}` first.")
        return found


def _chosen(name: str) -> _Chosen:
    if not name:
        return _Chosen(DEVELOPMENT, Locks(target.chosen().target), layers(), "make install")
    lock = env.required(name)
    locks = Locks(target.of_named(lock))
    return _Chosen(store.of_exporter(lock), locks, (lock,), maker_of(lock))


def _data(folder: Path, archive: Manifest, *, is_new: bool) -> dict[str, Any]:
    size = size_of(folder)
    return {"folder": shown(folder), "files": len(archive.files), "size": size, "is_new": is_new}


def _saved_before(folder: Path) -> Manifest | None:
    """Return what a folder holds, if a save was completed there.

    Raises:
        ToolError: The folder holds something that no save wrote.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return None
    if Layout(folder).manifest.exists():
        return manifest.load(folder)
    if not Layout(folder).files.is_dir():
        raise ToolError(f"{shown(folder)} holds other files; name a new folder.")
    return None


def _holds(found: Manifest, image: str | None, *, with_interpreter: bool) -> bool:
    """Tell whether all that is asked for beside the environment is there."""
    lacks_interpreter = with_interpreter and PYTHON not in found.files
    return found.facts.get("image") == image and not lacks_interpreter
