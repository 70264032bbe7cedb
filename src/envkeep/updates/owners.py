"""Whose a path is for an update: what the project's table says, and the coming release's."""

from __future__ import annotations

from dataclasses import dataclass

from envkeep.errors import ToolError
from envkeep.project.ownership import Owned, owner_in, owner_of, parse

YOURS, SHARED, TEMPLATE = "yours", "shared", "template"


@dataclass(frozen=True)
class Owners:
    """The rows of the coming release's table; the project's own is read where it lies."""

    coming: tuple[Owned, ...]

    @classmethod
    def parse(cls, text: bytes) -> Owners:
        """Read the coming release's table.

        Raises:
            ToolError: It is damaged.
        """
        try:
            return cls(tuple(row for rows in parse(text).values() for row in rows))
        except ValueError as error:
            raise ToolError(
                f"the template's requirements/stack/owners.json cannot be read ({error}); "
                "report it to the template's maintainers."
            ) from error

    def of(self, path: str) -> str:
        """Return the owner of a path; a path that is yours in one of the releases is yours."""
        owners = {owner_in(self.coming, path), owner_of(path)} - {None}
        for owner in (YOURS, SHARED):
            if owner in owners:
                return owner
        return TEMPLATE if owners else YOURS
