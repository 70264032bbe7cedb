"""When another environment is as good as the active one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkeep.staging.compare import Comparison, Measured
from envkeep.training.baseline import Baseline, Metric

NOW = Measured(Path("now"), 2, 1_200_000_000, 2.0)
STAGED = replace(NOW, packages=3, tests=True)
EXPECTED = Baseline(metrics={"accuracy": Metric(0.99, 0.005)})


@pytest.mark.parametrize(
    ("now", "staged", "good", "sentence"),
    [
        (None, {}, True, "the tests pass"),
        (None, {"metrics": {"accuracy": 0.986}}, True, "the metrics are as expected"),
        (None, {"tests": None}, True, "it installs and imports"),
        (True, {"tests": False}, False, "the tests fail with it"),
        (False, {"tests": False}, False, "fail in the active environment too"),
        (None, {"metrics": {"accuracy": 0.97}}, False, "accuracy differ"),
        (None, {"metrics": {"loss": 0.1}}, False, "accuracy differ"),
        (None, {"metrics": {"accuracy": float("nan")}}, False, "accuracy differ"),
    ],
)
def test_the_comparison(
    now: bool | None, staged: dict[str, object], good: bool, sentence: str
) -> None:
    found = Comparison(
        replace(NOW, tests=now),
        replace(STAGED, **staged),
        EXPECTED,  # type: ignore[arg-type]
    )
    assert found.is_good is good
    assert sentence in found.sentence


def test_the_table_has_both_and_what_is_expected() -> None:
    lines = Comparison(NOW, replace(STAGED, metrics={"accuracy": 0.99}), EXPECTED).table()
    assert [line.split() for line in lines] == [
        ["now", "staged"],
        ["packages", "2", "3"],
        ["tests", "not", "run", "pass"],
        ["accuracy", "0.99", "expected", "0.99", "+-", "0.005"],
        ["import", "2.00", "s", "2.00", "s"],
        ["size", "1.2", "GB", "1.2", "GB"],
    ]


def test_what_its_makers_withdrew_is_not_good() -> None:
    withdrawn = ["requests 2.32.1 was withdrawn by its makers (broken)"]
    found = Comparison(NOW, STAGED, EXPECTED, withdrawn)
    assert not found.is_good
    assert found.sentence == withdrawn[0]
    failed = Comparison(NOW, replace(STAGED, tests=False), EXPECTED, withdrawn)
    assert failed.sentence == "the tests fail with it"
