"""What a team expects of a training run: read, compared, written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.project import own_commands
from envkeep.training import baseline
from envkeep.training import run as training
from envkeep.training.baseline import Baseline, Metric

TEMPLATE = Path(__file__).resolve().parents[3] / "template"
SEED = TEMPLATE / "{{classifier}}" / "configs" / "expected.toml"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "configs" / "expected.toml"
    monkeypatch.setattr(baseline, "EXPECTED", path)
    return path


def test_without_the_file_nothing_is_expected(file: Path) -> None:
    assert baseline.load() is None


@pytest.mark.parametrize(
    ("value", "near"), [(0.99, True), (1.0, True), (0.98, True), (0.97, False), (math.nan, False)]
)
def test_a_value_must_be_within_the_tolerance(value: float, near: bool) -> None:
    assert Metric(0.99, 0.0101).admits(value) is near


def test_a_metric_that_is_not_there_is_not_near() -> None:
    assert not Metric(0.5).admits(None)


def test_accepting_keeps_comments_tolerances_and_arguments(file: Path) -> None:
    file.parent.mkdir()
    text = SEED.read_text(encoding="utf-8").replace("arguments = []", 'arguments = ["--seed=1"]')
    file.write_text(text, encoding="utf-8")
    before = baseline.load()
    assert before
    baseline.write(before, {"val_accuracy": 0.75, "train_loss": 0.1})
    assert baseline.load() == Baseline(["--seed=1"], 1.5, {"val_accuracy": Metric(0.75, 0.01)})
    now = file.read_text(encoding="utf-8")
    assert now.partition("[metrics")[0] == text.partition("[metrics")[0]


def test_accepting_for_the_first_time_writes_every_finite_metric(file: Path) -> None:
    baseline.write(Baseline(), {"a b": 0.5, "loss": math.inf})
    assert baseline.load() == Baseline([], 1.5, {"a b": Metric(0.5)})


@pytest.mark.parametrize(
    "text", ["metrics = 1", "[metrics.a]\nvalue = 1", "[metrics]\na = 1", "slowdown = []", "["]
)
def test_a_file_that_cannot_be_understood_is_refused_in_a_sentence(text: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(ToolError, match=r"cannot be understood .* numbers expected and tolerance"):
        baseline.load()


@pytest.mark.parametrize("place", ["commands", "kit/commands"])
def test_a_copy_is_lent_the_data_that_git_does_not_know(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, copy = tmp_path / "project", tmp_path / "copy"
    manifest = {"files": {"raw/own.npz": {"sha256": "0", "own": True}, "raw/x.npz": {"sha256": ""}}}
    for folder in (project, copy):
        (folder / "data" / "raw").mkdir(parents=True)
        (folder / "data" / "manifest.json").write_text(json.dumps(manifest))
    for name in ("own.npz", "x.npz"):
        (project / "data" / "raw" / name).write_text(name)
    commands = copy / "src" / "package" / place
    commands.mkdir(parents=True)
    (commands / "data.py").touch()
    monkeypatch.setattr(training, "ROOT", project)
    monkeypatch.setattr(training, "DATA_MANIFEST", project / "data" / "manifest.json")
    monkeypatch.setattr(own_commands, "project_metadata", lambda: {"package_name": "package"})
    ran: list[tuple[object, ...]] = []
    monkeypatch.setattr(training, "_run", lambda *arguments: ran.append(arguments))
    training.prepare(copy)
    assert [path.name for path in (copy / "data" / "raw").iterdir()] == ["own.npz"]
    assert ran == [(copy, None, "data")]
    (copy / "data" / "manifest.json").write_text("[]")
    training.prepare(copy)
    assert len(ran) == 2, "the project's own command says that the manifest is damaged"
