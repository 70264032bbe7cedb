"""The template's own files, and whose they are in a project."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from maintain.ownership.render import COPIER_FILE
from maintain.ownership.table import Table, load_table
from tests.support.copier_runs import git

PACKAGE = "{{package_name}}"
ANSWERS_FILE = "{{ _copier_conf.answers_file }}"
SUFFIX = ".jinja"
OVERLAY = re.compile(r"^\{\{(?P<name>\w+)\}\}/")
"""A folder with what some projects have: there it is the root (ownership/conditions.yml)."""


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
    def table(self) -> Table:
        """The table of owners."""
        return load_table(self.root)

    def sources(self, package: str) -> dict[str, set[str]]:
        """Return the files of all projects, and for each the overlays that it comes from."""
        found: dict[str, set[str]] = defaultdict(set)
        for path in self.paths:
            found[in_project(path, package)].add(overlay_of(path))
        return dict(found)

    @cached_property
    def overlays(self) -> set[str]:
        """The names of the overlays."""
        return {overlay_of(path) for path in self.paths} - {""}

    @cached_property
    def never_part(self) -> set[str]:
        """The lines of ``_exclude`` that need no answer: what is never part of a project."""
        entries = self.settings["_exclude"]
        retired = {f"/{row.path.removesuffix('/')}" for row in self.table.retired}
        return {entry for entry in entries if "{%" not in entry} - retired

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Copier's settings that follow from the table."""
        text = (self.root / COPIER_FILE).read_text(encoding="utf-8")
        settings: dict[str, Any] = yaml.safe_load(text)
        return settings

    def is_yours(self, path: str) -> bool:
        """Tell whether a file of a project belongs to the team after the first copy."""
        return self.table.owner_of(path) == "yours"


def in_project(path: str, package: str) -> str:
    """Return where a file of the template lies in a project."""
    named = (
        OVERLAY.sub("", path).replace(PACKAGE, package).replace(ANSWERS_FILE, ".copier-answers.yml")
    )
    return named.removesuffix(SUFFIX)


def overlay_of(path: str) -> str:
    """Return the name of the overlay that holds a file of the template, or "" if none does."""
    found = OVERLAY.match(path)
    return found["name"] if found else ""
