"""Merge the template's changes with the user's by path, and prove that edits are kept.

Three trees take part: the release that the project has, as it was rendered; the project; the next
release. A path that only one side changed takes that side whole, whatever it is: text, a binary, a
link, a mode, a deletion. Only a text that both changed is merged, line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from envkeep.errors import ToolError
from envkeep.paths import ANSWERS
from envkeep.project.git import Git, Tree, TreeEntry
from envkeep.project.ownership import SHARED, YOURS, Owners, owner_in_update
from envkeep.updates import managed_blocks

PLAIN_MODES = ("100644", "100755")
MARKERS = (b"<<<<<<< ", b">>>>>>> ")
MergeTexts = Callable[[bytes, bytes, bytes, Git], bytes | None]


class MergeOutcome(Enum):
    """The outcome for a path."""

    AS_IT_IS = "as it is"
    TAKEN = "taken from the template"
    MERGED = "merged"
    YOURS_BELOW = "merged above the fence, as it is below"
    SAVED = "taken from the template, the edit saved"


@dataclass(frozen=True)
class MergedPath:
    """A path in the three trees, and its outcome.

    Attributes:
        path: The path in the project.
        owner: Whose it is.
        base: What the present release rendered.
        yours: What the project has.
        theirs: What the next release renders.
        outcome: What becomes of it.
        result: What the project will have.
    """

    path: str
    owner: str
    base: TreeEntry | None
    yours: TreeEntry | None
    theirs: TreeEntry | None
    outcome: MergeOutcome
    result: TreeEntry | None

    @property
    def changes(self) -> bool:
        """Whether the update changes the project's path."""
        return self.result != self.yours

    @property
    def edited(self) -> bool:
        """Whether the user changed what the template rendered."""
        return self.yours != self.base


@dataclass(frozen=True)
class Trees:
    """The three trees of an update."""

    base: Tree
    yours: Tree
    theirs: Tree

    def paths(self) -> list[str]:
        """Return every path of the three."""
        return sorted({*self.base, *self.yours, *self.theirs})


def merge(trees: Trees, coming: Owners, bench: Git) -> list[MergedPath]:
    """Decide the outcome for every path.

    Args:
        trees: The three trees.
        coming: Whose paths are in the release that the project will have.
        bench: A repository that knows all contents, and takes the merged ones.

    Raises:
        ToolError: a file of the user cannot be kept beside what the template brings.
    """
    merged = [_merge_path(path, trees, coming, bench) for path in trees.paths()]
    _refuse_files_in_place_of_folders(merged)
    return merged


def _merge_path(path: str, trees: Trees, coming: Owners, bench: Git) -> MergedPath:
    base, yours, theirs = (tree.get(path) for tree in (trees.base, trees.yours, trees.theirs))
    owner = owner_in_update(path, coming)

    def becomes(outcome: MergeOutcome, result: TreeEntry | None) -> MergedPath:
        return MergedPath(path, owner, base, yours, theirs, outcome, result)

    if path == ANSWERS.name:
        return becomes(MergeOutcome.TAKEN, theirs)
    if owner == YOURS and (yours or base):
        return becomes(MergeOutcome.AS_IT_IS, yours)
    if yours in (base, theirs):
        return becomes(MergeOutcome.TAKEN, theirs)
    if theirs == base or not yours:
        return becomes(MergeOutcome.AS_IT_IS, yours)
    if not base:
        raise ToolError(
            f"the template brings {path}, and you have a file of that name; rename yours "
            f"(`git mv`), commit that and run the command again."
        )
    text = _merge_entries(base, yours, theirs, bench, _merge_texts)
    if text:
        return becomes(MergeOutcome.MERGED, text)
    if owner != SHARED:
        return becomes(MergeOutcome.SAVED, theirs)
    text = _merge_entries(base, yours, theirs, bench, _merge_managed_block)
    text = text or _merge_entries(base, yours, theirs, bench, _add_below_new_fence)
    if not text:
        _refuse_conflict(path, base, yours, bench)
    return becomes(MergeOutcome.YOURS_BELOW, text)


def _merge_entries(
    base: TreeEntry, yours: TreeEntry, theirs: TreeEntry | None, bench: Git, merge_texts: MergeTexts
) -> TreeEntry | None:
    """Merge three files; return None if they conflict or are not texts."""
    if not theirs or any(each.mode not in PLAIN_MODES for each in (base, yours, theirs)):
        return None
    before, own, new = map(bench.content, (base, yours, theirs))
    if b"\0" in before + own + new:
        return None
    if b"\r\n" in own:
        before, own, new = map(_with_crlf, (before, own, new))
    merged = merge_texts(before, own, new, bench)
    if merged is None:
        return None
    mode = yours.mode if theirs.mode == base.mode else theirs.mode
    return TreeEntry(mode, bench.store(merged))


def _merge_texts(base: bytes, yours: bytes, theirs: bytes, bench: Git) -> bytes | None:
    merged = _merge_file(base, yours, theirs, bench)
    return merged if merged is not None and is_kept(base, yours, theirs, merged) else None


def _merge_managed_block(base: bytes, yours: bytes, theirs: bytes, bench: Git) -> bytes | None:
    """Merge the template's part of a shared file; what is below the fence stays the user's."""
    before, own, new = map(managed_blocks.parts, (base, yours, theirs))
    if not (before and own and new):
        return None
    above = _merge_texts(before[0], own[0], new[0], bench)
    return None if above is None else above + own[1]


def _add_below_new_fence(base: bytes, yours: bytes, theirs: bytes, _bench: Git) -> bytes | None:
    """Put the user's lines below a fence that comes with the update.

    Until then the file was the template's alone, and the user's lines stood anywhere in it.
    """
    if (
        managed_blocks.parts(base)
        or managed_blocks.parts(yours)
        or not managed_blocks.parts(theirs)
    ):
        return None
    before, own = (each.splitlines(keepends=True) for each in (base, yours))
    below = b"".join(_added(before, own))
    merged = theirs + below + (b"" if below.endswith(b"\n") else b"\n")
    return merged if is_kept(base, yours, theirs, merged) else None


def _with_crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _merge_file(base: bytes, yours: bytes, theirs: bytes, bench: Git) -> bytes | None:
    with TemporaryDirectory(prefix="update-") as name:
        files = [Path(name, each) for each in ("yours", "base", "theirs")]
        for file, content in zip(files, (yours, base, theirs), strict=True):
            file.write_bytes(content)
        done = bench.run("merge-file", "--stdout", *map(str, files))
    return done.output if done.code == 0 else None


def is_kept(base: bytes, yours: bytes, theirs: bytes, merged: bytes) -> bool:
    """Prove that a merged text holds every edit.

    Every line that the user added stands in it, in the user's order; of a line that the user
    removed, no more are left than the user left and the template added; no mark of a conflict came
    from the merge.

    Args:
        base: The text as rendered.
        yours: The user's text.
        theirs: The template's new text.
        merged: What was made of them.
    """
    lines = [each.splitlines(keepends=True) for each in (base, yours, theirs, merged)]
    before, own, new, after = map(Counter, lines)
    left = (after[line] <= own[line] + max(0, new[line] - before[line]) for line in before - own)
    marks = (line for line in after if line.startswith(MARKERS))
    return (
        _stand_in_order(_added(lines[0], lines[1]), lines[3])
        and all(left)
        and all(after[line] <= own[line] + new[line] for line in marks)
    )


def _added(base: Sequence[bytes], yours: Sequence[bytes]) -> Iterator[bytes]:
    """Return the lines that a text has and its base has not, in order."""
    left = Counter(base)
    for line in yours:
        if left[line]:
            left[line] -= 1
        else:
            yield line


def _stand_in_order(wanted: Iterable[bytes], lines: Sequence[bytes]) -> bool:
    rest = iter(lines)
    return all(line in rest for line in wanted)


def _refuse_conflict(path: str, base: TreeEntry, yours: TreeEntry, bench: Git) -> None:
    """Refuse a shared file that cannot be merged.

    Raises:
        ToolError: always.
    """
    patch = bench.text("diff", "--no-ext-diff", "--unified=0", base.blob, yours.blob)
    hunks = patch.partition("\n@@")[2].splitlines()[1:9]
    lines = "\n".join(f"    {line}" for line in hunks if not line.startswith("@@"))
    raise ToolError(
        f"the template changed the same lines of {path} as you:\n{lines}\n"
        "move yours below the fence (# Yours from here), commit that and run the command again."
    )


def _refuse_files_in_place_of_folders(merged: Iterable[MergedPath]) -> None:
    results = {each.path: each for each in merged if each.result}
    for each in results.values():
        for parent in map(str, Path(each.path).parents):
            if parent in results:
                raise ToolError(
                    f"the template brings {each.path}, and you have a file {parent}; rename "
                    "yours (`git mv`), commit that and run the command again."
                )
