"""What becomes of a path that the template, the user or both changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.project.git import APART, Git, TreeEntry
from envkeep.project.ownership import Owners
from envkeep.updates import apply
from envkeep.updates import merge as merging
from envkeep.updates.merge import MergedPath, MergeOutcome, Trees, is_kept, merge

LINES = b"".join(b"line %d\n" % number for number in range(1, 31))
THEIRS = LINES.replace(b"line 2\n", b"theirs\n")
OURS = LINES.replace(b"line 20\n", b"ours\n")
PLAIN, EXECUTABLE, LINK = "100644", "100755", "120000"
OWNERS = Owners(())
Side = bytes | tuple[str, bytes] | None


@pytest.fixture
def bench(tmp_path: Path) -> Git:
    """Return a repository."""
    git = Git(tmp_path, APART)
    git.output("init", "--quiet")
    return git


@dataclass(frozen=True)
class Merged:
    """What became of a path."""

    outcome: MergeOutcome
    mode: str | None
    content: bytes | None


MergeOne = Callable[[str, Side, Side, Side], Merged]


@pytest.fixture
def merge_one(bench: Git) -> MergeOne:
    """Return a function that merges one path: in the template before, in the project, after."""

    def entry(side: Side) -> TreeEntry | None:
        if side is None:
            return None
        mode, content = side if isinstance(side, tuple) else (PLAIN, side)
        return TreeEntry(mode, bench.store(content))

    def merged(path: str, base: Side, yours: Side, theirs: Side) -> Merged:
        sides = [entry(side) for side in (base, yours, theirs)]
        (found,) = merge(Trees(*({path: each} if each else {} for each in sides)), OWNERS, bench)
        result = found.result
        mode = result.mode if result else None
        return Merged(found.outcome, mode, bench.content(result) if result else None)

    return merged


@pytest.mark.parametrize(
    ("base", "yours", "theirs", "result"),
    [
        (LINES, LINES, THEIRS, THEIRS),
        (LINES, OURS, LINES, OURS),
        (LINES, THEIRS, THEIRS, THEIRS),
        (LINES, None, THEIRS, None),
        (LINES, None, LINES, None),
        (LINES, LINES, None, None),
        (None, OURS, None, OURS),
        (None, None, THEIRS, THEIRS),
        (None, THEIRS, THEIRS, THEIRS),
        (b"\0a", b"\0b", b"\0a", b"\0b"),
        (LINES, OURS.replace(b"\n", b"\r\n"), LINES, OURS.replace(b"\n", b"\r\n")),
    ],
)
def test_one_side_is_taken_where_the_other_changed_nothing(
    merge_one: MergeOne, base: Side, yours: Side, theirs: Side, result: bytes | None
) -> None:
    assert merge_one("keep.py", base, yours, theirs).content == result


def test_a_text_that_both_changed_has_the_lines_and_modes_of_both(merge_one: MergeOne) -> None:
    merged = merge_one("Makefile", LINES, (EXECUTABLE, OURS), THEIRS)
    assert merged.outcome is MergeOutcome.MERGED
    assert merged.mode == EXECUTABLE
    assert merged.content == THEIRS.replace(b"line 20\n", b"ours\n")


def test_line_ends_of_the_user_stay(merge_one: MergeOne) -> None:
    merged = merge_one("Makefile", LINES, OURS.replace(b"\n", b"\r\n"), THEIRS)
    expected = THEIRS.replace(b"line 20\n", b"ours\n").replace(b"\n", b"\r\n")
    assert merged.content == expected


@pytest.mark.parametrize(
    ("yours", "theirs"),
    [
        (LINES.replace(b"line 2\n", b"ours\n"), THEIRS),
        (OURS, None),
        (b"\0ours", THEIRS),
        ((LINK, b"elsewhere"), THEIRS),
    ],
)
def test_what_contradicts_is_the_templates_in_its_own_files(
    merge_one: MergeOne, yours: Side, theirs: bytes | None
) -> None:
    merged = merge_one("Makefile", LINES, yours, theirs)
    assert merged.outcome is MergeOutcome.SAVED
    assert merged.content == theirs


def test_and_stops_the_update_in_shared_ones(merge_one: MergeOne) -> None:
    ours = LINES.replace(b"line 2\n", b"ours\n")
    with pytest.raises(ToolError, match=r"same lines of pyproject\.toml as you:\n    -line 2\n"):
        merge_one("pyproject.toml", LINES, ours, THEIRS)


FENCE = b"# ---\n# Yours from here to the end of the file.\n# ---\n"
BELOW = b'version = "1"\nabout = "%s"\n'


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_below_the_fence_of_a_shared_file_yours_stays_as_it_is(
    merge_one: MergeOne, ends: bytes
) -> None:
    base = LINES + FENCE + BELOW % b"old"
    theirs = THEIRS + FENCE + BELOW % b"new"
    yours = (base.replace(b'"1"', b'"2"') + b"ours\n").replace(b"\n", ends)
    merged = merge_one("pyproject.toml", base, yours, theirs)
    assert merged.outcome is MergeOutcome.YOURS_BELOW
    assert merged.content == THEIRS.replace(b"\n", ends) + yours[len(LINES.replace(b"\n", ends)) :]


@pytest.mark.parametrize(
    "yours",
    [
        LINES.replace(b"line 2\n", b"ours\n") + FENCE + BELOW % b"ours",
        LINES + BELOW % b"ours",
        LINES + FENCE + FENCE + BELOW % b"ours",
    ],
    ids=["edited above", "no fence", "two fences"],
)
def test_without_a_whole_fence_a_contradiction_stops_the_update(
    merge_one: MergeOne, yours: bytes
) -> None:
    with pytest.raises(ToolError, match=r"same lines of pyproject\.toml as you"):
        merge_one(
            "pyproject.toml", LINES + FENCE + BELOW % b"old", yours, THEIRS + FENCE + BELOW % b"new"
        )


@pytest.mark.parametrize(
    ("base", "yours", "theirs"),
    [(LINES, OURS, THEIRS), (LINES, LINES, THEIRS), (LINES, LINES, None), (None, OURS, THEIRS)],
)
def test_a_file_of_yours_stays_whatever_the_template_does(
    merge_one: MergeOne, base: Side, yours: Side, theirs: Side
) -> None:
    merged = merge_one("README.md", base, yours, theirs)
    assert (merged.outcome, merged.content) == (MergeOutcome.AS_IT_IS, yours)


def test_a_file_of_yours_arrives_once(merge_one: MergeOne) -> None:
    assert merge_one("configs/train.yaml", None, None, THEIRS).content == THEIRS
    assert merge_one("configs/train.yaml", LINES, None, THEIRS).content is None


def test_a_file_of_the_user_under_a_new_name_of_the_template(merge_one: MergeOne) -> None:
    with pytest.raises(
        ToolError,
        match=r"brings requirements/stack/wheels/new\.whl, and you have a file of that name",
    ):
        merge_one("requirements/stack/wheels/new.whl", None, OURS, THEIRS)


def test_a_file_of_the_user_where_the_template_brings_a_folder(bench: Git) -> None:
    file = TreeEntry(PLAIN, bench.store(OURS))
    with pytest.raises(ToolError, match=r"brings docs/new\.md, and you have a file docs; rename"):
        merge(Trees({}, {"docs": file}, {"docs/new.md": file}), OWNERS, bench)


@pytest.mark.parametrize(
    ("merged", "kept"),
    [
        (b"new\na\nours 1\nours 2\nc\n", True),
        (b"new\na\nours 2\nours 1\nc\n", False),
        (b"new\na\nours 1\nc\n", False),
        (b"new\na\nb\nours 1\nours 2\nc\n", False),
        (b"new\na\n<<<<<<< x\nours 1\nours 2\nc\n", False),
    ],
    ids=["all", "other order", "line lost", "removed line is back", "mark of a conflict"],
)
def test_the_proof_sees_what_is_lost(merged: bytes, kept: bool) -> None:
    assert is_kept(b"a\nb\nc\n", b"a\nours 1\nours 2\nc\n", b"new\na\nb\nc\n", merged) is kept


def test_a_merge_without_proof_counts_as_a_contradiction(
    merge_one: MergeOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "is_kept", lambda *_: False)
    assert merge_one("Makefile", LINES, OURS, THEIRS).outcome is MergeOutcome.SAVED


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), ToolError("no room.")])
def test_an_update_that_is_broken_off_is_taken_back_whole(
    bench: Git, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    for name in ("changed", "gone"):
        (bench.folder / name).write_bytes(OURS)
    bench.output("add", "--all")
    bench.output("commit", "--quiet", "--message", "All")
    before = bench.tree("HEAD")
    new = TreeEntry(PLAIN, bench.store(THEIRS))
    results = {"changed": new, "gone": None, "folder/new": new}
    paths = [
        MergedPath(path, "template", None, before.get(path), result, MergeOutcome.TAKEN, result)
        for path, result in results.items()
    ]
    tree = apply.tree_of(paths, "HEAD", bench)
    patch = bench.output("diff-tree", "-r", "-p", "--binary", "--full-index", "HEAD", tree)

    def fail(*_: object) -> None:
        assert (bench.folder / "folder" / "new").exists()
        raise problem

    monkeypatch.setattr(apply, "_prove", fail)
    with pytest.raises(type(problem)):
        apply.place(bench, patch, paths)
    assert bench.text("status", "--porcelain") == ""
    assert not (bench.folder / "folder").exists()
    monkeypatch.undo()
    apply.place(bench, patch, paths)
    assert (bench.folder / "changed").read_bytes() == THEIRS
    assert not (bench.folder / "gone").exists()


def test_lines_in_a_file_that_gets_a_fence_are_below_it(bench: Git) -> None:
    base = b"# Owned by the template\n* text\n"
    yours = base + b"*.ckpt filter=lfs\n"
    theirs = b"# The template's part\n* text\nnew text\n# -\n# Yours from here\n# -\n"
    row = b'{"path": ".gitattributes", "owner": "shared"}'
    owners = Owners.parse(b'{"paths": [' + row + b'], "retired": []}')
    sides = [
        {".gitattributes": TreeEntry(PLAIN, bench.store(side))} for side in (base, yours, theirs)
    ]
    (found,) = merge(Trees(*sides), owners, bench)
    assert found.result is not None
    assert bench.content(found.result) == theirs + b"*.ckpt filter=lfs\n"
