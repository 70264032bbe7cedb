"""Read the stack release's data files (stack/*.yml) and refuse what is wrong in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

FLAGS = (
    "always",
    "uses_training",
    "no_training",
    "uses_onnxruntime",
    "uses_native",
    "exports_onnx",
)
OPERATING_SYSTEMS = ("linux", "windows", "macos")

Row = Mapping[str, Any]
Check = Callable[[Any], str | None]


class StackError(Exception):
    """The stack's data or its refresh failed; the message is one sentence for the maintainer."""


@dataclass(frozen=True)
class Release:
    """The row of release.yml: what fixes all other versions."""

    name: str
    cutoff: date
    torch: str
    torch_index: str


@dataclass(frozen=True)
class Backend:
    """A row of backends.yml: one build of torch."""

    backend: str
    build: str
    index: str
    local_version: Mapping[str, str]


@dataclass(frozen=True)
class DirectDependency:
    """A row of requirements.yml: one package of one layer."""

    layer: str
    package: str
    when: str
    why: str

    @property
    def name(self) -> str:
        """The package's normalized name, without extras."""
        return canonicalize_name(Requirement(self.package).name)


def load_release(stack: Path) -> Release:
    """Read release.yml.

    Args:
        stack: The folder with the data files.

    Raises:
        StackError: The file is missing, is no YAML list of exactly one row, or the row is wrong.
    """
    path = stack / "release.yml"
    rows = _checked_rows(path, _RELEASE_CHECKS)
    if len(rows) != 1:
        raise StackError(f"{_label(path)}: holds {len(rows)} rows; one release is one row.")
    row = rows[0]
    return Release(row["name"], date.fromisoformat(row["cutoff"]), row["torch"], row["torch_index"])


def load_pythons(stack: Path) -> list[str]:
    """Read pythons.yml: the CPython minors, such as "3.12", newest first.

    Raises:
        StackError: The file or a row is wrong, or the rows are not in order.
    """
    path = stack / "pythons.yml"
    versions = [row["version"] for row in _checked_rows(path, _PYTHON_CHECKS)]
    for number, (newer, older) in enumerate(pairwise(versions), start=2):
        if Version(older) >= Version(newer):
            raise StackError(
                f"{_label(path)} row {number}: {older} comes after {newer}; "
                "list every version once, newest first."
            )
    return versions


def load_backends(stack: Path) -> list[Backend]:
    """Read backends.yml.

    Raises:
        StackError: The file or a row is wrong, or a build is listed twice.
    """
    path = stack / "backends.yml"
    rows = _checked_rows(path, _BACKEND_CHECKS)
    _refuse_repeats(path, [row["build"] for row in rows], "build")
    return [
        Backend(row["backend"], row["build"], row["index"], row["local_version"]) for row in rows
    ]


def load_requirements(stack: Path) -> list[DirectDependency]:
    """Read requirements.yml.

    Raises:
        StackError: The file or a row is wrong, a layer lists a package twice, or a layer comes
            after a later one.
    """
    path = stack / "requirements.yml"
    rows = _checked_rows(path, _REQUIREMENT_CHECKS)
    found = [DirectDependency(r["layer"], r["package"], r["when"], r["why"]) for r in rows]
    _refuse_repeats(path, [f"{each.name} in {each.layer}" for each in found], "package")
    for number, (before, after) in enumerate(pairwise(found), start=2):
        if after.layer < before.layer:
            raise StackError(
                f"{_label(path)} row {number}: layer {after.layer} comes after {before.layer}; "
                "list the layers in the order of their names."
            )
    return found


def offered_pythons(versions: Sequence[str]) -> list[str]:
    """Choose the Pythons that the template offers.

    These are the three minors behind the newest: the newest itself is left out, as packages with
    compiled code take months to publish wheels for it.

    Args:
        versions: The rows of pythons.yml, newest first.

    Returns:
        The offered versions, the default (two behind the newest) first, then newest first.

    Raises:
        StackError: There are fewer than four versions.
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


def _checked_rows(path: Path, checks: Mapping[str, Check]) -> list[Row]:
    rows = _read_list(path)
    for number, row in enumerate(rows, start=1):
        problem = _problem_in_row(row, checks)
        if problem:
            raise StackError(f"{_label(path)} row {number}: {problem}.")
    return rows


def _read_list(path: Path) -> list[Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StackError(f"{_label(path)}: the file is missing.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise StackError(f"{_label(path)}: is not valid YAML: {reason}.") from None
    if not isinstance(content, list) or not content:
        raise StackError(f"{_label(path)}: must be a list of rows, as Copier includes only lists.")
    return content


def _problem_in_row(row: object, checks: Mapping[str, Check]) -> str | None:
    if not isinstance(row, dict):
        return f"must be keys and values, is {row!r}"
    for key in checks:
        if key not in row:
            return f"`{key}` is missing"
    for key in row:
        if key not in checks:
            return f"`{key}` is not a known key; use {', '.join(checks)}"
    for key, check in checks.items():
        problem = check(row[key])
        if problem:
            return f"`{key}` {problem}, is {row[key]!r}"
    return None


def _refuse_repeats(path: Path, values: Sequence[str], what: str) -> None:
    for number, value in enumerate(values, start=1):
        if value in values[: number - 1]:
            raise StackError(f"{_label(path)} row {number}: {what} {value} is listed twice.")


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "must be text in quotes"
    return None


def _matches(pattern: str, meaning: str) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return None
        return f"must be {meaning}"

    return check


def _date(value: object) -> str | None:
    try:
        date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return 'must be a date in quotes such as "2026-11-20"'
    return None


def _final_version(value: object) -> str | None:
    try:
        version = Version(value if isinstance(value, str) else "")
    except InvalidVersion:
        return 'must be a version in quotes such as "2.13.0"'
    if version.is_prerelease or version.local:
        return "must be a final version without a local label"
    return None


def _flag(value: object) -> str | None:
    return None if value in FLAGS else f"must be one of {', '.join(FLAGS)}"


def _bare_package(value: object) -> str | None:
    try:
        requirement = Requirement(value if isinstance(value, str) else "")
    except InvalidRequirement:
        return "must be a package name, with extras if any"
    if requirement.specifier or requirement.marker or requirement.url:
        return "must have no version, marker or address; constraints.txt holds the versions"
    return None


def _local_versions(value: object) -> str | None:
    if not isinstance(value, dict) or not value or set(value) - set(OPERATING_SYSTEMS):
        return f"must have one or more of the keys {', '.join(OPERATING_SYSTEMS)}"
    for label in value.values():
        if not isinstance(label, str) or not re.fullmatch(r"(\+[a-z0-9.]+)?", label):
            return 'must hold labels in quotes such as "+cpu", or ""'
    return None


_RELEASE_CHECKS: Mapping[str, Check] = {
    "name": _matches(r"\d{4}\.\d{2}(\.\d+)?", 'a year and month in quotes such as "2026.11"'),
    "cutoff": _date,
    "torch": _final_version,
    "torch_index": _matches(r"https://\S+[^/\s]", "an https address without a final slash"),
    "source": _text,
    "checked": _date,
}
_PYTHON_CHECKS: Mapping[str, Check] = {
    "version": _matches(r"3\.\d+", 'a CPython minor in quotes such as "3.12"'),
    "source": _text,
    "checked": _date,
}
_BACKEND_CHECKS: Mapping[str, Check] = {
    "backend": _text,
    "build": _text,
    "index": _text,
    "local_version": _local_versions,
    "source": _text,
    "checked": _date,
}
_REQUIREMENT_CHECKS: Mapping[str, Check] = {
    "layer": _matches(r"\d\d-[a-z]+", "two digits and a name such as 20-train"),
    "package": _bare_package,
    "when": _flag,
    "why": _text,
}
