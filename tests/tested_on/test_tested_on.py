"""The table of what was tested on which hardware comes from test results and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from maintain.stack.catalog import load_catalog
from maintain.tested_on import DATA, PAGE, Cell, Stack
from scripts.tested_on import main
from tests.support.catalog import STACK
from tests.support.copier_runs import ROOT

TESTS = """
import pytest
from tests.support.tested_on import record_tested_on

CELLS = {cells!r}

@pytest.fixture
def broken_afterwards():
    yield
    raise RuntimeError("the teardown failed")

@pytest.mark.parametrize("outcome, cell, result", CELLS)
def test_one(record_property, request, outcome, cell, result):
    record_tested_on(record_property, result=result, **cell)
    if outcome == "skipped":
        pytest.skip("not here")
    if outcome == "error":
        request.getfixturevalue("broken_afterwards")
    assert outcome != "failed"
"""

Outcome = tuple[str, Cell, str]
NOWHERE = {"build": "a", "platform": "b", "python": "c", "torch": "d"}


def recorded(text: str) -> str:
    """Return results in which a test recorded some text."""
    value = text.replace('"', "&quot;")
    test = f'<testcase name="x"><properties><property name="tested_on" value="{value}"/>'
    return f'<testsuite timestamp="2026-01-01T00:00:00">{test}</properties></testcase></testsuite>'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder with this repository's catalog, in which nothing has been tested yet."""
    shutil.copytree(ROOT / "stack", tmp_path / "stack")
    (tmp_path / DATA).unlink(missing_ok=True)
    (tmp_path / PAGE).parent.mkdir(parents=True)
    return tmp_path


@pytest.fixture
def cells(repository: Path) -> list[Cell]:
    """Return the cells of the catalog."""
    return Stack.of(repository / "stack").cells()


def results(folder: Path, outcomes: Sequence[Outcome], *options: str) -> Path:
    """Run real tests with these outcomes and return the file with their results."""
    run = folder / f"run-{len(list(folder.glob('run-*')))}"
    run.mkdir()
    rows = [(outcome, vars(cell), result) for outcome, cell, result in outcomes]
    (run / "test_cells.py").write_text(TESTS.format(cells=rows))
    report = run / "results.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(
        [*command, f"--rootdir={run}", "-c", os.devnull, f"--junit-xml={report}", str(run)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT)))},
        cwd=run,
        capture_output=True,
        check=False,
    )
    return report


def dated(report: Path, day: str) -> Path:
    """Return a file of results that is as if the tests had run on another day."""
    text = report.read_text()
    start = text.index('timestamp="') + len('timestamp="')
    report.write_text(text[:start] + day + text[start + len(day) :])
    return report


def collect(repository: Path, *reports: Path) -> list[dict[str, str]]:
    """Run the command and return the rows of the data file."""
    assert main(list(map(str, reports)), repository) == 0
    rows: list[dict[str, str]] = yaml.safe_load((repository / DATA).read_text())
    return rows


def row_of(repository: Path, cell: Cell) -> str:
    """Return the line of the page that is about a cell's build and platform."""
    stack = Stack.of(repository / "stack")
    build = next(row for row in stack.catalog.builds if row.build == cell.build)
    start = f"| {' | '.join(stack.heads(build, cell.platform))} |"
    lines = (repository / PAGE).read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(start)]
    return line


def test_the_committed_files_are_what_the_command_makes() -> None:
    assert main(["--check"]) == 0


def test_without_results_every_cell_is_not_tested(repository: Path, cells: list[Cell]) -> None:
    assert collect(repository) == []
    page = (repository / PAGE).read_text()
    builds, _, conda = page.partition("## From conda-forge")
    table = [line for line in builds.splitlines() if line.startswith("|")]
    assert sum(line.count("not tested") for line in table) == len(cells)
    assert "resolved," not in page
    assert "run," not in page
    libraries = [spec for row in load_catalog(STACK).builds for spec in row.conda_libraries]
    assert libraries
    assert not [spec for spec in libraries if f"| `{spec}` |" not in conda]
    assert conda.count("| not tested |") == len(libraries)


@pytest.mark.parametrize("options", [[], ["--numprocesses=2"]], ids=["one-process", "two"])
def test_only_what_passed_counts(repository: Path, cells: list[Cell], options: list[str]) -> None:
    outcomes = ("passed", "failed", "error", "skipped")
    proofs = [
        (outcome, cell, "resolved") for outcome, cell in zip(outcomes, cells[:4], strict=True)
    ]
    (row,) = collect(repository, results(repository, proofs, *options))
    assert {**vars(cells[0]), "result": "resolved"}.items() <= row.items()
    line = row_of(repository, cells[0])
    assert f"resolved, {row['date']}" in line
    assert f"`{cells[0].torch}`" in line


def test_run_outranks_resolved_and_the_newer_day_the_older(
    repository: Path, cells: list[Cell]
) -> None:
    first, second = cells[:2]
    early = dated(
        results(repository, [("passed", first, "run"), ("passed", second, "resolved")]),
        "2026-01-01",
    )
    late = dated(
        results(repository, [("passed", first, "resolved"), ("passed", second, "resolved")]),
        "2026-02-02",
    )
    for order in ((early, late), (late, early)):
        (repository / DATA).unlink(missing_ok=True)
        for report in order:
            rows = collect(repository, report)
        found = [(row["result"], row["date"]) for row in rows]
        assert found == [("run", "2026-01-01"), ("resolved", "2026-02-02")]


def test_results_of_another_torch_or_of_no_row_are_dropped(
    repository: Path, cells: list[Cell]
) -> None:
    known, another = cells[:2]
    proofs: list[Outcome] = [
        ("passed", known, "run"),
        ("passed", replace(another, torch="0.0.1"), "run"),
        ("passed", replace(another, platform="plan9-vax"), "run"),
        ("passed", replace(another, build="abacus"), "run"),
    ]
    (row,) = collect(repository, results(repository, proofs))
    assert row["torch"] == known.torch

    release = repository / "stack" / "release.yml"
    torch = Stack.of(repository / "stack").torch
    release.write_text(release.read_text().replace(f'"{torch}"', '"99.0.0"'))
    assert collect(repository) == []
    assert "not tested" in row_of(repository, known)


def test_collecting_again_changes_nothing(repository: Path, cells: list[Cell]) -> None:
    report = results(repository, [("passed", cells[0], "run"), ("passed", cells[-1], "resolved")])
    collect(repository, report)
    texts = [(repository / path).read_bytes() for path in (DATA, PAGE)]
    collect(repository, report, report)
    assert main(["--check"], repository) == 0
    assert [(repository / path).read_bytes() for path in (DATA, PAGE)] == texts


def test_check_tells_an_edited_page(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collect(repository)
    page = (repository / PAGE).read_text().replace("not tested", "run, 2026-01-01")
    (repository / PAGE).write_text(page)
    assert main(["--check"], repository) == 1
    assert f"differs: {PAGE}" in capsys.readouterr().out
    assert (repository / PAGE).read_text() == page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "results.xml cannot be read"),
        ("not XML", "results.xml is not JUnit XML"),
        ('<testsuite><testcase name="x"/></testsuite>', "does not say when it ran"),
        (recorded(json.dumps({"build": "cpu"})), "which says no result"),
        (recorded(json.dumps({**NOWHERE, "result": "hoped"})), "'hoped' is none of"),
    ],
    ids=["missing", "not-xml", "no-date", "incomplete", "unknown-result"],
)
def test_wrong_results_are_refused_in_one_sentence_and_nothing_is_written(
    repository: Path, text: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = repository / "results.xml"
    if text is not None:
        report.write_text(text)
    assert main([str(report)], repository) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert not (repository / PAGE).exists()
