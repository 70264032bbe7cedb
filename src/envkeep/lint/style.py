"""Check and format Python files with ruff: the team's by its settings, the template's by its own.

A file that updates rewrite is never formatted in the team's style: every update would meet edits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from envkeep.paths import ROOT
from envkeep.project.ownership import owner_of

CHECKED = ("src", "tests")
TEMPLATES_SETTINGS = ("--config", str(Path(__file__).with_name("ruff.toml")))


def is_templates(path: str) -> bool:
    """Tell whether updates rewrite a file, given by its path in the project with slashes."""
    return owner_of(path) == "template"


def format_steps() -> list[list[str]]:
    """Return the commands that fix and format the team's files, as arguments of Python."""
    return [
        ["-m", "ruff", "check", "--fix-only", *without_the_templates(), *CHECKED],
        ["-m", "ruff", "format", *without_the_templates(), *CHECKED],
    ]


def check_steps(subcommand: Sequence[str], files: Sequence[str]) -> list[list[str]]:
    """Return the commands that check files, as arguments of Python, one for each kind of settings.

    Args:
        subcommand: ruff's, such as ``format --check``.
        files: Paths in the project, with slashes.
    """
    own = [path for path in files if not is_templates(path)]
    templates = [path for path in files if is_templates(path)]
    ruff = ["-m", "ruff", *subcommand, "--force-exclude"]
    steps = [[*ruff, *own]] if own else []
    return [*steps, [*ruff, *TEMPLATES_SETTINGS, *templates]] if templates else steps


def without_the_templates() -> list[str]:
    """Return ruff's options that leave the template's files out, beside what the team excludes."""
    found = (
        path.relative_to(ROOT).as_posix()
        for name in CHECKED
        for path in (ROOT / name).rglob("*.py")
    )
    return ["--config", f"extend-exclude = {json.dumps(sorted(filter(is_templates, found)))}"]
