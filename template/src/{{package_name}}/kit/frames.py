# Owned by the template: every update rewrites this file. Figures of your own go into figures.py.
# mypy: disable-error-code="import-untyped"
"""Recorded runs as data frames: one row for a run, or one for an epoch or a step of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from .tracking import Run
from .tracking.compare import settings_of

_FACTS = ("status", "started", "seconds", "epochs_done", "git_commit", "data_sha256", "lock_sha256")


def runs_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return a row for every run: its id, its facts, its final metrics and all its settings.

    A setting is a column such as `training.learning_rate`.
    """
    rows = [
        {
            "run": run.id,
            **{name: run.facts.get(name) for name in _FACTS},
            **(run.facts.get("final_metrics") or {}),
            **settings_of(run),
        }
        for run in runs
    ]
    return pd.DataFrame(rows)


def metrics_frame(runs: Sequence[Run], kind: Literal["epoch", "step"]) -> pd.DataFrame:
    """Return a row for every epoch or every step of the runs, with the run's id."""
    return pd.DataFrame([{"run": run.id, **line} for run in runs for line in run.metrics(kind)])
