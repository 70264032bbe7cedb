# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Find the runs that `experiments/` holds, and the best epoch of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from ..answers import optional
from ..errors import RunError
from ..files import read_json
from .process import is_alive

EXPERIMENTS = Path("experiments")
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.jsonl"
RUN_FILE = "run.json"
CHECKPOINT_FILE = "checkpoint.pt"  # PyTorch's; kit/training/checkpoint.py has that of others


@dataclass(frozen=True)
class Run:
    """A recorded run: its folder and the content of `run.json`."""

    folder: Path
    facts: dict[str, Any]

    @property
    def id(self) -> str:
        """The name of the folder; ids sort by the time of the start."""
        return self.folder.name

    @property
    def status(self) -> str:
        """One of running, finished, failed, interrupted, terminated, died.

        Died: its process is gone and wrote nothing more, as it was killed, or the power was cut.
        """
        return str(self.facts["status"])

    def epoch_of(self, *, last: bool = False) -> int:
        """Return the number of the best epoch, or of the last one that was finished."""
        best = self.facts.get("best")
        return int(self.facts["epochs_done"] if last or not best else best["epoch"])

    def metrics(self, kind: Literal["epoch", "step"]) -> Iterator[dict[str, Any]]:
        """Yield what was logged for every epoch, or for every step.

        A run that was killed may have left its last line unfinished; it is passed over.

        Raises:
            RunError: another line cannot be read.
        """
        text = (self.folder / METRICS_FILE).read_text(encoding="utf-8")
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                try:
                    values = json.loads(line)
                except ValueError as error:
                    reason = f"{METRICS_FILE} of run {self.id} is damaged: {error}."
                    raise RunError(reason) from error
                if values.pop("kind") == kind:
                    yield values


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


def list_runs() -> list[Run]:
    """Return all runs, newest first; a folder without a whole `run.json` is not a run yet."""
    files = sorted(EXPERIMENTS.glob(f"*/{RUN_FILE}"), reverse=True)
    return [Run(file.parent, _facts(file)) for file in files]


def find_run(text: str) -> Run:
    """Return the run with this id, or the only one whose id contains the text.

    Raises:
        RunError: No run or several runs fit.
    """
    runs = list_runs()
    fitting = [run for run in runs if run.id == text] or [run for run in runs if text in run.id]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise RunError(f"No run fits {text!r}: see the `runs` command.")
    some = ", ".join(run.id for run in fitting[:3])
    raise RunError(f"{len(fitting)} runs fit {text!r} ({some}, ...): give more of the id.")


def newest_finished() -> Run:
    """Return the newest run that finished; in a stage of DVC, the one that the pipeline trained.

    Raises:
        RunError: There is none.
    """
    pipeline = optional("pipeline")
    if pipeline and (run_id := pipeline.trained_run()):
        return find_run(run_id)
    for run in list_runs():
        if run.status == "finished":
            return run
    raise RunError("No finished run yet: run the `train` command.")


def run_before(run: Run) -> Run | None:
    """Return the newest of the finished runs that started before this one; None: there is none."""
    earlier = (each for each in list_runs() if each.id < run.id)
    return next((each for each in earlier if each.status == "finished"), None)


def way_on(facts: Mapping[str, Any]) -> str:
    """Return how far a run came that ended before its last epoch, and how it can go on."""
    ended = str(facts["status"]).capitalize()
    if facts.get("checkpoint") is None:
        return f"{ended} before an epoch was finished: start a new run."
    step = f", at step {facts['step']}" if facts.get("step") else ""  # of a checkpoint within one
    return (
        f"{ended} after {facts['epochs_done']} of {facts['epochs']} epochs{step}; "
        f"continue with `train --resume {facts['run_id']}`."
    )


def _facts(file: Path) -> dict[str, Any]:
    facts = read_json(file)
    if not isinstance(facts, dict) or not {"run_id", "status", "seconds"} <= facts.keys():
        raise RunError(f"{file} is damaged: remove or restore that run.")
    if facts["status"] == "running" and is_alive(facts.get("process")) is False:
        facts["status"] = "died"
    return facts
