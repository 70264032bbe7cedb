"""The page about hardware is what the catalog says, and says which facts are weak."""

import shutil
from pathlib import Path

import pytest

from maintain.hardware_page import PAGE, render_page
from maintain.stack.catalog import load_catalog
from maintain.stack.data import load_release
from scripts.hardware_page import main


@pytest.fixture(scope="module")
def page(stack: Path) -> str:
    return render_page(load_catalog(stack), load_release(stack))


@pytest.fixture
def root(stack: Path, tmp_path: Path) -> Path:
    """A copy of the stack and of the page."""
    shutil.copytree(stack, tmp_path / "stack")
    (tmp_path / PAGE).parent.mkdir(parents=True)
    shutil.copy(stack.parent / PAGE, tmp_path / PAGE)
    return tmp_path


def test_the_committed_page_is_what_the_script_writes(stack: Path, page: str) -> None:
    assert (stack.parent / PAGE).read_text(encoding="utf-8") == page


def test_every_build_gpu_and_source_is_on_it(stack: Path, page: str) -> None:
    catalog = load_catalog(stack)
    for build in catalog.builds:
        for wheels in build.wheels.values():
            assert f"| `{wheels.wheel_tag}` |" in page
        for floor in build.driver.values():
            assert f"| {floor} |" in page
    for name in (
        *(row.generation for row in catalog.gpus),
        *(f"`{row.id}`" for row in catalog.sources),
        *(f"`{row.package}`" for row in catalog.companions),
    ):
        assert f"| {name} |" in page


def test_every_table_is_rectangular(page: str) -> None:
    for block in page.split("\n\n"):
        lines = block.splitlines()
        if lines[0].startswith("| "):
            assert len({line.count("|") for line in lines}) == 1, lines[0]


def test_a_generation_is_served_somewhere_only(page: str) -> None:
    row = next(line for line in page.splitlines() if line.startswith("| Blackwell (Thor) "))
    assert "| Linux, ARM64 |" in row and "| no |" in row and "yes" not in row


def test_a_fact_without_a_firm_source_is_named(page: str) -> None:
    weak = page.partition("## Facts that no maker or registry confirms")[2]
    assert "| `rocm` | system_packages |" in weak
    assert "| `cu130` | requires |" not in weak


def test_check_tells_a_changed_catalog_and_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], root) == 0
    path = root / "stack" / "builds.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('title: "ROCm 7.1"', 'title: "Another"'), encoding="utf-8")
    assert main(["--check"], root) == 1
    assert "hardware.md differs; run scripts/hardware_page.py" in capsys.readouterr().err
    assert "Another" not in (root / PAGE).read_text(encoding="utf-8")
    assert main([], root) == 0
    assert "| Another |" in (root / PAGE).read_text(encoding="utf-8")
    assert main(["--check"], root) == 0


def test_a_wrong_catalog_is_one_sentence_and_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "stack" / "gpus.yml").write_text("- {}\n", encoding="utf-8")
    before = (root / PAGE).read_bytes()
    assert main([], root) == 2
    assert capsys.readouterr().err.startswith("hardware_page: stack/gpus.yml row 1: ")
    assert (root / PAGE).read_bytes() == before
