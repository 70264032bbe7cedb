"""Check the leftovers of killed commands, and the locks of other machines."""

from __future__ import annotations

from collections.abc import Iterator

from envkeep.doctor import fixes
from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import OK, WARNING, Finding, NotKnownError


def interrupted(context: DoctorContext) -> Iterator[Finding]:
    """Name environments that are incomplete, or were made for another folder of the project."""
    found = context.leftovers
    if found.half_made and found.busy:
        message = "Another command is making an environment at the moment."
        yield Finding(OK, message, ", ".join(found.half_made))
    elif found.half_made:
        message = (
            "A command was killed while it made an environment; the next one removes the rest."
        )
        yield Finding(
            WARNING, message, ", ".join(found.half_made), "none", fixes.remove_half_made()
        )
    if found.moved:
        message = (
            "The project lay elsewhere when some of its environments were made: they are no use."
        )
        yield Finding(WARNING, message, ", ".join(found.moved), "none", _rm(found.moved))


def other_locks(context: DoctorContext) -> Iterator[Finding]:
    """Name the outdated locks of other machines."""
    if context.locks is None:
        raise NotKnownError
    if others := context.locks.others:
        message = f"The locks of {', '.join(others)} do not fit the requirements."
        yield Finding(WARNING, message, "older", "fresh", "make lock-all")


def _rm(names: tuple[str, ...]) -> str:
    return f"rm -r {' '.join(f'.venvs/{name}' for name in names)}"
