"""The ordered layers and their inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkeep.errors import ToolError
from envkeep.paths import ORDER, OVERRIDES, REQUIREMENTS, STACK, shown

if TYPE_CHECKING:
    from packaging.requirements import Requirement

LAYERS = ("10-torch", "20-train", "30-prod", "40-dev", "50-lint")
PRODUCTION_LAYERS = ("30-prod",)
EXPORTERS = "exporters"
DVC = f"{EXPORTERS}/dvc"
"""No exporter, but a program that is kept apart in the same way, for all that it brings."""
RAY = f"{EXPORTERS}/ray"
"""No exporter either: what starts the project's own commands, with all that they need beside it."""
OPTIONS = re.compile(r"\s--?[a-z].*$")  # what pip takes behind a requirement, such as a hash
EXACTLY = re.compile(r"(?<![<>!~=])==(?!=)")
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True)
class Line:
    """One requirement of a requirements file: its normalized name and the text as written."""

    name: str
    text: str

    @classmethod
    def of(cls, text: str) -> Line:
        """Return the line with a requirement."""
        found = requirement_of(text)
        return cls(canonicalize_name(found.name) if found else text, text)

    @cached_property
    def requirement(self) -> Requirement | None:
        """The requirement, None where pip alone may know what is meant."""
        return requirement_of(self.text)

    @property
    def names_version(self) -> bool:
        """Whether it admits certain versions alone, or a file at an address."""
        found = self.requirement
        return found is not None and bool(found.specifier or found.url)

    @property
    def exact_version(self) -> str:
        """The only version that it admits, with its label, or an empty text."""
        return exact_version(self.requirement) if self.requirement else ""


def requirement_of(text: str) -> Requirement | None:
    """Parse a requirement; None for an option, a path, or anything else.

    Versions that are none by PEP 440, as in old files, compare as text (``===``).
    """
    from packaging.requirements import InvalidRequirement, Requirement  # `status` needs neither

    plain = OPTIONS.sub("", text)
    for form in (plain, EXACTLY.sub("===", plain)):
        with suppress(InvalidRequirement):
            return Requirement(form)
    return None


def exact_version(requirement: Requirement) -> str:
    """Return the only version that a requirement admits, or an empty text."""
    found = [*requirement.specifier]
    is_exact = len(found) == 1 and found[0].operator in ("==", "===")
    return found[0].version if is_exact and not found[0].version.endswith(".*") else ""


def layers() -> tuple[str, ...]:
    """Return this project's layers in the order in which they are locked and installed.

    Raises:
        ToolError: The team's own order does not name each layer once.
    """
    there = tuple(layer for layer in LAYERS if (STACK / f"{layer}.in").exists())
    return in_order(statements(ORDER), there) if ORDER.exists() else there


def layers_of(locks: Path, top: Path) -> tuple[str, ...]:
    """Return the layers that are locked in a folder, in the order that some requirements say.

    Raises:
        ToolError: The order does not name each layer once.
    """
    there = tuple(layer for layer in LAYERS if (locks / f"{layer}.txt").exists())
    order = top / ORDER.name
    return in_order(statements(order), there) if order.exists() else there


def in_order(wanted: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    """Return the layers in an order of the team's own.

    Raises:
        ToolError: The order does not name each layer once.
    """
    if sorted(wanted) != sorted(there):
        raise ToolError(
            f"the order {' '.join(wanted)} of layers does not name each of {' '.join(there)} once; "
            f"write it so in {shown(ORDER)}, or delete that file."
        )
    return tuple(wanted)


def exporters() -> tuple[str, ...]:
    """Return the names of this project's exporters, which have locks of their own."""
    found = {path.stem for top in (STACK, REQUIREMENTS) for path in (top / EXPORTERS).glob("*.in")}
    return tuple(f"{EXPORTERS}/{name}" for name in sorted(found))


def maker_of(exporter: str) -> str:
    """Return the command that makes the environment of an exporter, or one by name."""
    if not exporter.startswith(f"{EXPORTERS}/"):
        return f"make env NAME={exporter.rpartition('/')[2]}"
    return {DVC: "make dvc", RAY: "make train ARGS='--by ray'"}.get(exporter, "make export")


def input_files(layer: str, backend: str, top: Path | None = None) -> list[Path]:
    """Return what a layer or an exporter is compiled from for a backend.

    The team's file, or without one the template's; then what that backend alone needs.

    Args:
        layer: The layer, or the exporter.
        backend: What computes.
        top: The folder of requirements, if it is not the project's own.
    """
    top = top or REQUIREMENTS
    stack = top / STACK.name
    own = top / f"{layer}.in"
    alone = (folder / f"{layer}-{backend}.in" for folder in (stack, top))
    ours = stack / f"{layer}.in"
    return [own if own.exists() else ours, *(path for path in alone if path.exists())]


def read_requirements(path: Path) -> list[Line]:
    """Return the requirements that stand in a file, without comments and options.

    Raises:
        ToolError: The file cannot be read, or a line is not a requirement.
    """
    requirements = []
    for statement in statements(path):
        line = statement.removesuffix("\\").strip()
        if line.startswith("-"):
            continue
        found = REQUIREMENT.match(line)
        if not found:
            raise ToolError(
                f"{shown(path)} has a line that is not a requirement: {line!r}; "
                "write it as name==version."
            )
        requirements.append(Line(canonicalize_name(found["name"]), line))
    return requirements


def direct_names(wanted: Iterable[str], backend: str, top: Path | None = None) -> list[str]:
    """Return the names that the inputs of some layers ask for themselves, for a backend."""
    names: dict[str, None] = {}
    for layer in wanted:
        for given in input_files(layer, backend, top):
            for path in with_included(given):
                names.update(dict.fromkeys(line.name for line in read_requirements(path)))
    return list(names)


def overrides() -> list[Line]:
    """Return the versions that override the stack release.

    Raises:
        ToolError: A line names a package without saying a version.
    """
    chosen = read_requirements(OVERRIDES) if OVERRIDES.exists() else []
    for line in chosen:
        if not line.names_version:
            raise ToolError(
                f"requirements/overrides.txt names {line.name} without a version; "
                f"write {line.name}==VERSION."
            )
    return chosen


def statements(path: Path) -> list[str]:
    """Return the lines of a requirements file without comments, options included."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{shown(path)} cannot be read: {error}.") from error
    return lines_of(text)


def all_statements(path: Path) -> list[str]:
    """Return the lines of a requirements file and of all files that it takes in by ``-r``."""
    return [line for each in with_included(path) for line in statements(each)]


def with_included(path: Path) -> list[Path]:
    """Return a requirements file and all files that it takes in by ``-r``."""
    return [path, *_included(path)]


def lines_of(text: str) -> list[str]:
    """Return the lines of the text of a requirements file as ``statements`` does."""
    stripped = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def _included(path: Path) -> list[Path]:
    """Return the files that a requirements file takes in by ``-r``, and those that they do."""
    options = (
        re.match(r"(?:-r|--requirement)[ =]?\s*(?P<path>\S+)", line) for line in statements(path)
    )
    found = [path.parent / option["path"] for option in options if option]
    return [each for inner in found for each in (inner, *_included(inner))]
