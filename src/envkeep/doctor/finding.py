"""What a check finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

OK, WARNING, ERROR, SKIPPED = "ok", "warning", "error", "skipped"


@dataclass(frozen=True)
class Finding:
    """One thing that is right or wrong on this machine.

    Attributes:
        status: ``ok``, ``warning``, ``error`` or ``skipped``; only errors make the doctor fail.
        message: One sentence.
        found: What is there, if it can be named.
        expected: What should be there.
        command: What mends it, if a command can.
        group: The group of checks that found it.
        check: The check that found it.
    """

    status: str
    message: str
    found: str | None = None
    expected: str | None = None
    command: str | None = None
    group: str = ""
    check: str = ""

    def as_row(self) -> dict[str, str | None]:
        """Return it as it stands in JSON, the check first."""
        row = asdict(self)
        return {name: row.pop(name) for name in ("group", "check")} | row


class NotKnownError(Exception):
    """What a check needs to know could not be found out; another finding says why."""
