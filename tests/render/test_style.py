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

COMMANDS = """
from envkeep.cli import build_parser
print(*(f"  {name}" for name in build_parser()._subparsers._group_actions[0].choices), sep="\\n")
"""
"""Prints the commands of the tools, one a line and indented."""


def named(project: Path, *arguments: str) -> set[str]:
    """Return what starts the indented lines that a Python program prints in a project."""
    command = [sys.executable, "-B", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
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
def test_types_of_the_tools(platform: str, template: Path, tmp_path: Path) -> None:
    cache = f"--cache-dir={tmp_path}"
    options = ("--strict", f"--platform={platform}", "--python-version=3.11", cache)
    run(template / "template", "mypy", *options, "--package", "tools")


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tools_answer_in_every_project(python: str, projects: Projects) -> None:
    project = projects({"python_version": python})
    run(project, "tools", "--help", PYTHONDONTWRITEBYTECODE="1")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_every_target_with_its_help(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    command = ["make", f"PYTHON={sys.executable} -B"]
    listed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    names = {line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ")}
    phony = " ".join(
        line.removeprefix(".PHONY:") for line in makefile.splitlines() if line.startswith(".PHONY:")
    )
    assert names <= set(phony.split())
    assert named(project, "keep.py") == names, "without make they are listed too"
    assert names - {"help"} <= named(project, "-c", COMMANDS)
    assert names == {line.split(":")[0] for line in makefile.splitlines() if ":  ## " in line}
