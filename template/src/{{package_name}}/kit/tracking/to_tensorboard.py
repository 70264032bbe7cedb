# Owned by the template: every update rewrites this file. What is sent: `record.log(...)`.
"""Write a run as TensorBoard reads it, into the folder of the run; no framework is needed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tensorboard.compat.proto.event_pb2 import (  # type: ignore[import-untyped]
    Event,
    SessionLog,
)
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.summary.writer.event_file_writer import (  # type: ignore[import-untyped]
    EventFileWriter,
)

from .store import EXPERIMENTS

_FLUSH_SECONDS = 10


class Tracker:
    """A file of events of one run; a run that goes on gets one more."""

    def __init__(self) -> None:
        """Write nothing yet."""
        self._writer: Any = None
        self._goes_on = False

    def start(
        self, facts: Mapping[str, Any], config: Mapping[str, Any], remote_id: str | None
    ) -> str:
        """Make the file; the id is that of the run, by which TensorBoard calls it too."""
        folder = EXPERIMENTS / facts["run_id"]
        self._goes_on = bool(facts["resumed"])
        self._writer = EventFileWriter(str(folder), flush_secs=_FLUSH_SECONDS)
        return str(folder.name)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write the values; the first step of a run that goes on takes back all later ones."""
        now = time.time()
        if self._goes_on:
            again = SessionLog(status=SessionLog.START)
            self._writer.add_event(Event(wall_time=now, step=step, session_log=again))
            self._goes_on = False
        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        self._writer.add_event(Event(wall_time=now, step=step, summary=Summary(value=values)))

    def finish(self, status: str) -> None:
        """Close the file."""
        self._writer.close()
