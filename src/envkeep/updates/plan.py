"""Plan an update completely before anything is written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from envkeep.errors import ToolError
from envkeep.paths import ANSWERS, OWNERS_TABLE, PROJECT_FACTS, ROOT
from envkeep.project.git import Git, Tree, TreeEntry
from envkeep.project.ownership import Owners
from envkeep.updates import apply, pins
from envkeep.updates.merge import MergedPath, MergeOutcome, Trees, merge
from envkeep.updates.pins import Move
from envkeep.updates.preflight import metadata_of

OWNERS = OWNERS_TABLE.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class UpdatePlan:
    """What an update does to every path.

    Attributes:
        bench: The repository that knows all contents.
        base: The name of the tree that the present release rendered.
        yours: The name of the tree that the project has.
        paths: What becomes of every path.
        in_the_way: Paths that are left out, as a file that git does not know lies there.
    """

    bench: Git
    base: str
    yours: str
    paths: Sequence[MergedPath]
    in_the_way: Sequence[MergedPath]

    @classmethod
    def make(cls, project: Git, bench: Git, base: str, theirs: str) -> UpdatePlan:
        """Merge the two releases with the project.

        Args:
            project: Git in the project's folder.
            bench: A repository that knows all contents.
            base: The name of the tree that the present release rendered.
            theirs: The name of the tree that the next release rendered.

        Raises:
            ToolError: a file of the user cannot be kept beside what the template brings.
        """
        yours = project.text("rev-parse", "HEAD:./")
        trees = Trees(*map(bench.tree, (base, yours, theirs)))
        merged = merge(trees, _owners(trees.theirs, bench), bench)
        blocked = [each for each in merged if apply.in_the_way(project, each)]
        there = [
            replace(each, outcome=MergeOutcome.AS_IT_IS, result=None) if each in blocked else each
            for each in merged
        ]
        return cls(bench, base, yours, there, blocked)

    @property
    def changed(self) -> list[MergedPath]:
        """The paths that the update changes."""
        return [each for each in self.paths if each.changes]

    @cached_property
    def patch(self) -> bytes:
        """The update as a patch."""
        result = apply.tree_of(self.changed, self.yours, self.bench)
        return self._diff(self.yours, result)

    @property
    def versions(self) -> tuple[str, str]:
        """The template's versions before and after, as Copier records them."""
        before, after = (metadata_of(text)["_commit"] for text in self.texts(ANSWERS.name))
        return before, after

    @property
    def stack_releases(self) -> tuple[str, str]:
        """The stack releases before and after."""
        texts = self.texts(PROJECT_FACTS.relative_to(ROOT).as_posix())
        before, after = (str(tomllib.loads(text).get("stack_release", "")) for text in texts)
        return before, after

    @cached_property
    def moves(self) -> list[Move]:
        """The pins of the stack that move."""
        files = [each for each in self.paths if pins.FILES.fullmatch(each.path)]
        before = "\n".join(self._text(each.yours) for each in files)
        return pins.moves(before, "\n".join(self._text(each.result) for each in files))

    def edit(self, path: MergedPath) -> bytes:
        """Return what the user changed in a file, as a patch."""
        return self._diff(self.base, self.yours, path.path)

    def rendered(self, path: MergedPath) -> bytes:
        """Return what the next release renders for a path."""
        return self.bench.content(path.theirs) if path.theirs else b""

    def of(self, outcome: MergeOutcome) -> list[MergedPath]:
        """Return the template's files that the user edited and that end in a certain way."""
        return [
            each
            for each in self.paths
            if each.outcome is outcome and each.base and each.edited and each.theirs != each.yours
        ]

    def _diff(self, before: str, after: str, *paths: str) -> bytes:
        options = ("-r", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff")
        command = ("diff-tree", *options, "--no-textconv", before, after, "--", *paths)
        return self.bench.output(*command, GIT_LITERAL_PATHSPECS="1")

    def texts(self, path: str) -> tuple[str, str]:
        """Return a file before and after, as texts; an empty one where there is none."""
        found = next((each for each in self.paths if each.path == path), None)
        return (self._text(found.yours), self._text(found.result)) if found else ("", "")

    def _text(self, entry: TreeEntry | None) -> str:
        return self.bench.content(entry).decode("utf-8", "replace") if entry else ""


def _owners(release: Tree, bench: Git) -> Owners:
    """Return the owners of the paths in the release that the project will have.

    Raises:
        ToolError: that release has no such table, or a damaged one.
    """
    try:
        return Owners.parse(bench.content(release[OWNERS]))
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(
            f"the template's {OWNERS} cannot be read ({error}); report it to the template's "
            "maintainers."
        ) from error


def changelog(text: str, before: str, after: str) -> str:
    """Return the sections of a changelog that are newer than one version, up to another.

    Args:
        text: The changelog, its newest section first, each with a heading that begins with the
            version.
        before: The version whose section and all older ones are left out.
        after: The newest version whose section is taken; without one of it, nothing is.
    """
    sections = re.split(r"(?m)^## +(?=\S)", text)[1:]
    names = [re.split(r"[\s\]]", section.lstrip("["))[0].removeprefix("v") for section in sections]
    if after.removeprefix("v") not in names:
        return ""
    first = names.index(after.removeprefix("v"))
    older = names[first:].index(before.removeprefix("v")) if before in names[first:] else None
    last = None if older is None else first + older
    return "".join(f"## {section}" for section in sections[first:last]).strip()
