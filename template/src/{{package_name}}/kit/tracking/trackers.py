# Owned by the template: every update rewrites this file. What is sent: `record.log(...)`.
"""Hand a run on to trackers such as MLflow, after its own record in `experiments/` is written.

A tracker that fails is told of once and left alone from then on; training goes on. Nothing leaves
this machine before an environment variable, or a line of `.env`, says where to.
"""

from __future__ import annotations

import json
import logging
import os
import pkgutil
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import yaml
from dotenv import dotenv_values

from ..errors import reason_of
from .store import CONFIG_FILE, EXPERIMENTS

CHOICE = "TRACKERS"  # names those that are used, with commas between; `none` for none
NONE = "none"
_DOTENV = Path(".env")
_VARIABLES = ("MLFLOW_", "WANDB_", CHOICE)
_RANKS = ("RANK", "SLURM_PROCID")
_MODULE = "to_"  # begins the names of the modules that have a `Tracker`
_PARTS = {"train": "train", "val": "val", "test": "test", "held_out": "val"}
_NO_METRIC = ("kind", "epoch", "step", "samples")
_PASSWORD = re.compile(r"//[^/@\s]+@")  # in an address
_LOG = logging.getLogger(__name__)


class Tracker(Protocol):
    """What a module `to_NAME` has: a tracker of one run."""

    def start(
        self, facts: Mapping[str, Any], config: Mapping[str, Any], remote_id: str | None
    ) -> str:
        """Start a run there, or go on with the one of that id; return its id."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Send what was measured at a step."""

    def finish(self, status: str) -> None:
        """Send what is left, and how the run ended: one of the words of `run.json`."""


class Trackers:
    """The trackers of a run that goes on; in all processes but the first there are none."""

    def __init__(self) -> None:
        """Start none yet."""
        self._active: dict[str, Tracker] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._step = 0

    def start(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Start those that are chosen; return what `run.json` says of each: its id and error."""
        before = facts.get("trackers") or {}
        chosen = choose_trackers() if _is_first_process() else []
        if not chosen:
            return {}
        path = EXPERIMENTS / facts["run_id"] / CONFIG_FILE
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for name in chosen:
            remote_id = before.get(name, {}).get("id")
            self._states[name] = {"id": remote_id, "error": None}
            with self._watched(name):
                tracker: Tracker = import_module(f"{__package__}.{_MODULE}{name}").Tracker()
                self._states[name]["id"] = tracker.start(facts, config, remote_id)
                self._active[name] = tracker
        return {**before, **self._states}

    def log(self, lines: Iterable[str]) -> None:
        """Send lines of `metrics.jsonl`."""
        if not self._active:
            return
        for line in lines:
            values = json.loads(line)
            self._step = values.get("step", self._step)
            self._send(name_metrics(values))

    def finish(self, facts: Mapping[str, Any]) -> bool:
        """Send the best epoch and how the run ended; return whether that failed somewhere."""
        active = len(self._active)
        best = facts.get("best")
        if best and self._step:
            metrics = {**best["metrics"], "epoch": best["epoch"]}
            self._send({f"best/{name}": value for name, value in metrics.items()})
        for name, tracker in list(self._active.items()):
            with self._watched(name):
                tracker.finish(facts["status"])
        return len(self._active) < active

    def _send(self, metrics: Mapping[str, float]) -> None:
        for name, tracker in list(self._active.items()):
            with self._watched(name):
                tracker.log(self._step, metrics)

    @contextmanager
    def _watched(self, name: str) -> Iterator[None]:
        """Let no warning of a tracker out, and give up one that fails."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except Exception as error:  # each library has its own, and training must not end by them
            reason = _PASSWORD.sub("//", f"{type(error).__name__}: {reason_of(error)}")
            self._active.pop(name, None)
            self._states[name]["error"] = reason
            _LOG.warning("%s is left alone from now on, and training goes on: %s", name, reason)


def choose_trackers() -> list[str]:
    """Return the names of the trackers that are used here, and take their variables from `.env`.

    Under pytest there are none, unless the variable `TRACKERS` names them: what a test trains is
    nobody's run.
    """
    for name, value in dotenv_values(_DOTENV).items():
        if name.startswith(_VARIABLES) and value is not None:
            os.environ.setdefault(name, value)
    folder = str(Path(__file__).parent)
    modules = (module.name for module in pkgutil.iter_modules([folder]))
    known = [name.removeprefix(_MODULE) for name in modules if name.startswith(_MODULE)]
    by_default = NONE if "PYTEST_VERSION" in os.environ else ",".join(known)
    wanted = [name.strip() for name in os.environ.get(CHOICE, by_default).split(",")]
    for name in wanted:
        if name not in (*known, NONE, ""):
            _LOG.warning("%s names %s, which is not one of %s", CHOICE, name, ", ".join(known))
    return [name for name in known if name in wanted]


def name_metrics(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of a line of `metrics.jsonl` by the names that trackers have for them.

    `val_loss` becomes `val/loss`. What a single step measures is of the training: its `loss` is
    `train/loss_step`, as `train/loss` is the mean of an epoch.
    """
    metrics = {
        name: float(value)
        for name, value in line.items()
        if name not in _NO_METRIC and isinstance(value, int | float)
    }
    if line.get("kind") == "step":
        renamed = {"loss": "loss_step"}
        return {f"train/{renamed.get(name, name)}": value for name, value in metrics.items()}
    if "epoch" in line:
        metrics["epoch"] = float(line["epoch"])
    return {_in_part(name): value for name, value in metrics.items()}


def _in_part(name: str) -> str:
    for prefix, part in _PARTS.items():
        if name.startswith(f"{prefix}_"):
            return f"{part}/{name.removeprefix(f'{prefix}_')}"
    return name


def plain_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a run that are one value each and do not change while it goes on."""
    changing = ("status", "seconds", "epochs_done", "checkpoint", "error")
    return {
        name: value
        for name, value in facts.items()
        if name not in changing and isinstance(value, str | int | float)
    }


def _is_first_process() -> bool:
    """Tell whether this process is the first of those that train a model together, or the only."""
    rank = next((os.environ[name] for name in _RANKS if name in os.environ), "0")
    return rank == "0"
