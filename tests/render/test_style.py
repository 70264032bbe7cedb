"""Python in the template and in every project is lint-clean, formatted and typed as it stands."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.render.cells import PYTHONS
from tests.render.conftest import Projects

HIDES = ("# ruff: noqa: PGH004\n", "# flake8: noqa\n", "# fmt: off\n")
"""The lines by which linters and formatters of others leave keep.py out."""


Started = Callable[..., str]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where all projects of these tests have what keep.py unpacks."""
    return tmp_path_factory.mktemp("unpacked")


@pytest.fixture(scope="module")
def makefiles() -> set[str]:
    """Return a place for the Makefiles that were asked for their targets so far."""
    return set()


@pytest.fixture
def started(unpacked: Path, tmp_path: Path) -> Started:
    """Return what runs a command in a copy of a project and returns what it printed."""

    def start(project: Path, *command: str) -> str:
        copy = tmp_path / "project"
        if not copy.exists():
            shutil.copytree(project, copy)
            (copy / ".venvs").symlink_to(unpacked, target_is_directory=True)
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
        return done.stdout

    return start


def listed(printed: str) -> dict[str, str]:
    """Return the indented lines of a list: names and what stands after them."""
    lines = (line.split(maxsplit=1) for line in printed.splitlines() if line.startswith("  "))
    return {name: text for name, text in lines}


def run(folder: Path, *arguments: str, text: str | None = None) -> None:
    """Run a Python tool in a folder, on a text if one is given; it must find nothing."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        input=text,
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


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=" ".join)
def test_the_launcher_without_what_hides_it_from_the_rules_of_others(
    check: tuple[str, ...], template: Path
) -> None:
    """Whoever adopts the template has rules of their own, and runs them over all files."""
    text = (template / "template" / "keep.py").read_text(encoding="utf-8")
    for line in HIDES:
        assert text.count(line) == 1
        text = text.replace(line, "")
    name = "--stdin-filename=template/keep.py"
    run(template, "ruff", *check, "--no-cache", name, "-", text=text)


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_types_on_every_platform(platform: str, template: Path, tmp_path: Path) -> None:
    options = (f"--platform={platform}", "--python-version=3.11", f"--cache-dir={tmp_path}")
    run(template / "src", "mypy", "--strict", *options, "--package", "envkeep")
    launcher = template / "template" / "keep.py"
    run(tmp_path, "mypy", "--config-file=", "--strict", *options, str(launcher))


@pytest.mark.parametrize("python", PYTHONS)
def test_envkeep_answers_in_every_project(
    python: str, projects: Projects, started: Started
) -> None:
    project = projects({"python_version": python})
    assert "doctor" in listed(started(project, sys.executable, "keep.py", "--help"))


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_every_target_with_the_help_of_its_command(
    project: Path, started: Started, makefiles: set[str]
) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    if makefile in makefiles:
        return  # the same Makefile with the same wheel was asked before
    makefiles.add(makefile)
    targets = listed(started(project, "make", f"PYTHON={shlex.quote(sys.executable)}"))
    assert listed(started(project, sys.executable, "keep.py")) == targets, "without make too"
    commands = listed(started(project, sys.executable, "keep.py", "--help"))
    assert targets.pop("help") == "list the targets"
    assert targets.items() <= commands.items()
    assert targets.keys() == set(re.findall(r"^(\S+):  ##$", makefile, re.MULTILINE))
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split()
    assert targets.keys() <= set(phony)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("name", ["generations", "licences"])
def test_targets_of_before_still_run(name: str, projects: Projects, started: Started) -> None:
    printed = started(projects({}), "make", "--dry-run", "PYTHON=python", name)
    assert printed.rstrip() == f"python keep.py {name}"
    assert started(projects({}), sys.executable, "keep.py", name, "--help")
