"""Result of a command: one object for people, for programs and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""The exit codes of every command that reports."""


class Result(NamedTuple):
    """The result of a command, not printed yet.

    It is no dataclass, whose import takes a third of the time of `make`.

    Attributes:
        data: What ``--json`` prints: lists, dictionaries, texts, numbers.
        lines: What people read.
        exit_code: 0 if the command did what it was asked for.
        error: Why it did not, and what to do, in one sentence.
    """

    data: Any = None
    lines: Sequence[str] = ()
    exit_code: int = DONE
    error: str = ""

    @classmethod
    def failed(cls, error: str, data: Any = None, lines: Sequence[str] = ()) -> Result:
        """Return the result of a command that failed."""
        return cls(data, lines, FAILED, error)
