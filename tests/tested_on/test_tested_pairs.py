"""The table of pairs that were run comes from test results and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from maintain.stack.data import load_release
from maintain.tested_pairs import DATA, PAGE, PROPERTY
from scripts.tested_pairs import main
from tests.support.answer_sets import PAIRS
from tests.support.catalog import STACK
from tests.support.copier_runs import ROOT

PAIR = {
    "training": "pytorch",
    "inference": "openvino",
    "platform": "linux-x86_64",
    "python": "3.11",
    "release": load_release(STACK).name,
}
ROW = "| PyTorch | OpenVINO | Linux, x86-64, Python 3.11, 2026-01-02 |"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder with this repository's stack, in which no pair has been run yet."""
    shutil.copytree(ROOT / "stack", tmp_path / "stack")
    (tmp_path / DATA).unlink(missing_ok=True)
    (tmp_path / PAGE).parent.mkdir(parents=True)
    return tmp_path


def results(folder: Path, value: str, *, day: str = "2026-01-02", outcome: str = "") -> str:
    """Write results in which one test recorded something, and return their path."""
    path = folder / "results.xml"
    quoted = value.replace('"', "&quot;")
    said = f'<properties><property name="{PROPERTY}" value="{quoted}"/></properties>'
    test = f'<testcase name="x">{said}{outcome}</testcase>'
    path.write_text(f'<testsuite timestamp="{day}T00:00:00">{test}</testsuite>')
    return str(path)


def page(repository: Path) -> str:
    return (repository / PAGE).read_text(encoding="utf-8")


def test_the_committed_files_are_what_the_command_makes() -> None:
    assert main(["--check"]) == 0


def test_without_results_no_pair_was_run(repository: Path) -> None:
    assert main([], repository) == 0
    assert page(repository).count("| not run |") == len(PAIRS)


def test_what_passed_is_on_the_page_and_stays_there(repository: Path) -> None:
    assert main([results(repository, json.dumps(PAIR))], repository) == 0
    assert ROW in page(repository)
    assert main([], repository) == 0
    assert ROW in page(repository)


def test_the_newest_day_counts(repository: Path) -> None:
    for day in ("2026-01-02", "2026-01-01"):
        assert main([results(repository, json.dumps(PAIR), day=day)], repository) == 0
    assert ROW in page(repository)


@pytest.mark.parametrize("outcome", ["<failure/>", "<error/>", "<skipped/>"])
def test_what_did_not_pass_does_not_count(repository: Path, outcome: str) -> None:
    assert main([results(repository, json.dumps(PAIR), outcome=outcome)], repository) == 0
    assert ROW not in page(repository)


@pytest.mark.parametrize("change", [{"release": "1999.01"}, {"training": "caffe"}])
def test_other_releases_and_pairs_are_dropped(repository: Path, change: dict[str, str]) -> None:
    assert main([results(repository, json.dumps({**PAIR, **change}))], repository) == 0
    assert page(repository).count("| not run |") == len(PAIRS)


@pytest.mark.parametrize("text", ["{", "[]", '{"training": "pytorch"}'])
def test_damaged_results_are_refused(
    repository: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([results(repository, text)], repository) == 1
    assert "which is no pair" in capsys.readouterr().err
    assert not (repository / PAGE).exists()
