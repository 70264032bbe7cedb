# Owned by the template: every update rewrites this file. What is sent: `record.log(...)`.
"""Send a run to MLflow: to `experiments/mlflow.db`, or where `MLFLOW_TRACKING_URI` says."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ..answers import load_answers
from .compare import leaves
from .store import EXPERIMENTS
from .trackers import plain_facts

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # which may be that of a program
    # MLflow itself would keep training waiting for minutes where no server answers.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}
for _name, _value in _DEFAULTS.items():
    os.environ.setdefault(_name, _value)

from mlflow import MlflowClient  # noqa: E402  # reads these variables
from mlflow.entities import Metric, Param  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

_FILE = "mlflow.db"
_ARTIFACTS = "mlflow-artifacts"
_FLUSH_SECONDS = 2.0
_MOST_METRICS, _MOST_PARAMS = 1000, 100  # of one request
_LONGEST = 5000  # characters of a value
_STATUS = {"finished": "FINISHED", "failed": "FAILED"}  # all others were ended: KILLED


class Tracker:
    """A run of MLflow. Metrics are sent every few seconds, so that no step waits for a server."""

    def __init__(self) -> None:
        """Open the file or name the server."""
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        local = (EXPERIMENTS / _FILE).resolve().as_posix()
        self._client = MlflowClient(uri or f"sqlite:///{local}")
        self._is_local = not uri
        self._id = ""
        self._waiting: list[Metric] = []
        self._sent = 0.0

    def start(
        self, facts: Mapping[str, Any], config: Mapping[str, Any], remote_id: str | None
    ) -> str:
        """Make the run, or set the one that goes on to running."""
        if remote_id is not None:
            self._id = remote_id
            self._client.update_run(remote_id, status="RUNNING")
            return remote_id
        tags = {name: str(value)[:_LONGEST] for name, value in plain_facts(facts).items()}
        source = {
            "mlflow.source.type": "LOCAL",
            "mlflow.source.name": facts["command"],
            "mlflow.source.git.commit": facts["git_commit"] or "",
        }
        made = self._client.create_run(
            self._experiment(), run_name=facts["run_id"], tags={**tags, **source}
        )
        self._id = made.info.run_id
        params = [Param(name, str(value)[:_LONGEST]) for name, value in leaves(config)]
        for at in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(self._id, params=params[at : at + _MOST_PARAMS])
        return self._id

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Keep the values for the next request."""
        now = time.time()
        self._waiting += [Metric(*each, int(now * 1000), step) for each in metrics.items()]
        if time.monotonic() - self._sent >= _FLUSH_SECONDS:
            self._flush()

    def finish(self, status: str) -> None:
        """Send what is left, and the status."""
        self._flush()
        self._client.set_terminated(self._id, _STATUS.get(status, "KILLED"))

    def _flush(self) -> None:
        while self._waiting:
            self._client.log_batch(self._id, metrics=self._waiting[:_MOST_METRICS])
            del self._waiting[:_MOST_METRICS]
        self._sent = time.monotonic()

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or load_answers().package_name
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        folder = (EXPERIMENTS / _ARTIFACTS).resolve().as_uri() if self._is_local else None
        try:
            return str(self._client.create_experiment(name, artifact_location=folder))
        except MlflowException:  # another run may have made it just now
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)
