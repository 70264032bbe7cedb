"""Checks of the project's own files: data that are listed, secrets that git tracks."""

from __future__ import annotations

from collections.abc import Iterator

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding
from envkeep.paths import DATA_MANIFEST, shown

MOST_NAMED = 5
CLOSER = "make lint ARGS=secrets"


def data(context: DoctorContext) -> Iterator[Finding]:
    """Compare the data files with the manifest that is committed."""
    found, name = context.data, shown(DATA_MANIFEST)
    if found is None:
        return
    if found.damaged:
        message = f"{name} cannot be read."
        yield Finding(ERROR, message, "damaged", None, f"git checkout -- {name}")
    if found.missing:
        message = f"{_named(found.missing)} of {name}: not there; make them, or fetch your own."
        yield Finding(WARNING, message, "missing", ", ".join(found.missing), "make data")
    if found.changed:
        message = (
            f"{_named(found.changed)} of {name}: another content than the listed one; restore it, "
            "or accept it if the change is wanted."
        )
        yield Finding(ERROR, message, "changed", "as listed", "make data ARGS=--accept")
    if found.listed and not (found.missing or found.changed or found.damaged):
        compared = "content" if found.hashed else "size"
        yield Finding(
            OK, f"All {found.listed} data files of {name} are there, by their {compared}."
        )


def secrets(context: DoctorContext) -> Iterator[Finding]:
    """Name tracked files that contain secrets."""
    if context.secrets is None:
        return
    for each in context.secrets[:MOST_NAMED]:
        path = each.place.partition(":")[0]
        message = (
            f"{each.place} holds {each.kind}, and git tracks it: make that invalid where it is "
            "valid, then take it out; deleting it alone leaves it in the history."
        )
        yield Finding(ERROR, message, each.place, "no secret", f"git rm --cached -- '{path}'")
    rest = len(context.secrets) - MOST_NAMED
    if rest > 0:
        yield Finding(ERROR, f"{rest} more secrets are in files that git tracks.", remedy=CLOSER)
    if not context.secrets:
        message = f"No secret of a known form is in the tracked files; `{CLOSER}` looks closer."
        yield Finding(OK, message)


def _named(names: tuple[str, ...]) -> str:
    rest = len(names) - MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"
