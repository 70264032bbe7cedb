# Owned by the template: every update rewrites this file. Your own handlers: logging in serving.py.
"""One line of JSON for every request and event, with nothing of what was sent or answered."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LOG = logging.getLogger(__package__)
_FACTS = "facts"


class JsonLines(logging.Formatter):
    """Write a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; of an exception it has the kind and the places, not the words."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FACTS, {}),
        }
        if record.exc_info and record.exc_info[1]:
            line |= places(record.exc_info[1])
        return json.dumps(line)


def places(error: BaseException) -> dict[str, Any]:
    """Return the kind of an error and where it came from: its words could hold a payload."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def log(event: str, facts: Mapping[str, Any], level: int = logging.INFO) -> None:
    """Write an event with its facts."""
    LOG.log(level, event, extra={_FACTS: dict(facts)})


def write_lines() -> None:
    """Let this process write its log, and uvicorn's, to the standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    for name, level in ((LOG.name, logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
