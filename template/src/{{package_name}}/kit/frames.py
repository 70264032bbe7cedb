# Owned by the template: every update rewrites this file. Figures of your own go into figures.py.
# mypy: disable-error-code="import-untyped"
"""Recorded runs as data frames: one row for a run, or one for an epoch or a step of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pandas as pd
import yaml

from .errors import RunError
from .tracking import Run
from .tracking.store import CONFIG_FILE, METRICS_FILE

_FACTS = ("status", "started", "seconds", "epochs_done", "git_commit", "data_sha256", "lock_sha256")


def runs_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Returns a row for every run: its id, its facts, its final metrics and all its settings.

    A setting is a column such as `training.learning_rate`.
    """
    rows = [
        {
            "run": run.id,
            **{name: run.facts.get(name) for name in _FACTS},
            **(run.facts.get("final_metrics") or {}),
            **pd.json_normalize(_settings(run)).iloc[0].to_dict(),
        }
        for run in runs
    ]
    return pd.DataFrame(rows)


def metrics_frame(runs: Sequence[Run], kind: Literal["epoch", "step"]) -> pd.DataFrame:
    """Returns a row for every epoch or every step of the runs, with the run's id."""
    rows = [
        {"run": run.id, **line} for run in runs for line in _lines(run) if line.pop("kind") == kind
    ]
    return pd.DataFrame(rows)


def _settings(run: Run) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((run.folder / CONFIG_FILE).read_text("utf-8"))
    return settings


def _lines(run: Run) -> Iterator[dict[str, Any]]:
    """Yields the whole lines; a run that was killed may have left the last one unfinished."""
    text = (run.folder / METRICS_FILE).read_text(encoding="utf-8")
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise RunError(f"{METRICS_FILE} of run {run.id} is damaged: {error}.") from error
