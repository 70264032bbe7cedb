"""The template's own files, and what ``ownership.yml`` says about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pathspec import PathSpec

from tests.support.copier_runs import git

UPDATE = "_copier_operation == 'update'"
PACKAGE = "{{package_name}}"
SUFFIX = ".jinja"
ENTRY = re.compile(r"\{% if (?P<condition>.+?) %\}(?P<pattern>.+)\{% endif %\}")


@dataclass(frozen=True)
class Exclusion:
    """One conditional line of ``ownership.yml``."""

    condition: str
    pattern: str

    def matches(self, path: str) -> bool:
        """Tell whether a file of a project is meant."""
        return PathSpec.from_lines("gitignore", [self.pattern]).match_file(path)


@dataclass(frozen=True)
class TemplateFiles:
    """The folder ``template/`` of a staged template."""

    root: Path

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.root / "template"

    @cached_property
    def paths(self) -> list[str]:
        """All files in git, relative to the folder."""
        return git(self.folder, "ls-files", "-z").rstrip("\0").split("\0")

    @cached_property
    def plain(self) -> list[str]:
        """Files that are copied as they stand."""
        return [path for path in self.paths if not path.endswith(SUFFIX)]

    @cached_property
    def exclusions(self) -> list[Exclusion]:
        """The conditional lines of ``ownership.yml``, in order."""
        found = map(ENTRY.fullmatch, self._entries)
        return [Exclusion(match["condition"], match["pattern"]) for match in found if match]

    @cached_property
    def never_part(self) -> set[str]:
        """The lines without a condition."""
        return {entry for entry in self._entries if not ENTRY.fullmatch(entry)}

    @cached_property
    def _entries(self) -> list[str]:
        text = (self.root / "ownership.yml").read_text(encoding="utf-8")
        entries: list[str] = yaml.safe_load(text)["_exclude"]
        return entries

    def is_yours(self, path: str) -> bool:
        """Tell whether a file of a project belongs to the team after the first copy."""
        return self._yours.match_file(path)

    @cached_property
    def _yours(self) -> PathSpec[Any]:
        rows = (row for row in self.exclusions if row.condition.startswith(UPDATE))
        return PathSpec.from_lines("gitignore", [row.pattern for row in rows])


def in_project(path: str, package: str) -> str:
    """Return where a file of the template lies in a project."""
    return path.removesuffix(SUFFIX).replace(PACKAGE, package)
