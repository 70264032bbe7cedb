"""What follows from the table of owners is up to date; a wrong table is refused in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maintain import ROOT
from maintain.ownership.render import COPIER_FILE, MADE
from maintain.ownership.table import load_table, overlap
from maintain.stack.data import load_requirements
from scripts.ownership import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the table, with nothing retired yet, and of what is made from it."""
    for folder in ("ownership", "stack"):
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
    settings = (root / COPIER_FILE).read_text(encoding="utf-8")
    assert '  - "/docs/ours.md"\n' in settings
    assert "tools/old.py" not in settings
    page = (root / "docs" / "reference" / "owners.md").read_text(encoding="utf-8")
    assert "| `docs/ours.md` | yours | 0.2.0 |\n| `tools/old.py` | template | 0.2.0 |\n" in page


def test_every_row_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "owners.md").read_text(encoding="utf-8")
    main_part, _, later = page.partition("## Projects from before kit/")
    former = later.partition("## ")[0]
    for row in load_table(ROOT).paths:
        if row.is_former:
            assert f"`{row.path}`" in former and f"`{row.path}`" not in main_part
        else:
            assert f"| `{row.path}` |" in main_part + former


def test_what_adopted_projects_have_of_their_own_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "owners.md").read_text(encoding="utf-8")
    listed = page.partition("## Adopted projects")[2].partition("## ")[0]
    for row in load_table(ROOT).adopted:
        assert f"`{row.path}`" in listed


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("paths.yml", "owner: shared", "owner: ours", "paths.yml row 2: `owner` must be one of"),
        ("paths.yml", "path: Makefile", "path: /Makefile", "row 5: `path` must be a path as in a"),
        ("paths.yml", "path: Makefile", "path: docs/../Makefile", "row 5: `path` must be a path"),
        ("paths.yml", "path: Makefile", "path: LICENSE", "LICENSE means files that row 5, LICENSE"),
        ("paths.yml", "path: local.mk", "path: models/own.mk", "models/ means files that row 10"),
        ("paths.yml", "when: uses_cuda", "when: uses_gpu", "`when` must be one of always, "),
        (
            "paths.yml",
            "mk, owner: yours",
            "mk, owner: yours, when: uses_cuda",
            "what is `brought`",
        ),
        ("paths.yml", "mk, owner: yours", "mk, owner: yours, silent: 'x'", "of the template only"),
        ("paths.yml", "- {path: README.md, owner: yours}", "- README.md", "row 9: must be keys"),
        ("conditions.yml", "has_configs]", "has_it]", "there is no flag has_it to imply"),
        (
            "conditions.yml",
            "!= 'none'\"",
            "!= 'none\"",
            "`if` must be an expression of Jinja",
        ),
        (
            "conditions.yml",
            "flag: trains_jax",
            "flag: always",
            "row 5: flag always is there",
        ),
        (
            "conditions.yml",
            "overlay: jax",
            "overlay: keras",
            "row 6: overlay keras is there",
        ),
        (
            "conditions.yml",
            "overlay: jax",
            "had: 'yes'",
            "`had` is for conditions with",
        ),
        (
            "conditions.yml",
            "brought: training\n  overlay",
            "brought: training\n  had: 'yes'\n  overlay",
            "row 3: `had` belongs into the first row with brought training",
        ),
        ("conditions.yml", 'means: "with training"', 'means: " "', "`means` must be some text"),
        ("adopted.yml", "models/", "samples/", "adopted.yml row 4: no row of paths.yml is in samp"),
        ("adopted.yml", "tests/", "tests/*.txt", "row 7: no row of paths.yml is in tests/*.txt"),
        (
            "adopted.yml",
            "tests/",
            "tests/training/a.py",
            "means only some files of tests/training/",
        ),
        ("adopted.yml", "path: src/", "path: /src/", "row 6: `path` must be a path as in a"),
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
    ("file", "flag"), [("requirements.yml", "uses_torch"), ("exporters.yml", "exports_openvino")]
)
def test_a_package_with_an_unknown_flag_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], file: str, flag: str
) -> None:
    path = root / "stack" / file
    path.write_text(path.read_text(encoding="utf-8").replace(f": {flag}\n", ": uses_it\n"))
    assert main([], root) == 2
    assert f"stack/{file} row 1: `when` must be one of always, " in capsys.readouterr().err


def test_every_condition_decides_something() -> None:
    """A flag that nothing reads is a row to delete."""
    table = load_table(ROOT)
    folders = (ROOT / "template", ROOT / "questions")
    files = [path for folder in folders for path in folder.rglob("*.*") if path.is_file()]
    texts = [path.read_bytes() for path in files if path.name != COPIER_FILE.name]
    named = {row.when for row in (*table.paths, *load_requirements(ROOT / "stack"))}
    implied = {flag for row in table.conditions for flag in row.implies}
    for row in table.conditions:
        read = any(f"flags.{row.flag}".encode() in text for text in texts)
        assert row.flag in named | implied or row.overlay or read, row.flag


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
