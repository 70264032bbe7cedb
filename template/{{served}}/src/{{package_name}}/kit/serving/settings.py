# Owned by the template: every update rewrites this file. Change values by the environment.
"""How the model is served: each setting is an environment variable, SERVING_PORT and so on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import ConfigError

PREFIX = "SERVING_"


@dataclass(frozen=True)
class ServingSettings:
    """What can be set; docs/serving.md lists it.

    Attributes:
        host: The address that is listened to; 0.0.0.0 is every one of the machine.
        port: The port; 0 takes a free one.
        workers: Processes, each with the model in its memory.
        threads: Threads that the runtime computes with in each of them; 0 lets it choose.
        max_batch: Examples that the model computes at once, and the most in one request.
        max_waiting: Examples that may wait in each worker. One more is refused.
        max_body: The most bytes of a request.
        timeout: Seconds for receiving a request, and again for answering it.
        drain: Seconds between SIGTERM and the end. All is answered in them, but each answer closes
            its connection, and /health/ready says that other servers should be asked.
        grace: Seconds that accepted requests have after that.
        candidate: Folder of a second model, which answers a share of the requests; empty: none.
        candidate_share: Of the requests, 0 to 1.
        drift_window: Examples of each worker that are compared with those of training.
        api_key: What clients must send; empty lets everybody ask.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int = 0
    max_batch: int = 32
    max_waiting: int = 256
    max_body: int = 1_000_000
    timeout: float = 30.0
    drain: float = 1.0
    grace: float = 30.0
    candidate: str = ""
    candidate_share: float = 0.1
    drift_window: int = 1000
    api_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not math.isfinite(value) or value < least:
                raise ConfigError(f"{PREFIX}{name.upper()} must be at least {least}, not {value}.")
        if self.candidate_share > 1:
            share = self.candidate_share
            raise ConfigError(f"{PREFIX}CANDIDATE_SHARE must be at most 1, not {share}.")
        if self.port > _LAST_PORT:
            raise ConfigError(f"{PREFIX}PORT must be at most {_LAST_PORT}, not {self.port}.")


_LEAST = {
    "port": 0,
    "workers": 1,
    "threads": 0,
    "max_batch": 1,
    "max_waiting": 1,
    "max_body": 1,
    "timeout": 0.001,
    "drain": 0,
    "grace": 0,
    "candidate_share": 0,
    "drift_window": 10,
}
_LAST_PORT = 65535


def read_settings(environment: Mapping[str, str], **given: Any) -> ServingSettings:
    """Return the settings of the environment; what is given and not None comes first.

    Raises:
        ConfigError: A value is no number, or out of its range.
    """
    values: dict[str, Any] = {}
    for each in fields(ServingSettings):
        text = environment.get(f"{PREFIX}{each.name.upper()}", "")
        if text:
            values[each.name] = _parsed(each.name, text, type(each.default))
    values |= {name: value for name, value in given.items() if value is not None}
    return ServingSettings(**values)


def _parsed(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise ConfigError(f"{PREFIX}{name.upper()} must be a number, not {text!r}.") from error
