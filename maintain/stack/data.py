"""Read the stack release's data files (stack/*.yml) and refuse what is wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import yaml
from packaging.version import Version
from pydantic import ValidationError

from maintain.errors import MaintainError
from maintain.stack.rows import (
    Action,
    Backend,
    Build,
    Companion,
    DirectDependency,
    ExporterDependency,
    Extra,
    Framework,
    Gpu,
    Image,
    NamedIndex,
    OfferedPackage,
    Part,
    Platform,
    PythonRow,
    Release,
    ReservedNames,
    Runner,
    Runtime,
    Source,
    problem_in,
)

Row = TypeVar("Row", bound=Part)
MAY_BE_EMPTY = ("indexes.yml",)


class StackError(MaintainError):
    """The stack's data or its refresh failed; the message is one sentence for the maintainer."""


def load_release(stack: Path) -> Release:
    """Read release.yml.

    Args:
        stack: The folder with the data files.

    Raises:
        StackError: The file is missing, is no YAML list of exactly one row, or the row is wrong.
    """
    path = stack / "release.yml"
    rows = _rows(path, Release)
    if len(rows) != 1:
        raise StackError(f"{label(path)}: holds {len(rows)} rows; one release is one row.")
    return rows[0]


def load_pythons(stack: Path) -> list[str]:
    """Read pythons.yml: the CPython minors, such as "3.12", newest first.

    Raises:
        StackError: The file or a row is wrong, or the rows are not in order.
    """
    path = stack / "pythons.yml"
    versions = [row.version for row in _rows(path, PythonRow)]
    for number, (newer, older) in enumerate(pairwise(versions), start=2):
        if Version(older) >= Version(newer):
            raise StackError(
                f"{label(path)} row {number}: {older} comes after {newer}; "
                "list every version once, newest first."
            )
    return versions


def load_requirements(stack: Path) -> list[DirectDependency]:
    """Read requirements.yml.

    Raises:
        StackError: The file or a row is wrong, a layer lists a package twice, or a layer comes
            after a later one.
    """
    path = stack / "requirements.yml"
    found = _rows(path, DirectDependency)
    everywhere = [f"{row.name} in {row.layer}" for row in found if row.is_everywhere]
    refuse_repeats(path, everywhere, "package")
    for number, (before, after) in enumerate(pairwise(found), start=2):
        if after.layer < before.layer:
            raise StackError(
                f"{label(path)} row {number}: layer {after.layer} comes after {before.layer}; "
                "list the layers in the order of their names."
            )
    return found


def load_exporters(stack: Path) -> list[ExporterDependency]:
    """Read exporters.yml.

    Raises:
        StackError: The file or a row is wrong, an exporter lists a package twice, or is there for
            two reasons.
    """
    path = stack / "exporters.yml"
    found = _rows(path, ExporterDependency)
    refuse_repeats(path, [f"{each.name} in {each.exporter}" for each in found], "package")
    reasons: dict[str, str] = {}
    for number, row in enumerate(found, start=1):
        if row.when != reasons.setdefault(row.exporter, row.when):
            raise StackError(
                f"{label(path)} row {number}: all rows of {row.exporter} must have the same `when`."
            )
    return found


def load_offered(stack: Path) -> list[OfferedPackage]:
    """Read offered.yml.

    Raises:
        StackError: The file or a row is wrong, or lists a package twice.
    """
    path = stack / "offered.yml"
    found = _rows(path, OfferedPackage)
    refuse_repeats(path, [each.package for each in found], "package")
    return found


def load_reserved_names(stack: Path) -> list[str]:
    """Return the names that a new project's package cannot have.

    These are the names of reserved_names.yml, and what the packages of requirements.yml are
    imported as where that follows from their names.

    Raises:
        StackError: The file is wrong, an entry is no name, or a name is listed twice.
    """
    path = stack / "reserved_names.yml"
    names = [name for row in _rows(path, ReservedNames) for name in row.names]
    refuse_repeats(path, names, "name")
    packages = (row.name.replace("-", "_") for row in load_requirements(stack))
    return list(dict.fromkeys([*names, *packages]))


def load_sources(stack: Path) -> list[Source]:
    """Read sources.yml.

    Raises:
        StackError: The file or a row is wrong, or an id is listed twice.
    """
    return _unique(stack / "sources.yml", Source, "id")


def load_platforms(stack: Path) -> list[Platform]:
    """Read platforms.yml.

    Raises:
        StackError: The file or a row is wrong, or a platform is listed twice.
    """
    return _unique(stack / "platforms.yml", Platform, "platform")


def load_backends(stack: Path) -> list[Backend]:
    """Read backends.yml.

    Raises:
        StackError: The file or a row is wrong, or a backend is listed twice.
    """
    return _unique(stack / "backends.yml", Backend, "backend")


def load_builds(stack: Path) -> list[Build]:
    """Read builds.yml.

    Raises:
        StackError: The file or a row is wrong, or a build is listed twice.
    """
    return _unique(stack / "builds.yml", Build, "build")


def load_gpus(stack: Path) -> list[Gpu]:
    """Read gpus.yml.

    Raises:
        StackError: The file or a row is wrong, or a generation is listed twice.
    """
    return _unique(stack / "gpus.yml", Gpu, "generation")


def load_images(stack: Path) -> list[Image]:
    """Read images.yml.

    Raises:
        StackError: The file or a row is wrong, an image is listed twice for a Python, or a base of
            Python programs is not there for a Python that the template offers.
    """
    path = stack / "images.yml"
    rows = _rows(path, Image)
    refuse_repeats(path, [f"{row.image} for Python {row.python}" for row in rows], "image")
    for name in dict.fromkeys(row.image for row in rows if row.python):
        for python in offered_pythons(load_pythons(stack)):
            if not any(row.image == name and row.python == python for row in rows):
                raise StackError(f"{label(path)}: it has no {name} for Python {python}.")
    return rows


def load_indexes(stack: Path) -> list[NamedIndex]:
    """Read indexes.yml, which may be empty.

    Raises:
        StackError: The file or a row is wrong, or an index is listed twice.
    """
    return _unique(stack / "indexes.yml", NamedIndex, "name")


def load_companions(stack: Path) -> list[Companion]:
    """Read companions.yml.

    Raises:
        StackError: The file or a row is wrong, or a package is listed twice.
    """
    return _unique(stack / "companions.yml", Companion, "package")


def load_actions(stack: Path) -> list[Action]:
    """Read actions.yml.

    Raises:
        StackError: The file or a row is wrong, or an action is listed twice.
    """
    return _unique(stack / "actions.yml", Action, "action")


def load_runners(stack: Path) -> list[Runner]:
    """Read runners.yml.

    Raises:
        StackError: The file or a row is wrong, or a runner is listed twice.
    """
    return _unique(stack / "runners.yml", Runner, "runner")


def load_frameworks(stack: Path) -> list[Framework]:
    """Read frameworks.yml.

    Raises:
        StackError: The file or a row is wrong, or a framework is listed twice.
    """
    return _unique(stack / "frameworks.yml", Framework, "framework")


def load_runtimes(stack: Path) -> list[Runtime]:
    """Read runtimes.yml.

    Raises:
        StackError: The file or a row is wrong, or a runtime is listed twice.
    """
    return _unique(stack / "runtimes.yml", Runtime, "runtime")


def load_extras(stack: Path) -> list[Extra]:
    """Read extras.yml.

    Raises:
        StackError: The file or a row is wrong, or an extra is listed twice.
    """
    return _unique(stack / "extras.yml", Extra, "extra")


def offered_pythons(versions: Sequence[str]) -> list[str]:
    """Choose the Pythons that the template offers.

    These are the three minors behind the newest: the newest itself is left out, as packages with
    compiled code take months to publish wheels for it.

    Args:
        versions: The rows of pythons.yml, newest first.

    Returns:
        The offered versions, the default (two behind the newest) first, then newest first.

    Raises:
        StackError: The list has fewer than four versions.
    """
    if len(versions) < 4:
        raise StackError(
            f"stack/pythons.yml: holds {len(versions)} versions; "
            "the template needs the newest and three behind it."
        )
    _, one_behind, two_behind, three_behind = versions[:4]
    return [two_behind, one_behind, three_behind]


def oldest(versions: Sequence[str]) -> str:
    """Return the lowest of some Python versions, such as "3.9" of "3.10" and "3.9"."""
    return min(versions, key=Version)


def read_list(path: Path) -> list[Any]:
    """Read a YAML file that is a list with something in it; ``indexes.yml`` may be empty.

    Raises:
        StackError: The file is missing, is no YAML, or is something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StackError(f"{label(path)}: the file is missing.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise StackError(f"{label(path)}: is not valid YAML: {reason}.") from None
    if not isinstance(content, list) or not (content or path.name in MAY_BE_EMPTY):
        raise StackError(f"{label(path)}: must be a list of rows, as Copier includes only lists.")
    return content


def refuse_repeats(path: Path, values: Sequence[str], what: str) -> None:
    """Refuse a value that stands in two rows.

    Raises:
        StackError: A value does.
    """
    for number, value in enumerate(values, start=1):
        if value in values[: number - 1]:
            raise StackError(f"{label(path)} row {number}: {what} {value} is listed twice.")


def label(path: Path) -> str:
    """Name a file of the stack as messages do, such as stack/builds.yml."""
    return f"{path.parent.name}/{path.name}"


def _unique(path: Path, kind: type[Row], key: str) -> list[Row]:
    rows = _rows(path, kind)
    refuse_repeats(path, [getattr(row, key) for row in rows], key)
    return rows


def _rows(path: Path, kind: type[Row]) -> list[Row]:
    return [_row(path, number, row, kind) for number, row in enumerate(read_list(path), start=1)]


def _row(path: Path, number: int, row: object, kind: type[Row]) -> Row:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        raise StackError(f"{label(path)} row {number}: {problem_in(error, kind)}.") from None
