"""Environments by name: ``requirements/environments/NAME.in``, the team's own, each locked alone.

Comments before the first requirement say what one is for: ``# backends: cuda`` and ``# platforms:
linux-x86_64``. Without them it is for all that the project has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.paths import REQUIREMENTS, shown
from envkeep.project.metadata import project_metadata
from envkeep.project.requirements import LAYERS, exporters, read_requirements, with_included

FOLDER = "environments"
NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # no file names on Windows
SAID = re.compile(r"#\s*(?P<key>backend|platform)s?\s*:(?P<values>.*)", re.IGNORECASE)


@dataclass(frozen=True)
class NamedEnvironment:
    """An environment by name.

    Attributes:
        lock: What its lock is called: ``environments/NAME``.
        backends: What it is locked for.
        platforms: Where.
    """

    lock: str
    backends: tuple[str, ...]
    platforms: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.lock.rpartition("/")[2]


def is_named(lock: str) -> bool:
    """Tell whether a lock is that of an environment by name."""
    return lock.startswith(f"{FOLDER}/")


def names() -> tuple[str, ...]:
    """Return what the locks of all environments by name are called; nothing is read."""
    return tuple(f"{FOLDER}/{path.stem}" for path in _files())


def find(lock: str) -> NamedEnvironment:
    """Return the environment by name that a lock is for.

    Raises:
        ToolError: Its file is not what such a file must be.
    """
    return _read(REQUIREMENTS / f"{lock}.in")


def all_named() -> tuple[NamedEnvironment, ...]:
    """Return the project's environments by name.

    Raises:
        ToolError: The file of one is not what such a file must be.
    """
    return tuple(map(_read, _files()))


def _files() -> list[Path]:
    return sorted((REQUIREMENTS / FOLDER).glob("*.in"))


def _read(path: Path) -> NamedEnvironment:
    _require_name(path)
    if not any(read_requirements(each) for each in with_included(path)):
        raise ToolError(
            f"{shown(path)} asks for nothing: write a requirement into it, or delete it."
        )
    said = _said(path)
    known = tuple(row["platform"] for row in catalog.platforms())
    return NamedEnvironment(
        f"{FOLDER}/{path.stem}",
        _chosen(path, "backend", said, tuple(project_metadata()["builds"])),
        _chosen(path, "platform", said, known),
    )


def _require_name(path: Path) -> None:
    name, file = path.stem, shown(path)
    if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
        raise ToolError(
            f"{file} cannot name an environment: rename it to small letters, digits and single "
            "hyphens, such as my-server.in, and not to a name that Windows keeps for itself."
        )
    if name in {each for layer in LAYERS for each in (layer, layer.partition("-")[2])}:
        raise ToolError(
            f"{file} has the name of a layer: rename it, or add its lines to the layer."
        )
    if f"exporters/{name}" in exporters():
        raise ToolError(
            f"{file} has the name of an environment of the template: rename it; what is to be in "
            f"that one stands in requirements/exporters/{name}.in."
        )


def _said(path: Path) -> dict[str, list[str]]:
    """Return what the comments before the first requirement say."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
    head = takewhile(lambda line: not line or line.startswith("#"), lines)
    found = (SAID.fullmatch(line) for line in head)
    return {each["key"].lower(): re.findall(r"[^\s,]+", each["values"]) for each in found if each}


def _chosen(
    path: Path, key: str, said: dict[str, list[str]], known: Iterable[str]
) -> tuple[str, ...]:
    """Return what a file says, in the order of all that there is, or all of that.

    Raises:
        ToolError: It names something that the project does not have, or nothing.
    """
    if key not in said:
        return tuple(known)
    wrong = next((each for each in said[key] if each not in known), None)
    if wrong is not None or not said[key]:
        more = " (`make update ARGS=\"--data 'backends=[...]'\"` adds one)" * (key == "backend")
        raise ToolError(
            f"{shown(path)} is for {f'the {key} {wrong}' if wrong else f'no {key}'}, and the "
            f"project has {', '.join(known)}{more}: correct the line `# {key}s:`, or delete it."
        )
    return tuple(each for each in known if each in said[key])
