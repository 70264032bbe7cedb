"""Save the active environment to a folder that restores it without network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from envkeep.archive import manifest, save
from envkeep.archive.layout import PYTHON, Layout
from envkeep.archive.manifest import Manifest
from envkeep.environments import health
from envkeep.environments.store import DEVELOPMENT, exclusive
from envkeep.errors import ToolError
from envkeep.files import in_words, size_of
from envkeep.inputs import given
from envkeep.locks.lock_set import Locks
from envkeep.paths import SAVED, shown
from envkeep.process import say
from envkeep.project import target
from envkeep.project.requirements import layers
from envkeep.result import Result
from envkeep.staging import stage

HELP = "save the environment with all its files, to be restored without network; FOLDER or TO="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("folder", nargs="?", help="where to; by default saved/LOCK, or TO")
    parser.add_argument("--python", action="store_true", help="pack the interpreter too")
    parser.add_argument("--image", metavar="NAME@DIGEST", help="note a container image with it")


def run(arguments: argparse.Namespace) -> Result:
    """Save, and return where; what an interrupted save brought is not downloaded again.

    Raises:
        ToolError: The environment is not that of the locks, or something cannot be had.
    """
    locks = Locks(target.chosen().target)
    with exclusive():
        active = stage.active()
        if active.lock_sha256 != locks.sha256(layers()):
            raise ToolError("the active environment is not that of the locks; run `make install`.")
        problem = health.problem_with(active, DEVELOPMENT, locks.require(layers()), every_file=True)
        if problem:
            say(
                f"note: {shown(DEVELOPMENT.link)} is not what is saved, which is what the locks "
                f"say: {problem.text}; `make install` rebuilds it."
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
        made = save.fill(Layout(folder), locks, interpreter=interpreter, image=image)
    where = shown(folder)
    lines = [
        f"Saved {len(made.files)} files, {in_words(size_of(folder))}.",
        f"`make restore FROM={where}` makes it again; {where}/README.md says more.",
    ]
    return Result(_data(folder, made, is_new=True), lines)


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
