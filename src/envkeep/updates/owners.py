"""Whose a path is for an update: what the project's table says, and the coming release's."""

from __future__ import annotations

import json
from dataclasses import dataclass

from envkeep.errors import ToolError
from envkeep.project.ownership import Owned, owner_of

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
            tables = json.loads(text)
            rows = [row for name in ("paths", "retired") for row in tables[name]]
            return cls(tuple(Owned(str(row["path"]), str(row["owner"])) for row in rows))
        except (ValueError, KeyError, TypeError) as error:
            raise ToolError(
                f"the template's requirements/stack/owners.json cannot be read ({error}); "
                "report it to the template's maintainers."
            ) from error

    def of(self, path: str) -> str:
        """Return the owner of a path; a path that is yours in one of the releases is yours."""
        coming = next((row.owner for row in self.coming if row.means(path)), None)
        owners = {coming, owner_of(path)} - {None}
        for owner in (YOURS, SHARED):
            if owner in owners:
                return owner
        return TEMPLATE if owners else YOURS
