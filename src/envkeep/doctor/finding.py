"""Findings of checks, and the commands that fix them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

OK, WARNING, ERROR, SKIPPED = "ok", "warning", "error", "skipped"


@dataclass(frozen=True)
class Fix:
    """A command that ``doctor --fix`` may run: it deletes and overwrites nothing of the user's.

    Attributes:
        command: What people type in the project's folder; two fixes with one command are the same.
        effect: What it does, in a few words.
        apply: Does it; raises ToolError if that fails.
    """

    command: str
    effect: str = field(compare=False)
    apply: Callable[[], None] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Finding:
    """One finding about this machine: right or wrong.

    Attributes:
        status: ``ok``, ``warning``, ``error`` or ``skipped``; only errors make the doctor fail.
        message: One sentence.
        found: What is there, if it can be named.
        expected: What should be there.
        remedy: The command that only the user may run, or the fixes, one after the other.
        group: The group of checks that found it.
        check: The identifier of the check that found it.
    """

    status: str
    message: str
    found: str | None = None
    expected: str | None = None
    remedy: str | tuple[Fix, ...] | None = None
    group: str = ""
    check: str = ""

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """What ``doctor --fix`` does about it, in this order; nothing if that is the user's."""
        return self.remedy if isinstance(self.remedy, tuple) else ()

    @property
    def command(self) -> str | None:
        """The command line that fixes it, or None."""
        return typed(self.remedy) or None

    def as_row(self) -> dict[str, str | bool | None]:
        """Return the JSON form."""
        return {
            "group": self.group,
            "check": self.check,
            "status": self.status,
            "message": self.message,
            "found": self.found,
            "expected": self.expected,
            "command": self.command,
            "fixable": bool(self.fixes),
        }


def typed(remedy: str | tuple[Fix, ...] | None) -> str:
    """Return a fix as one command line."""
    if isinstance(remedy, tuple):
        return " && ".join(fix.command for fix in remedy)
    return remedy or ""


class NotKnownError(Exception):
    """The context of a check is missing; another finding says why."""
