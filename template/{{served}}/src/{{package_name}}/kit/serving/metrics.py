# Owned by the template: every update rewrites this file. Your own metrics go to serving.py.
"""What is measured, as Prometheus reads it: requests, batches, the queue, what is served.

Workers share their numbers in files of the folder PROMETHEUS_MULTIPROC_DIR, which `make serve` sets
when there are several.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one application; several of them in a process do not meet."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        to = self.registry
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds from the first byte of a request to the last of its answer",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=to,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight",
            "Requests that are not answered yet",
            registry=to,
            multiprocess_mode="livesum",
        )
        self.batch_examples = Histogram(
            "serving_batch_examples",
            "Examples that the model computed at once",
            ["version"],
            buckets=_SIZES,
            registry=to,
        )
        self.batch_seconds = Histogram(
            "serving_batch_seconds",
            "Seconds that the model computed",
            ["version"],
            buckets=_SECONDS,
            registry=to,
        )
        self.waiting = Gauge(
            "serving_queue_examples",
            "Examples that wait for the model",
            registry=to,
            multiprocess_mode="livesum",
        )
        self.refused = Counter(
            "serving_refused_total", "Requests that found the queue full", registry=to
        )
        self.cancelled = Counter(
            "serving_cancelled_total", "Requests that left the queue unanswered", registry=to
        )
        self.reloads = Counter(
            "serving_reloads_total", "Exchanges of the model", ["outcome"], registry=to
        )
        self.answers = Counter(
            "serving_answers_total",
            "Requests that a version of the model got",
            ["version", "outcome"],
            registry=to,
        )
        self.drift = Gauge(
            "serving_drift_distance",
            "Jensen-Shannon distance of recent examples from those of training, 0 to 1",
            ["version", "side", "array", "statistic"],
            registry=to,
            multiprocess_mode="livemax",
        )
        self.drift_examples = Gauge(
            "serving_drift_examples",
            "Recent examples that were compared with those of training",
            ["version"],
            registry=to,
            multiprocess_mode="livesum",
        )
        self.model = Gauge(
            "serving_model_info",
            "Workers that serve a version of the model",
            ["model", "version", "sha256"],
            registry=to,
            multiprocess_mode="livesum",
        )

    def show_model(self, facts: Mapping[str, str], serving: bool = True) -> None:
        """Take note that this worker serves a version, or no longer does."""
        labels = [facts[name] for name in ("model", "version", "sha256")]
        self.model.labels(*labels).set(int(serving))

    def text(self) -> bytes:
        """Return all of them, of all workers."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        of_all = CollectorRegistry()
        _OfAllWorkers(of_all)  # type: ignore[no-untyped-call]
        return generate_latest(of_all)


class _OfAllWorkers(MultiProcessCollector):
    """What all workers have counted, but for files that one has only begun or died over."""

    def collect(self) -> Any:
        """Return the sums; a file is empty between its first moment and its first value."""
        files = Path(os.environ[SHARED]).glob("*.db")
        with_values = [str(each) for each in files if _size(each)]
        return self.merge(with_values)  # type: ignore[no-untyped-call]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # of a worker that is gone by now
        return 0
