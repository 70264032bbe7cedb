"""A project is made from a checkout with any name, by a relative path, and set up for real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, succeeded
from tests.support.copier_runs import copier, git, stage

SMALL = ("--data", "training=none", "--data", "inference=http-api")


@pytest.mark.slow
@pytest.mark.network
def test_a_checkout_is_named_by_a_relative_path(answers: dict[str, str], tmp_path: Path) -> None:
    template = stage(tmp_path / "Größe und Maß" / "die Vorlage")
    python = f"python_version={answers['python_version']}"
    told = ("--defaults", "--data", python, *SMALL)
    succeeded(copier("copy", *told, ".", "../mein Projekt", cwd=template))
    project = Project(template.parent / "mein Projekt")
    project.make("setup")
    assert re.search(r"^locks .*, fresh$", project.make("status").stdout, re.MULTILINE)
    project.git("add", "--all")
    project.make("lint")
    assert re.search(r"\d+ passed", project.make("test").stdout)
    assert "no errors, no warnings" in project.make("doctor").stdout
    git(project.folder, "commit", "--quiet", "--message", "By git's hooks")
