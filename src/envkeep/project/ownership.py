"""Whose a path of the project is: the table of the template, ``owners.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from envkeep.errors import ToolError
from envkeep.paths import OWNERS_TABLE

OWNERS = ("template", "yours", "shared", "generated")


@dataclass(frozen=True)
class Owned:
    """A row of the table.

    Attributes:
        path: A path of a project with ``*`` for any name; a folder ends with a slash.
        owner: One of ``OWNERS``.
    """

    path: str
    owner: str

    def means(self, path: str) -> bool:
        """Tell whether the row means a file, given by its path in the project."""
        return means(self.path, path)


def owner_of(path: str) -> str | None:
    """Return whose a file is: one of ``OWNERS``, or None, as for a file that you added.

    Args:
        path: Its path in the project, with slashes. A file that you put into a folder of the
            template counts as the template's.

    Raises:
        ToolError: The table cannot be read.
    """
    return owner_in([*rows(), *retired()], path)


def owner_in(rows: Iterable[Owned], path: str) -> str | None:
    """Return whose a file is by some rows, or None if none of them means it."""
    return next((row.owner for row in rows if row.means(path)), None)


def rows() -> Sequence[Owned]:
    """Return the table, in which no two rows mean the same file.

    Raises:
        ToolError: It cannot be read.
    """
    return _tables()["paths"]


def retired() -> Sequence[Owned]:
    """Return the paths that only earlier releases rendered.

    Raises:
        ToolError: The table cannot be read.
    """
    return _tables()["retired"]


def means(pattern: str, path: str) -> bool:
    """Tell whether a pattern of the table means a file of a project."""
    names, wanted = path.split("/"), pattern.removesuffix("/").split("/")
    deep_enough = len(names) > len(wanted) if pattern.endswith("/") else len(names) == len(wanted)
    return deep_enough and all(map(fnmatchcase, names, wanted))


def parse(text: str | bytes) -> Mapping[str, Sequence[Owned]]:
    """Return the rows of an ``owners.json``, by the names ``paths`` and ``retired``.

    Raises:
        ValueError: The text is damaged.
    """
    try:
        content = json.loads(text)
        return {
            name: [Owned(str(row["path"]), str(row["owner"])) for row in content[name]]
            for name in ("paths", "retired")
        }
    except (KeyError, TypeError) as error:
        raise ValueError(error) from error


@cache
def _tables() -> Mapping[str, Sequence[Owned]]:
    try:
        return parse(OWNERS_TABLE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(
            f"requirements/stack/owners.json cannot be read ({error}); restore it with "
            "`git checkout -- requirements/stack`."
        ) from error
