# Owned by the template: every update rewrites this file. What is sent: `record.log(...)`.
"""Send a run to Weights & Biases, or write it into the folder of the run for `wandb sync`.

Nothing is sent before `WANDB_MODE=online` or `WANDB_API_KEY` says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..answers import load_answers
from .store import EXPERIMENTS
from .trackers import plain_facts

_DEFAULTS = {
    "WANDB_MODE": "online" if os.environ.get("WANDB_API_KEY") else "offline",
    "WANDB_CONSOLE": "off",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_ERROR_REPORTING": "false",  # its own errors, which would go to its makers, also offline
    "WANDB_INIT_TIMEOUT": "30",
    "WANDB_SILENT": "true",
}
for _name, _value in _DEFAULTS.items():
    os.environ.setdefault(_name, _value)

import wandb  # noqa: E402  # reads these variables

_STEP = "train/global_step"
_EXIT_CODES = {"finished": 0, "failed": 1}
_ENDED = 255  # interrupted, as wandb itself says it


class Tracker:
    """A run of Weights & Biases, which has the id of the project's own run."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._run: Any = None

    def start(
        self, facts: Mapping[str, Any], config: Mapping[str, Any], remote_id: str | None
    ) -> str:
        """Make the run, or go on with it; a run that was written offline begins another file."""
        is_online = os.environ["WANDB_MODE"] == "online"
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or load_answers().package_name,
            id=facts["run_id"],
            name=facts["run_id"],
            config={**config, "run": plain_facts(facts)},
            dir=str((EXPERIMENTS / facts["run_id"]).resolve()),  # wandb's process may be elsewhere
            resume="allow" if remote_id and is_online else None,
            reinit="create_new",
        )
        self._run.define_metric(_STEP)
        self._run.define_metric("*", step_metric=_STEP)
        return str(facts["run_id"])

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Send the values; their step is one of them, as that of wandb cannot go back."""
        self._run.log({**metrics, _STEP: step})

    def finish(self, status: str) -> None:
        """Send what is left, and how the run ended."""
        self._run.summary["status"] = status
        self._run.finish(exit_code=_EXIT_CODES.get(status, _ENDED))
