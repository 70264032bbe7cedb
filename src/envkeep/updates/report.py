"""Report an update, and keep what the user may need afterwards."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from envkeep.paths import ANSWERS, PRE_COMMIT_CONFIG, ROOT, UPDATES, shown
from envkeep.project import former_tools
from envkeep.project.ownership import SHARED, YOURS
from envkeep.updates.merge import MergedPath, MergeOutcome
from envkeep.updates.plan import UpdatePlan

SHOWN = 15
MESSAGE = "message.txt"
MAKEFILE = "Makefile"
TARGET = re.compile(r"^([a-z][\w-]*):.*?##[ \t]*(.*)$", re.MULTILINE)


class Records:
    """The folder of one update under ``.cache/updates``, which git ignores."""

    def __init__(self, plan: UpdatePlan) -> None:
        """Choose the folder's name; nothing is written yet."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        before, after = (version.replace("/", "-") for version in plan.versions)
        self.folder = UPDATES / f"{now}-{before}-{after}"
        self._plan = plan

    def edit_file(self, path: MergedPath) -> Path:
        """Return where the user's edit to a file of the template is saved."""
        return self.folder / f"{path.path}.diff"

    def rendered_file(self, path: MergedPath) -> Path:
        """Return where the template's file is saved that could not take its place."""
        return self.folder / path.path

    def write(self, message: str) -> None:
        """Write the folder, or nothing if that fails."""
        try:
            for path in self._plan.of(MergeOutcome.SAVED):
                _write(self.edit_file(path), self._plan.edit(path))
            for path in _shown_beside(self._plan):
                _write(self.rendered_file(path), self._plan.rendered(path))
            _write(self.folder / MESSAGE, message.encode())
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def summary(plan: UpdatePlan, records: Records, news: str) -> str:
    """Say what the update does.

    Args:
        plan: The update.
        records: Where the rest is kept.
        news: The template's changelog between the two versions, if it could be read.
    """
    before, after = plan.versions
    parts = [
        [f"Template {before} -> {after}, {_stack(plan)}."],
        _changes(plan),
        _titled("Pins of the stack", map(str, plan.moves)),
        _titled("New commands (README.md is yours: it may not name them)", _commands(plan)),
        _edits(plan, records),
        _titled("To change by hand", filter(None, [former_tools.sentence(former_tools.names())])),
        ["What the template says about it", "", *news.splitlines()] if news else [],
        _titled("Next", _next_steps(plan, records)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def commit_message(plan: UpdatePlan, records: Records) -> str:
    """Propose a message for the commit of the update."""
    before, after = plan.versions
    parts = [
        [f"Update from the template: {before} to {after}"],
        [f"{_stack(plan).capitalize()}."],
        _titled("Pins of the stack", map(str, plan.moves)),
        _titled("Edits to files of the template that were not kept", _saved(plan, records)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _stack(plan: UpdatePlan) -> str:
    before, after = plan.stack_releases
    if before == after:
        return f"stack release {after} as before"
    return f"stack release {before} -> {after}"


def _changes(plan: UpdatePlan) -> list[str]:
    lines = []
    for title, paths in (
        ("new", [each for each in plan.changed if not each.yours]),
        ("changed", [each for each in plan.changed if each.yours and each.result]),
        ("gone", [each for each in plan.changed if not each.result]),
    ):
        names = [_named(each) for each in paths if each.path != ANSWERS.name]
        lines += [f"{title:<8} {name}" for name in _shortened(names)]
    return _titled("Files of the template", lines)


def _named(path: MergedPath) -> str:
    return f"{path.path} (shared)" if path.owner == SHARED else path.path


def _shortened(names: Sequence[str]) -> list[str]:
    more = len(names) - SHOWN
    return [*names[:SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _commands(plan: UpdatePlan) -> list[str]:
    before, after = (dict(TARGET.findall(text)) for text in plan.texts(MAKEFILE))
    new = [(name, text) for name, text in after.items() if name not in before]
    return [f"make {name:<13} {text}".rstrip() for name, text in new]


def _edits(plan: UpdatePlan, records: Records) -> list[str]:
    kept = [each for each in plan.of(MergeOutcome.AS_IT_IS) if each.owner != YOURS]
    gone = [each for each in kept if not each.yours]
    ignored = _ignored(plan)
    lines = [f"kept     {each.path}" for each in kept if each.yours]
    lines += [f"merged   {_named(each)}" for each in plan.of(MergeOutcome.MERGED)]
    lines += [
        f"yours    {each.path}, below the fence: the template's has other lines there, compare "
        f"{shown(records.rendered_file(each))}"
        for each in plan.of(MergeOutcome.YOURS_BELOW)
    ]
    lines += [f"deleted  {each.path}: it stays so" for each in gone if each not in ignored]
    lines += [f"saved    {line}" for line in _saved(plan, records)]
    lines += [
        f"left     {each.path}: git ignores yours; the template's is "
        f"{shown(records.rendered_file(each))}"
        for each in [*ignored, *plan.in_the_way]
    ]
    return _titled("Your edits to files of the template", lines)


def _shown_beside(plan: UpdatePlan) -> list[MergedPath]:
    """Return the paths whose rendered file is saved, as the project does not get it whole."""
    return [*plan.in_the_way, *_ignored(plan), *plan.of(MergeOutcome.YOURS_BELOW)]


def _ignored(plan: UpdatePlan) -> list[MergedPath]:
    """Return the files of the template that the project has, but its git does not."""
    deleted = [each for each in plan.of(MergeOutcome.AS_IT_IS) if not each.yours and each.theirs]
    return [each for each in deleted if os.path.lexists(ROOT / each.path)]


def _saved(plan: UpdatePlan, records: Records) -> Iterator[str]:
    for each in plan.of(MergeOutcome.SAVED):
        now = "the template's version" if each.theirs else "gone with the template's"
        yield f"{each.path}: now {now}; your edit is {shown(records.edit_file(each))}"


def _next_steps(plan: UpdatePlan, records: Records) -> Iterator[str]:
    yield "git diff           what changed; git stash --include-untracked takes it back"
    if any(each.path.startswith("requirements/stack/") for each in plan.changed):
        yield "make lock-all      the new versions for every platform and backend of the project"
        yield "make install       an environment of them, beside the one you have"
    if any(each.path == PRE_COMMIT_CONFIG.name and not each.yours for each in plan.changed):
        yield "make setup         git hooks, which the template has now: no update installs them"
    yield "make test"
    yield "git add --all"
    yield f"git commit --file {shown(records.folder / MESSAGE)}"


def _titled(title: str, lines: Iterator[str] | Sequence[str]) -> list[str]:
    indented = [f"  {line}" for line in lines]
    return [f"{title}:", *indented] if indented else []


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
