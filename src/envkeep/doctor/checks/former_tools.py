"""Check for places that still name ``tools/``, which ``keep.py`` replaced."""

from __future__ import annotations

from collections.abc import Iterator

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import WARNING, Finding
from envkeep.project.former_tools import sentence


def names(context: DoctorContext) -> Iterator[Finding]:
    """Name the places that use or describe the old way."""
    found = context.former_names
    if found:
        yield Finding(WARNING, sentence(found), found[0].former, found[0].instead)
