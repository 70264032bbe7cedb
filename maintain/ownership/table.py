"""The table of owners (ownership/*.yml): what its rows must hold, and whose a path is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from jinja2 import Environment, TemplateSyntaxError
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from envkeep.project.ownership import OWNERS, means
from maintain.errors import MaintainError
from maintain.stack.data import label, load_exporters, load_requirements
from maintain.stack.rows import DirectDependency, ExporterDependency, Part, problem_in

ALWAYS = "always"
FORMER_FLAG = "was_flat"
"""The condition of projects from before kit/."""
SEGMENT = r"[A-Za-z0-9._*-]+"
PATH = re.compile(rf"(?!.*(?:^|/)\.\.?(?:/|$)){SEGMENT}(/{SEGMENT})*/?")


class OwnershipError(MaintainError):
    """What is wrong with the table, in one sentence for the maintainer."""


def _is(meaning: str, fits: Callable[[str], object]) -> AfterValidator:
    def validate(text: str) -> str:
        if not fits(text):
            raise PydanticCustomError("wrong_text", "must {meaning}", {"meaning": meaning})
        return text

    return AfterValidator(validate)


def _is_expression(text: str) -> bool:
    try:
        Environment().compile_expression(text)
    except TemplateSyntaxError:
        return False
    return True


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


Pattern = Annotated[
    str,
    _is("be a path as in a project, with `*` for any name and `/` only between", PATH.fullmatch),
]
Owner = Annotated[str, _is(f"be one of {', '.join(OWNERS)}", OWNERS.__contains__)]
Flag = Annotated[str, _is("be the name of a flag", str.isidentifier)]
Name = Annotated[str, _is("be a name of letters, digits and underscores", str.isidentifier)]
Expression = Annotated[str, _is("be an expression of Jinja", _is_expression)]
Text = Annotated[str, _is("be some text", str.strip)]
Release = Annotated[str, _is("be a version in quotes", _is_version)]


class PathRow(Part):
    """A row of paths.yml."""

    path: Pattern
    owner: Owner
    when: Flag = ALWAYS
    silent: str = ""
    former: Pattern | Sequence[Pattern] = ()
    layout: Flag = ALWAYS

    @model_validator(mode="after")
    def _only_the_templates_are_silent(self) -> Self:
        if self.silent and self.owner != "template":
            raise PydanticCustomError("silent", "`silent` is for files of the template only")
        return self

    @property
    def is_former(self) -> bool:
        """Whether only older projects have the files."""
        return self.layout != ALWAYS

    @property
    def formers(self) -> Sequence[str]:
        """All places where the row's files were before."""
        return [self.former] if isinstance(self.former, str) else self.former

    def means(self, path: str) -> bool:
        """Tell whether the row means a file of a project."""
        return means(self.path, path)


class Condition(Part):
    """A row of conditions.yml."""

    flag: Flag
    test: Expression = Field(alias="if")
    means: Text
    implies: Sequence[Flag] = ()
    brought: Name | None = None
    had: Expression | None = None
    overlay: Name | None = None

    @model_validator(mode="after")
    def _is_read_only_where_it_is_stored(self) -> Self:
        if self.had and not self.brought:
            raise PydanticCustomError("had", "`had` is for conditions with `brought`")
        return self


class AdoptedRow(Part):
    """A row of adopted.yml."""

    path: Pattern

    def covers(self, row: PathRow) -> bool:
        """Tell whether all files of a row are meant."""
        return row.path == self.path or (self.path.endswith("/") and row.path.startswith(self.path))


class RetiredRow(Part):
    """A row of retired.yml."""

    path: Pattern
    owner: Owner
    release: Release

    def means(self, path: str) -> bool:
        """Tell whether the row means a file of a project."""
        return means(self.path, path)


Row = TypeVar("Row", bound=Part)


@dataclass(frozen=True)
class Table:
    """Whose every path is.

    Attributes:
        paths: One row for every path that the template renders, or that commands make.
        conditions: What files and packages depend on.
        retired: What only earlier releases rendered.
        adopted: What is not rendered into a repository that was adopted.
    """

    paths: Sequence[PathRow]
    conditions: Sequence[Condition]
    retired: Sequence[RetiredRow]
    adopted: Sequence[AdoptedRow] = ()

    def row_of(self, path: str) -> PathRow | None:
        """Return the one row that means a file of a project, or None."""
        return next((row for row in self.paths if row.means(path)), None)

    def owner_of(self, path: str) -> str | None:
        """Return whose a file of a project is, or None if no row means it."""
        row = self.row_of(path)
        return row.owner if row else None

    def condition(self, flag: str) -> Condition | None:
        """Return the row about a flag; there is none about ``always``."""
        return next((row for row in self.conditions if row.flag == flag), None)

    @property
    def stored(self) -> dict[str, Condition]:
        """The first condition of every name in `brought`, which decides when that is stored."""
        found: dict[str, Condition] = {}
        for row in self.conditions:
            if row.brought:
                found.setdefault(row.brought, row)
        return found

    def needs(self, row: PathRow, flag: str) -> bool:
        """Tell whether the files of a row exist only when a flag is on."""
        condition = self.condition(row.when)
        return condition is not None and flag in (condition.flag, *condition.implies)

    def is_in_adopted(self, row: PathRow) -> bool:
        """Tell whether the files of a row are rendered into a repository that was adopted."""
        return not any(each.covers(row) for each in self.adopted)

    def rows_of(self, owner: str) -> list[PathRow]:
        """Return the rows of an owner, in order."""
        return [row for row in self.paths if row.owner == owner]


def load_table(root: Path) -> Table:
    """Read the table.

    Args:
        root: The repository.

    Raises:
        OwnershipError: A file or a row is wrong, or rows contradict each other.
    """
    folder = root / "ownership"
    paths = _rows(folder / "paths.yml", PathRow)
    table = Table(
        [*paths, *(former for row in paths for former in _formers(row))],
        _rows(folder / "conditions.yml", Condition),
        _rows(folder / "retired.yml", RetiredRow),
        _rows(folder / "adopted.yml", AdoptedRow),
    )
    for problem in _contradictions(table, root / "stack"):
        raise OwnershipError(problem)
    return table


def _formers(row: PathRow) -> Iterator[PathRow]:
    """Yield a row for each place where files of the kit were before."""
    for path in row.formers:
        yield PathRow(path=path, owner=row.owner, when=row.when, layout=FORMER_FLAG)


def _contradictions(table: Table, stack: Path) -> Iterator[str]:
    yield from _repeated_conditions(table)
    yield from _unknown_flags(table, stack)
    yield from _split_by_adoption(table)
    for (number, row), (other, later) in combinations(enumerate(table.paths, start=1), 2):
        if overlap(row.path, later.path):
            yield (
                f"ownership/paths.yml row {other}: {later.path} means files that row {number}, "
                f"{row.path}, means; every file has one row."
            )
    for number, gone in enumerate(table.retired, start=1):
        if any(row.path == gone.path for row in table.paths):
            yield (
                f"ownership/retired.yml row {number}: {gone.path} is in paths.yml, so it is not "
                "retired; give the new file another name."
            )


def _split_by_adoption(table: Table) -> Iterator[str]:
    for number, each in enumerate(table.adopted, start=1):
        meant = [row for row in table.paths if overlap(each.path, row.path)]
        if not meant:
            yield f"ownership/adopted.yml row {number}: no row of paths.yml is in {each.path}."
        for row in meant:
            if not each.covers(row):
                yield (
                    f"ownership/adopted.yml row {number}: {each.path} means only some files of "
                    f"{row.path}; a row of paths.yml is wholly in an adopted project or not at all."
                )


def _repeated_conditions(table: Table) -> Iterator[str]:
    for key in ("flag", "overlay"):
        named = [getattr(row, key) for row in table.conditions]
        for number, name in enumerate(named, start=1):
            if name is not None and name in (ALWAYS, *named[: number - 1]):
                yield f"ownership/conditions.yml row {number}: {key} {name} is there already."
    for number, row in enumerate(table.conditions, start=1):
        if row.had and table.stored[str(row.brought)] is not row:
            yield (
                f"ownership/conditions.yml row {number}: `had` belongs into the first row with "
                f"brought {row.brought}."
            )


def _unknown_flags(table: Table, stack: Path) -> Iterator[str]:
    flags = [ALWAYS, *(row.flag for row in table.conditions)]
    known = ", ".join(flags)
    for number, condition in enumerate(table.conditions, start=1):
        for flag in condition.implies:
            if flag not in flags:
                yield f"ownership/conditions.yml row {number}: there is no flag {flag} to imply."
    for number, row in enumerate(table.paths, start=1):
        condition_of_row = table.condition(row.when)
        if row.when not in flags:
            yield f"ownership/paths.yml row {number}: `when` must be one of {known}."
        elif row.layout not in flags:
            yield f"ownership/paths.yml row {number}: `layout` must be one of {known}."
        elif row.owner == "yours" and condition_of_row and not condition_of_row.brought:
            yield (
                f"ownership/paths.yml row {number}: {row.path} is yours when {row.when}, so "
                "the row of that condition must name what is `brought`."
            )
    packages: Mapping[str, Sequence[DirectDependency | ExporterDependency]] = {
        "requirements.yml": load_requirements(stack),
        "exporters.yml": load_exporters(stack),
    }
    for name, rows in packages.items():
        for number, package in enumerate(rows, start=1):
            if package.when not in flags:
                yield f"stack/{name} row {number}: `when` must be one of {known}."


def overlap(pattern: str, other: str) -> bool:
    """Tell whether one file could be meant by two patterns."""
    names, others = pattern.removesuffix("/").split("/"), other.removesuffix("/").split("/")
    shorter, longer = sorted((names, others), key=len)
    if len(shorter) < len(longer) and not (pattern if shorter is names else other).endswith("/"):
        return False
    return all(
        fnmatchcase(name, another) or fnmatchcase(another, name)
        for name, another in zip(shorter, longer, strict=False)
    )


def _rows(path: Path, kind: type[Row]) -> list[Row]:
    found = []
    for number, row in enumerate(_list(path), start=1):
        try:
            found.append(kind.model_validate(row))
        except ValidationError as error:
            raise OwnershipError(
                f"{label(path)} row {number}: {problem_in(error, kind)}."
            ) from None
    return found


def _list(path: Path) -> list[Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OwnershipError(f"{label(path)}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise OwnershipError(f"{label(path)}: is not valid YAML: {reason}.") from None
    if not isinstance(content, list):
        raise OwnershipError(f"{label(path)}: must be a list of rows.")
    return content
