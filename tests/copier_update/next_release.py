"""A release that changes every file of the template: the hardest for edits to survive."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from tests.support.copier_runs import NEWEST, git, release

NEWS = "Changed in the next release."
NEW_PAGE = "docs/new.md"
RETIRED_PAGE = "docs/hardware.md"
NEW_TEXT = "<!-- Owned by the template: every update rewrites this file. -->\n# New\n"
UNCHANGED = ("py.typed", ".python-version", "owners.json", "catalog.json", "*.whl")
"""One line or none, or data without a place for a comment."""


def release_next(template: Path) -> None:
    """Release one line more in every file, a page more and a page less.

    Args:
        template: A staged template; its work tree is changed and released as the newest.
    """
    files = template / "template"
    for name in git(files, "ls-files", "-z").rstrip("\0").split("\0"):
        _add_a_line(files / name)
    (files / NEW_PAGE).write_text(NEW_TEXT, encoding="utf-8")
    (files / f"{RETIRED_PAGE}.jinja").unlink()
    _rename_envkeep(files / "requirements" / "stack")
    release(template, NEWEST)


def _add_a_line(path: Path) -> None:
    name = path.name.removesuffix(".jinja")
    if any(fnmatch(name, pattern) for pattern in UNCHANGED) or "_copier_conf" in name:
        return
    if name.endswith(".json"):
        line = f'  "news": "{NEWS}",'
    elif name.endswith(".md"):
        line = f"<!-- {NEWS} -->"
    else:
        line = f"# {NEWS}"
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text("\n".join([first, line, rest]), encoding="utf-8")


def _rename_envkeep(stack: Path) -> None:
    """Bring envkeep under another file name, as each of its versions does."""
    (wheel,) = (stack / "wheels").glob("envkeep-*.whl")
    _, version, rest = wheel.name.split("-", 2)
    wheel.rename(wheel.with_name(f"envkeep-{NEWEST}-{rest}"))
    hashes = stack / "envkeep.txt"
    text = hashes.read_text(encoding="utf-8")
    hashes.write_text(text.replace(f"envkeep=={version}", f"envkeep=={NEWEST}"), encoding="utf-8")
