"""Check that git runs the project's checks at every commit."""

from __future__ import annotations

from collections.abc import Iterator

from envkeep.doctor import fixes
from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import WARNING, Finding


def installed(context: DoctorContext) -> Iterator[Finding]:
    """Warn of a clone in which nobody installed git's hooks."""
    if context.lacks_hooks:
        message = "git does not run the project's checks at a commit: its hooks are not installed."
        yield Finding(WARNING, message, "no hook", "pre-commit", fixes.install_hooks())
