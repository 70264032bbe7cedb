"""The links in the project's folder that point at the active environments."""

from __future__ import annotations

import sys
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.paths import shown


def point(link: Path, target: Path) -> None:
    """Make a link point at a folder, in one step.

    Raises:
        ToolError: A folder or a file is in the link's place.
    """
    require_free(link)
    if sys.platform == "win32":
        _point_junction(link, target)
        return
    fresh = link.with_name(f"{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.relative_to(link.parent), target_is_directory=True)
    fresh.replace(link)


def out_of_the_way(link: Path) -> str:
    """Return the command that moves away a path that is no link of envkeep's, or nothing."""
    if is_link(link) or not link.exists():
        return ""
    names = (f"{link.name}-old", *(f"{link.name}-old-{number}" for number in range(2, 1000)))
    free = next(name for name in names if not link.with_name(name).exists())
    return f"mv {shown(link)} {shown(link.with_name(free))}"


def require_free(link: Path) -> None:
    """Refuse to replace a path that is no link.

    Raises:
        ToolError: A folder or a file is in the link's place.
    """
    if move := out_of_the_way(link):
        raise ToolError(
            f"{shown(link)} is not a link that envkeep made; move it away (`{move}`) and run the "
            "command again."
        )


def is_link(path: Path) -> bool:
    """Tell whether a path is a link, or a junction on Windows."""
    if sys.platform == "win32":
        return path.exists() and bool(path.lstat().st_reparse_tag)
    return path.is_symlink()


if sys.platform == "win32":

    def _point_junction(link: Path, target: Path) -> None:
        """Replace a junction, which needs no rights that symbolic links need on Windows."""
        import _winapi

        if link.exists():
            link.rmdir()
        _winapi.CreateJunction(str(target), str(link))
