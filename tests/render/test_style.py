"""Python in the template and in every project is lint-clean, formatted and typed as it stands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.render.cells import PYTHONS
from tests.render.conftest import Projects
from tests.support.engine import variables

COMMANDS = """
from envkeep.cli import build_parser
print(*(f"  {name}" for name in build_parser()._subparsers._group_actions[0].choices), sep="\\n")
"""
"""Prints envkeep's commands, one a line and indented."""


def named(project: Path, *command: str) -> set[str]:
    """Return what starts the indented lines that a command prints in a project."""
    done = subprocess.run(
        command, cwd=project, env=variables(project), capture_output=True, text=True, check=True
    )
    return {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}


def run(folder: Path, *arguments: str, **variables: str) -> None:
    """Run a Python tool in a folder; it must find nothing."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=" ".join)
def test_the_template_as_it_stands(check: tuple[str, ...], template: Path) -> None:
    run(template, "ruff", *check, "--no-cache", "template")


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=" ".join)
def test_every_project_by_its_own_settings(check: tuple[str, ...], project: Path) -> None:
    run(project, "ruff", *check, "--no-cache", ".")


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_types_on_every_platform(platform: str, template: Path, tmp_path: Path) -> None:
    options = (f"--platform={platform}", "--python-version=3.11", f"--cache-dir={tmp_path}")
    run(template / "src", "mypy", "--strict", *options, "--package", "envkeep")
    launcher = ("--config-file=", "--check-untyped-defs", str(template / "template" / "keep.py"))
    run(template / "src", "mypy", *options, *launcher)


@pytest.mark.parametrize("python", PYTHONS)
def test_envkeep_answers_in_every_project(python: str, projects: Projects) -> None:
    project = projects({"python_version": python})
    assert "doctor" in named(project, sys.executable, "-B", "keep.py", "--help")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_every_target_with_its_help(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    names = named(project, "make", f"PYTHON={sys.executable} -B")
    phony = " ".join(
        line.removeprefix(".PHONY:") for line in makefile.splitlines() if line.startswith(".PHONY:")
    )
    assert names <= set(phony.split())
    assert named(project, sys.executable, "-B", "keep.py") == names, "without make they are too"
    assert names - {"help"} <= named(project, sys.executable, "-B", "-c", COMMANDS)
    assert names == {line.split(":")[0] for line in makefile.splitlines() if ":  ##" in line}
