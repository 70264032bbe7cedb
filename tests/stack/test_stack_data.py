"""The data files hold what they must, and wrong rows are refused with file, row and reason."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.stack_data import (
    StackError,
    load_backends,
    load_pythons,
    load_release,
    load_requirements,
    offered_pythons,
)

LOADERS: dict[str, Callable[[Path], object]] = {
    "release.yml": load_release,
    "pythons.yml": load_pythons,
    "backends.yml": load_backends,
    "requirements.yml": load_requirements,
}


def test_committed_files_are_valid(stack: Path) -> None:
    for load in LOADERS.values():
        assert load(stack)


def test_offered_pythons_are_one_to_three_behind_the_newest(stack: Path) -> None:
    assert offered_pythons(load_pythons(stack)) == ["3.12", "3.13", "3.11"]
    assert offered_pythons(["3.15", "3.14", "3.13", "3.12", "3.11"]) == ["3.13", "3.14", "3.12"]


def test_too_few_pythons_are_refused() -> None:
    with pytest.raises(StackError, match="holds 3 versions"):
        offered_pythons(["3.14", "3.13", "3.12"])


def test_cpu_build_has_no_label_on_macos(stack: Path) -> None:
    cpu = next(row for row in load_backends(stack) if row.build == "cpu")
    assert cpu.local_version == {"linux": "+cpu", "windows": "+cpu", "macos": ""}


def test_production_asks_for_torch_only_when_it_predicts_with_it(stack: Path) -> None:
    rows = [row for row in load_requirements(stack) if row.layer == "30-prod"]
    assert {row.package: row.when for row in rows} == {
        "numpy": "always",
        "onnxruntime": "uses_onnxruntime",
        "torch": "uses_native",
    }


WRONG = [
    ("release.yml", '"2.13.0"', "2.13", "row 1: `torch` must be a version in quotes"),
    ("release.yml", '"2.13.0"', '"2.14.0rc1"', "row 1: `torch` must be a final version"),
    ("release.yml", '"2.13.0"', '"2.13.0+cpu"', "row 1: `torch` must be a final version"),
    ("release.yml", '"2026-11-20"', "2026-11-20", "row 1: `cutoff` must be a date in quotes"),
    ("release.yml", '"2026-11-20"', '"20 November"', "row 1: `cutoff` must be a date in quotes"),
    ("release.yml", "/whl\n", "/whl/\n", "row 1: `torch_index` must be an https address"),
    ("release.yml", "  cutoff:", "  cut:", "row 1: `cutoff` is missing"),
    ("pythons.yml", '"3.13"', "3.13", "row 2: `version` must be a CPython minor in quotes"),
    ("pythons.yml", '"3.13"', '"3.14"', "row 2: 3.14 comes after 3.14"),
    ("pythons.yml", '"3.10"', '"3.9.1"', "row 5: `version` must be a CPython minor in quotes"),
    ("backends.yml", "  index: cpu\n", "", "row 1: `index` is missing"),
    ("backends.yml", "macos:", "beos:", "row 1: `local_version` must have one or more of"),
    ("backends.yml", 'linux: "+cpu"', 'linux: "cpu"', "row 1: `local_version` must hold labels"),
    ("requirements.yml", "  package: torch\n", "  package: torch==2\n", "row 1: `package` must"),
    ("requirements.yml", "when: uses_training", "when: sometimes", "row 1: `when` must be one of"),
    ("requirements.yml", "layer: 10-torch", "layer: torch", "row 1: `layer` must be two digits"),
    ("requirements.yml", "layer: 10-torch", "layer: 25-late", "row 2: layer 20-train comes after"),
    ("requirements.yml", "package: rich", "package: NumPy", "row 4: package numpy in 20-train is"),
    ("requirements.yml", "  why: ", "  because: ", "row 1: `why` is missing"),
    ("requirements.yml", "  why: ", "  note: x\n  why: ", "row 1: `note` is not a known key"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), WRONG)
def test_wrong_rows_are_refused(
    stack: Path, tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    copy = tmp_path / "stack"
    shutil.copytree(stack, copy)
    text = (copy / name).read_text(encoding="utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StackError, match=re.escape(f"stack/{name} {message}")):
        LOADERS[name](copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the file is missing"),
        ("", "must be a list of rows"),
        ("name: a\n", "must be a list of rows"),
        ("- [\n", "is not valid YAML"),
        ("- just text\n", "row 1: must be keys and values"),
    ],
)
@pytest.mark.parametrize("name", LOADERS)
def test_wrong_files_are_refused(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match=re.escape(message)):
        LOADERS[name](tmp_path)


def test_a_second_release_is_refused(stack: Path, tmp_path: Path) -> None:
    text = (stack / "release.yml").read_text(encoding="utf-8")
    (tmp_path / "release.yml").write_text(text + text, encoding="utf-8")
    with pytest.raises(StackError, match="holds 2 rows"):
        load_release(tmp_path)


def test_a_build_listed_twice_is_refused(stack: Path, tmp_path: Path) -> None:
    text = (stack / "backends.yml").read_text(encoding="utf-8")
    (tmp_path / "backends.yml").write_text(text + text, encoding="utf-8")
    with pytest.raises(StackError, match="row 2: build cpu is listed twice"):
        load_backends(tmp_path)
