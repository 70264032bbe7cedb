"""Render what follows from the table of owners, ownership/*.yml.

These are hidden questions and Copier's settings (questions/90-made-from-ownership.yml), the page
about owners (docs/reference/owners.md) and the table as projects read it
(template/requirements/stack/owners.json.jinja).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from maintain.ownership.questions import render_questions
from maintain.ownership.table import (
    ALWAYS,
    FORMER_FLAG,
    Condition,
    PathRow,
    RetiredRow,
    Table,
    load_table,
)

NEVER_PART = (
    "*.py[co]",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".DS_Store",
    "*~",
)
COPIER_FILE = Path("questions/90-made-from-ownership.yml")
"""The hidden questions and the settings that Copier reads."""

UPDATE = "_copier_operation == 'update'"

SETTINGS_INTRODUCTION = """\

# What a project does not get, and what an update leaves alone.
#
# An update renders these lines with the answers of the project's old release too. A flag that the
# old release did not have counts as on there: that release decides itself which files it has, and
# what is yours is left out of both sides. Where the old release did not know `adopted`, the project
# was not adopted.
"""
ABOUT_YOURS = "Yours: no update touches them or brings back what you deleted"
ABOUT_YOURS_LATER = "Yours {means}: the same, once a copy or an update has brought them"
ADOPTED = "adopted | default(false)"
OWN_DOCS = "own_docs | default(false)"
ABOUT_ADOPTED = "What an adopted repository has of its own"
ABOUT_RETIRED = "Yours, from earlier releases: they stay as they are"
ABOUT_SKIPPED = "  # Yours: also a copy into a folder that has them leaves them alone"

PAGE_INTRODUCTION = """\
<!-- Made by scripts/ownership.py from ownership/*.yml; do not edit. -->
# Who owns which file

Every file that the template can render stands in one of these tables; any other file in a project
is yours. A path that ends with a slash means all that is in the folder, `*` means any name. In a
project, `requirements/stack/owners.json` has the rows that hold there.
[Update a project](../how-to/update-a-project.md) says what an update does;
[decision 5](../decisions/0005-who-owns-a-file.md) says why."""
ABOUT_OWNER = {
    "template": (
        "The template's",
        "Every update rewrites them. The first line of each says so and names the place for your\n"
        "own lines; where the file cannot, the table says why.",
    ),
    "shared": (
        "Shared",
        "A fence of three lines that neither side edits parts the template's lines, above it,\n"
        "from yours.",
    ),
    "yours": (
        "Yours",
        "Written by the first copy, or by the update with which the condition comes to hold.\n"
        "After that no update touches them, brings back what you deleted, or removes them when\n"
        "the condition holds no longer. A copy into a folder that has such a file leaves it alone.",
    ),
    "generated": ("Generated", "Made by the project's commands; the template never renders them."),
}
ABOUT_FORMER_PAGE = """\
Files of these projects import what the template owns from where it was then. A module at each of
these places stands for the one that is in `kit/` now
([decision 17](../decisions/0017-the-kit.md)). Both exist on the same condition. Newer projects have
none of these. Those with the path of today, but for `kit/`:"""
ABOUT_COMMANDS_PAGE = """\
These projects, and all others that were made before the kit had commands, look for commands in
`commands/` alone. What an update brings there stands for the command in `kit/commands/`; a file
that the project has already stays its own:"""
ABOUT_ADOPTED_PAGE = """\
A project that was [adopted](../how-to/adopt-a-project.md) has these of its own. The template
renders none of them there, whatever the tables above say, and every file in them is yours:"""
ABOUT_RETIRED_PAGE = """\
Paths that only earlier releases rendered. What was yours or shared stays in the projects that have
it; what was the template's goes with the update."""
ABOUT_DATA = (
    "Owned by the template: every update rewrites this file. "
    "It says whose the files of a project are."
)


def render_copier(table: Table) -> str:
    """Return what Copier reads: hidden questions, then ``_exclude`` and ``_skip_if_exists``."""
    return f"{render_questions(table)}{_settings(table)}"


def _settings(table: Table) -> str:
    blocks = [
        _block("Never part of a project", NEVER_PART),
        *(_only_when(table, condition) for condition in table.conditions),
        _block(
            ABOUT_ADOPTED,
            (*(_if(ADOPTED, row.path) for row in table.adopted), _if(OWN_DOCS, "docs/")),
        ),
        *_left_alone_by_updates(table),
        _block(ABOUT_RETIRED, (_root(row.path) for row in _kept(table.retired))),
    ]
    skipped = [f'  - "{_root(row.path)}"' for row in table.rows_of("yours")]
    skip = "\n".join(["_skip_if_exists:", ABOUT_SKIPPED, *skipped])
    exclude = "\n\n".join(["_exclude:", *filter(None, blocks)]).replace("\n\n", "\n", 1)
    return f"{SETTINGS_INTRODUCTION}{exclude}\n\n{skip}\n"


def render_page(table: Table) -> str:
    """Return the text of ``docs/reference/owners.md``."""
    parts = [PAGE_INTRODUCTION]
    for owner, (title, about) in ABOUT_OWNER.items():
        rows = [row for row in table.rows_of(owner) if not _is_of_before(table, row)]
        parts += [f"## {title}", about, _existences(table, rows)]
    parts += ["## Projects from before kit/", *_former_places(table)]
    adopted = ", ".join(f"`{row.path}`" for row in table.adopted)
    parts += ["## Adopted projects", ABOUT_ADOPTED_PAGE, f"{adopted}."]
    retired = [(f"`{row.path}`", row.owner, row.release) for row in table.retired]
    found = _markdown(("path", "owner", "gone since"), retired) if retired else "None so far."
    parts += ["## Retired", ABOUT_RETIRED_PAGE, found]
    return "\n\n".join(parts) + "\n"


def render_data(table: Table) -> str:
    """Return ``requirements/stack/owners.json.jinja``: the rows that hold in a project.

    A file where only other projects have one of the template's is the project's own.
    """
    paths = sorted(table.paths, key=lambda row: not _holds_if(row))
    lines = [
        f'{{"about": {json.dumps(ABOUT_DATA)},',
        '"paths": [',
        *_data_of(paths),
        "],",
        '"retired": [',
        *_data_of(table.retired),
        "]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _data_of(rows: Sequence[PathRow | RetiredRow]) -> Iterator[str]:
    """Yield the lines of a list; the last row has no condition and no comma."""
    for test, group in groupby(rows, _holds_if):
        lines = [f"  {json.dumps({'path': row.path, 'owner': row.owner})}," for row in group]
        if test:
            yield from [f"{{% if {test} %}}", *lines, "{% endif %}"]
        else:
            yield from [*lines[:-1], lines[-1].removesuffix(",")]


def _holds_if(row: PathRow | RetiredRow) -> str:
    """Return Jinja's test for the projects in which a row holds; empty: in all."""
    if isinstance(row, RetiredRow):
        return ""
    flags = [flag for flag in (row.when, row.layout) if flag != ALWAYS]
    return " and ".join(f"flags.{flag}" for flag in flags)


MADE: Mapping[Path, Callable[[Table], str]] = {
    COPIER_FILE: render_copier,
    Path("docs/reference/owners.md"): render_page,
    Path("template/requirements/stack/owners.json.jinja"): render_data,
}
"""What is written, and by which function."""


def render_files(root: Path) -> dict[Path, str]:
    """Return the text of everything that is written.

    Raises:
        OwnershipError: The table is wrong.
    """
    table = load_table(root)
    return {path: render(table) for path, render in MADE.items()}


def _only_when(table: Table, condition: Condition) -> str:
    """Exclude what exists on a condition; whole folders where that holds for all in them."""
    rows = [row for row in _rendered(table) if row.when == condition.flag]
    paths = _folded(rows, table, lambda row: table.needs(row, condition.flag))
    paths = paths or _folders_of_several(table, condition)
    test = f"not flags.{condition.flag} | default(true)"
    return _block(f"Only {condition.means}", (_if(test, path) for path in paths))


def _folders_of_several(table: Table, condition: Condition) -> list[str]:
    """Return the folders whose files need a condition, though by none of them it is named."""
    rows = [row for row in _rendered(table) if table.needs(row, condition.flag)]
    folders = [path for path in _folded_alike(rows, table) if path.endswith("/")]
    return [
        folder
        for folder in folders
        if len({row.when for row in rows if row.path.startswith(folder)}) > 1
    ]


def _left_alone_by_updates(table: Table) -> Iterator[str]:
    always = [row for row in table.rows_of("yours") if row.when == ALWAYS]
    yield _block(ABOUT_YOURS, (_if(UPDATE, path) for path in _folded_alike(always, table)))
    for condition in filter(lambda each: each.brought, table.conditions):
        rows = [row for row in table.rows_of("yours") if row.when == condition.flag]
        test = f"{UPDATE} and flags.had_{condition.brought} | default(true)"
        about = ABOUT_YOURS_LATER.format(means=condition.means)
        yield _block(about, (_if(test, path) for path in _folded_alike(rows, table)))


def _folded_alike(rows: Sequence[PathRow], table: Table) -> list[str]:
    return _folded(rows, table, rows.__contains__)


def _folded(rows: Iterable[PathRow], table: Table, belongs: Callable[[PathRow], bool]) -> list[str]:
    """Return the paths of rows, or the highest folder in which every row belongs to them.

    Copier would make the folder of an excluded file, and leave it empty.
    """
    found = []
    for row in rows:
        names = row.path.removesuffix("/").split("/")
        folders = ["/".join(names[:count]) + "/" for count in range(1, len(names))]
        whole = (
            folder
            for folder in folders
            if all(belongs(other) for other in _rendered(table) if other.path.startswith(folder))
        )
        found.append(next(whole, row.path))
    return list(dict.fromkeys(found))


def _rendered(table: Table) -> list[PathRow]:
    return [row for row in table.paths if row.owner != "generated"]


def _kept(retired: Iterable[RetiredRow]) -> list[RetiredRow]:
    return [row for row in retired if row.owner in ("yours", "shared")]


def _if(test: str, path: str) -> str:
    return f"{{% if {test} %}}{_root(path)}{{% endif %}}"


def _root(path: str) -> str:
    """Return a path as a pattern that holds for the project's root alone."""
    return f"/{path.removesuffix('/')}"


def _block(about: str, patterns: Iterable[str]) -> str:
    lines = [f'  - "{pattern}"' for pattern in patterns]
    return "\n".join([f"  # {about}", *lines]) if lines else ""


def _existence(table: Table, row: PathRow) -> str:
    condition = table.condition(row.when)
    there = condition.means if condition else "always"
    return f"{there}; {row.silent}" if row.silent else there


def _existences(table: Table, rows: Iterable[PathRow]) -> str:
    cells = ((f"`{row.path}`", _existence(table, row)) for row in rows)
    return _markdown(("path", "there"), cells)


def _is_of_before(table: Table, row: PathRow) -> bool:
    return row.is_former or table.needs(row, FORMER_FLAG)


def _former_places(table: Table) -> list[str]:
    """Return a list of the places, and tables of those that say more than a path without kit/."""
    places = [(former, row.path) for row in table.paths for former in row.formers]
    plain = [former for former, path in places if former == path.replace("/kit/", "/")]
    others = [(f"`{former}`", f"`{path}`") for former, path in places if former not in plain]
    moved = {former for former, _ in places}
    alone = [row for row in table.paths if row.layout == FORMER_FLAG and row.path not in moved]
    commands = [row for row in table.paths if row.layout not in (ALWAYS, FORMER_FLAG)]
    bridges = [row for row in table.paths if not row.is_former and _is_of_before(table, row)]
    return [
        ABOUT_FORMER_PAGE,
        f"{', '.join(f'`{former}`' for former in plain)}.",
        _markdown(("those with another path", "stand for"), others),
        "What the kit has no file for:",
        _existences(table, alone),
        "The project's own training code, for commands that an update brings:",
        _existences(table, bridges),
        ABOUT_COMMANDS_PAGE,
        _existences(table, commands),
    ]


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
