# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""The local record of every run, in `experiments/`: always on, plain files, no server."""

from .record import RunRecord, environment_facts, git_facts
from .store import BestEpoch, Run, find_run, list_runs, newest_finished, run_before, way_on

__all__ = [
    "BestEpoch",
    "Run",
    "RunRecord",
    "environment_facts",
    "find_run",
    "git_facts",
    "list_runs",
    "newest_finished",
    "run_before",
    "way_on",
]
