"""The template's questions as Copier reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier._template import filter_config, load_template_config


@dataclass(frozen=True)
class Questions:
    """What ``copier.yml`` and its included files say.

    Attributes:
        settings: Copier's settings, without the leading underscore.
        all: Every question by name, hidden ones too.
    """

    settings: dict[str, Any]
    all: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, template: Path) -> Questions:
        """Read the questions of a template."""
        return cls(*filter_config(load_template_config(template / "copier.yml")))

    @property
    def hidden(self) -> dict[str, dict[str, Any]]:
        """Data, flags and overlays: never asked, never stored."""
        return {name: row for name, row in self.all.items() if row.get("when") is False}

    @property
    def stored(self) -> dict[str, dict[str, Any]]:
        """What a project's answers file keeps."""
        return {name: row for name, row in self.all.items() if name not in self.hidden}

    @property
    def asked(self) -> dict[str, dict[str, Any]]:
        """What people are asked."""
        return {name: row for name, row in self.stored.items() if row.get("ask", True)}

    @property
    def choices(self) -> dict[str, list[str]]:
        """The values of every question that names its choices; those of Python are computed."""
        return {
            name: list(row["choices"].values())
            for name, row in self.asked.items()
            if isinstance(row.get("choices"), dict)
        }


def answers_of(project: Path) -> dict[str, Any]:
    """Return the answers that a project keeps, without Copier's own entries."""
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in stored.items() if not name.startswith("_")}
