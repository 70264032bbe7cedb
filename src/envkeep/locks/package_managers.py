"""The package managers that have a lock of their own beside those of the layers."""

from __future__ import annotations

from envkeep.locks.group_lock import GroupLock
from envkeep.locks.poetry_lock import POETRY
from envkeep.locks.uv_lock import UV
from envkeep.project.metadata import package_manager

WITH_GROUPS: tuple[GroupLock, ...] = (UV, POETRY)


def chosen() -> GroupLock | None:
    """Return the lock of the project's package manager, None if the layers' locks are all."""
    return next((each for each in WITH_GROUPS if each.answer == package_manager()), None)


def remove_others() -> None:
    """Take away what was made for the package managers that the project does not have."""
    for each in WITH_GROUPS:
        if each is not chosen():
            each.remove()
