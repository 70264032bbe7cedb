"""Look up the owner of a path in the template's table, ``owners.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from envkeep.errors import ToolError
from envkeep.paths import OWNERS_TABLE

TEMPLATE, YOURS, SHARED, GENERATED = OWNERS = ("template", "yours", "shared", "generated")


@dataclass(frozen=True)
class Owned:
    """A row of the table.

    Attributes:
        path: A path of a project with ``*`` for any name; a folder ends with a slash.
        owner: One of ``OWNERS``.
    """

    path: str
    owner: str


@dataclass(frozen=True)
class Owners:
    """The table of one release: what it renders, then what only earlier releases rendered."""

    rows: tuple[Owned, ...]

    @classmethod
    def parse(cls, text: bytes) -> Owners:
        """Read ``owners.json``.

        Raises:
            ValueError, KeyError, TypeError: the text is not such a table.
        """
        tables = json.loads(text)
        rows = [row for name in ("paths", "retired") for row in tables[name]]
        return cls(tuple(Owned(str(row["path"]), str(row["owner"])) for row in rows))

    def of(self, path: str) -> str | None:
        """Return the owner of a file: one of ``OWNERS``, or None, as for a file that you added.

        Args:
            path: Its path in the project, with slashes. A file that you put into a folder of the
                template counts as the template's.
        """
        return next((row.owner for row in self.rows if means(row.path, path)), None)


def owner_of(path: str) -> str | None:
    """Return the owner of a file of the project, as ``Owners.of`` does.

    Raises:
        ToolError: the project's table cannot be read.
    """
    return _present().of(path)


def owner_in_update(path: str, coming: Owners) -> str:
    """Return the owner of a path for an update: what is yours in either release is yours.

    Args:
        path: Its path in the project.
        coming: The table of the release that the project will have.

    Raises:
        ToolError: the project's table cannot be read.
    """
    owners = {coming.of(path), owner_of(path)} - {None}
    for owner in (YOURS, SHARED):
        if owner in owners:
            return owner
    return TEMPLATE if owners else YOURS


def means(pattern: str, path: str) -> bool:
    """Tell whether a pattern of the table matches a file of a project."""
    names, wanted = path.split("/"), pattern.removesuffix("/").split("/")
    deep_enough = len(names) > len(wanted) if pattern.endswith("/") else len(names) == len(wanted)
    return deep_enough and all(map(fnmatchcase, names, wanted))


@cache
def _present() -> Owners:
    try:
        return Owners.parse(OWNERS_TABLE.read_bytes())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolError(
            f"requirements/stack/owners.json cannot be read ({error}); "
            "restore it with `git checkout -- requirements/stack`."
        ) from error
