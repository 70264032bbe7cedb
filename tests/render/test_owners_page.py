"""What follows from the table of owners is up to date; a wrong table is refused in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maintain import ROOT
from maintain.ownership.render import MADE
from maintain.ownership.table import load_table, overlap
from scripts.ownership import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the table, with nothing retired yet, and of what is made from it."""
    for folder in ("ownership", "questions"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "ownership" / "retired.yml").write_text("[]\n", encoding="utf-8")
    for path in MADE:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_what_is_committed_is_what_the_script_writes() -> None:
    assert main(["--check"]) == 0, "run `python scripts/ownership.py` and commit what it wrote"


def test_check_tells_a_changed_table_and_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(root / "ownership" / "paths.yml", "path: local.mk,", "path: own.mk,")
    before = {path: (root / path).read_bytes() for path in MADE}
    assert main(["--check"], root) == 1
    said = capsys.readouterr().err
    assert all(path.as_posix() in said for path in MADE)
    assert {path: (root / path).read_bytes() for path in MADE} == before
    assert main([], root) == 0
    assert all("own.mk" in (root / path).read_text(encoding="utf-8") for path in MADE)
    assert main(["--check"], root) == 0


def test_what_is_retired_is_kept_or_goes_with_its_owner(root: Path) -> None:
    rows = """\
- {path: docs/ours.md, owner: yours, release: "0.2.0"}
- {path: tools/old.py, owner: template, release: "0.2.0"}
"""
    change(root / "ownership" / "retired.yml", "[]\n", rows)
    assert main([], root) == 0
    settings = (root / "ownership.yml").read_text(encoding="utf-8")
    assert '  - "/docs/ours.md"\n' in settings
    assert "tools/old.py" not in settings
    page = (root / "docs" / "reference" / "owners.md").read_text(encoding="utf-8")
    assert "| `docs/ours.md` | yours | 0.2.0 |\n| `tools/old.py` | template | 0.2.0 |\n" in page


def test_every_row_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "owners.md").read_text(encoding="utf-8")
    for row in load_table(ROOT).paths:
        assert f"| `{row.path}` |" in page


def test_what_adopted_projects_have_of_their_own_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "owners.md").read_text(encoding="utf-8")
    listed = page.partition("## Adopted projects")[2].partition("## ")[0]
    for row in load_table(ROOT).adopted:
        assert f"`{row.path}`" in listed


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("paths.yml", "owner: shared", "owner: ours", "paths.yml row 3: `owner` must be one of"),
        ("paths.yml", "path: Makefile", "path: /Makefile", "row 5: `path` must be a path as in a"),
        ("paths.yml", "path: Makefile", "path: docs/../Makefile", "row 5: `path` must be a path"),
        ("paths.yml", "path: Makefile", "path: LICENSE", "LICENSE means files that row 5, LICENSE"),
        ("paths.yml", "path: local.mk", "path: models/own.mk", "models/ means files that row 10"),
        ("paths.yml", "when: uses_cuda", "when: uses_gpu", "`when` must be one of always, "),
        ("paths.yml", "mk, owner: yours", "mk, owner: yours, when: uses_cuda", "whether it was `b"),
        ("paths.yml", "mk, owner: yours", "mk, owner: yours, silent: 'x'", "of the template only"),
        ("paths.yml", "- {path: README.md, owner: yours}", "- README.md", "row 9: must be keys"),
        ("conditions.yml", "had_training", "had_it", "90-flags.yml computes no flag had_it"),
        ("conditions.yml", 'means: "with training"', 'means: " "', "`means` must be some text"),
        ("adopted.yml", "models/", "samples/", "adopted.yml row 5: no row of paths.yml is in samp"),
        ("adopted.yml", "tests/", "tests/*.txt", "row 8: no row of paths.yml is in tests/*.txt"),
        (
            "adopted.yml",
            "tests/",
            "tests/training/a.py",
            "means only some files of tests/training/",
        ),
        ("adopted.yml", "path: src/", "path: /src/", "row 7: `path` must be a path as in a"),
        ("retired.yml", "[]\n", "{}\n", "ownership/retired.yml: must be a list of rows"),
        (
            "retired.yml",
            "[]\n",
            "- {path: x, owner: yours, release: new}\n",
            "must be a version in",
        ),
        (
            "retired.yml",
            "[]\n",
            '- {path: Makefile, owner: template, release: "1"}\n',
            "Makefile is in paths.yml, so it is not retired",
        ),
    ],
)
def test_a_wrong_table_is_one_sentence_and_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    change(root / "ownership" / file, old, new)
    before = {path: (root / path).read_bytes() for path in MADE}
    assert main([], root) == 2
    message = capsys.readouterr().err
    assert message.startswith("ownership: ") and said in message and message.count("\n") == 1
    assert {path: (root / path).read_bytes() for path in MADE} == before


@pytest.mark.parametrize(
    ("pattern", "other", "same"),
    [
        ("tests/*.py", "tests/onnxruntime/", False),
        ("tests/*.py", "tests/test_cli.py", True),
        ("src/*/models/", "src/*/models/cnn.py", True),
        ("src/*/data.py", "src/*/data/manifest.py", False),
        ("tools/", "tools/commands/", True),
        ("models/", "src/*/models/", False),
    ],
)
def test_overlapping_patterns_are_found(pattern: str, other: str, same: bool) -> None:
    assert overlap(pattern, other) == overlap(other, pattern) == same
