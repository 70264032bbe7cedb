# Owned by the template: every update rewrites this file. Which metric decides: training/train.py.
"""The best epoch of a run so far, by a metric of data that training does not see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .store import METRICS_FILE


@dataclass
class BestEpoch:
    """The epoch with the best value of a metric; of equal ones the first.

    Attributes:
        metric: The name of the metric.
        higher: Whether a higher value is better.
        epoch: The number of the epoch; 0 before the first one.
        metrics: All metrics of that epoch.
    """

    metric: str
    higher: bool = False
    epoch: int = 0
    metrics: Mapping[str, float] | None = None

    @classmethod
    def of_run(cls, folder: Path, metric: str, *, higher: bool = False) -> Self:
        """Return the best of the epochs that `metrics.jsonl` in the folder of a run holds."""
        best = cls(metric, higher)
        for text in (folder / METRICS_FILE).read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if line.pop("kind") == "epoch":
                epoch = line.pop("epoch")
                line.pop("step", None)
                best.update(epoch, line)
        return best

    def update(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Take note of an epoch; return whether it is the best so far."""
        if self.metrics is not None:
            before, now = self.metrics[self.metric], metrics[self.metric]
            if not (now > before if self.higher else now < before):
                return False
        self.epoch, self.metrics = epoch, dict(metrics)
        return True

    def to_json(self, checkpoint: Path) -> dict[str, Any]:
        """Return what `run.json` says of the best epoch.

        Args:
            checkpoint: The file with its weights.
        """
        return {
            "epoch": self.epoch,
            "metric": self.metric,
            "checkpoint": checkpoint.as_posix(),
            "metrics": self.metrics,
        }
