"""The training baseline: ``configs/expected.toml``, which the team owns."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from envkeep.errors import ToolError
from envkeep.paths import EXPECTED, shown

SLOWDOWN = 1.5
TOLERANCE = 0.01


@dataclass(frozen=True)
class Metric:
    """The expected value of a metric, with its tolerance.

    Attributes:
        expected: Its value.
        tolerance: How far it may be from that, either way.
    """

    expected: float
    tolerance: float = TOLERANCE

    def admits(self, value: float | None) -> bool:
        """Tell whether a value is near enough; what is not a number is not."""
        return value is not None and abs(value - self.expected) <= self.tolerance


@dataclass(frozen=True)
class Baseline:
    """The training baseline.

    Attributes:
        arguments: What follows ``train``.
        slowdown: How many times as long as before a change it may take.
        metrics: What it must reach, by name.
    """

    arguments: Sequence[str] = ()
    slowdown: float = SLOWDOWN
    metrics: Mapping[str, Metric] = field(default_factory=dict)


def load() -> Baseline | None:
    """Return what configs/expected.toml says, None if it is not there.

    Raises:
        ToolError: The file cannot be understood.
    """
    if not EXPECTED.exists():
        return None
    try:
        content = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
        rows = content.get("metrics", {}).items()
        metrics = {name: Metric(**{key: float(row[key]) for key in row}) for name, row in rows}
        arguments = [str(each) for each in content.get("arguments", [])]
        slowdown = float(content.get("slowdown", SLOWDOWN))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ToolError(
            f"{shown(EXPECTED)} cannot be understood ({error}); a metric is a table with the "
            "numbers expected and tolerance."
        ) from error
    return Baseline(arguments, slowdown, metrics)


def write(wanted: Baseline, reached: Mapping[str, float]) -> None:
    """Record a run's metrics as the new baseline.

    Tolerances stay; metrics that had none get the usual one, infinite values are left out.

    Args:
        wanted: What was expected before.
        reached: The final metrics of a run.
    """
    metrics = {
        name: Metric(value, wanted.metrics.get(name, Metric(value)).tolerance)
        for name, value in reached.items()
        if math.isfinite(value) and (name in wanted.metrics or not wanted.metrics)
    }
    lines = [_above_metrics(wanted).rstrip()]
    for name, metric in metrics.items():
        lines += ["", f"[metrics.{json.dumps(name)}]", f"expected = {metric.expected!r}"]
        lines += [f"tolerance = {metric.tolerance!r}"]
    EXPECTED.parent.mkdir(exist_ok=True)
    EXPECTED.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _above_metrics(wanted: Baseline) -> str:
    """Return the text above the metrics, comments included."""
    if EXPECTED.exists():
        return EXPECTED.read_text(encoding="utf-8").partition("\n[metrics")[0]
    return (
        "# Yours: what a training run must reach; see docs/continuous-integration.md.\n"
        f"arguments = {json.dumps(list(wanted.arguments))}\nslowdown = {wanted.slowdown!r}\n"
    )
