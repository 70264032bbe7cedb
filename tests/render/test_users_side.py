"""The user's half of a package is short, and its commands come before those of the kit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maintain import ROOT
from tests.render.conftest import Projects

MOST: dict[str, tuple[int, int]] = {
    "pytorch": (12, 750),
    "keras": (12, 750),
    "huggingface": (12, 750),
    "jax": (12, 800),
    "none": (6, 150),
}
"""The files and lines of Python that a project of the defaults may have beside its kit."""

ALONE = {"training": "none", "inference": "http-api"}
"""A project whose commands need no package."""


@pytest.mark.parametrize("training", MOST)
def test_the_users_half_is_short(training: str, projects: Projects) -> None:
    (package,) = (projects({"training": training}) / "src").iterdir()
    files = [path for path in package.rglob("*.py") if "kit" not in path.parts]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    most_files, most_lines = MOST[training]
    assert len(files) <= most_files
    assert lines <= most_lines


@pytest.fixture
def package(projects: Projects, tmp_path: Path) -> Path:
    """The package of a project, which may be changed."""
    (found,) = (shutil.copytree(projects(ALONE), tmp_path / "project") / "src").iterdir()
    return found


def python_m(package: Path, *arguments: str) -> str:
    """Run a package and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", package.name, *arguments],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_command_of_ones_own_is_listed_beside_those_of_the_kit(package: Path) -> None:
    write_command(package / "commands" / "say_hello.py", "greet")
    printed = python_m(package, "--help")
    assert re.search(r"^ +say-hello\s+greet$", printed, re.MULTILINE)
    assert re.search(r"^ +generate +generate text ", printed, re.MULTILINE)
    assert python_m(package, "say-hello") == "greet\n"


def write_command(path: Path, text: str) -> None:
    """Write a command that prints its help."""
    path.write_text(
        f"HELP = {text!r}\n\n\ndef add_arguments(parser):\n    pass\n\n\n"
        "def run(args):\n    print(HELP)\n    return 0\n",
        encoding="utf-8",
    )


def test_a_copy_of_a_command_takes_the_place_of_the_kits(package: Path) -> None:
    """The copy is changed as the docstring of commands/ says."""
    says = (package / "commands" / "__init__.py").read_text(encoding="utf-8")
    assert "`...` becomes `..`, and `..` becomes `..kit.`" in " ".join(says.split())
    text = (package / "kit" / "commands" / "generate.py").read_text(encoding="utf-8")
    text = re.sub(r"^( *from )\.\.(?!\.)", r"\1..kit.", text, flags=re.MULTILINE)
    text = re.sub(r"^( *from )\.\.\.", r"\1..", text, flags=re.MULTILINE)
    changed = re.sub(r'^HELP = ".*"$', 'HELP = "ours"', text, flags=re.MULTILINE)
    assert changed.count("..kit.") > 2 and 'HELP = "ours"' in changed
    (package / "commands" / "generate.py").write_text(changed, encoding="utf-8")
    assert re.search(r"^ +generate +ours$", python_m(package, "--help"), re.MULTILINE)
    assert "ours" in python_m(package, "generate", "--help")


def test_without_commands_of_ones_own_those_of_the_kit_are_there(package: Path) -> None:
    shutil.rmtree(package / "commands")
    assert re.search(r"^ +generate +generate text ", python_m(package, "--help"), re.MULTILINE)


def test_for_each_command_of_the_kit_something_stands_in_older_projects() -> None:
    folder = "src/{{package_name}}/kit/commands"
    paths = [*ROOT.glob(f"template/{folder}/*.py"), *ROOT.glob(f"template/*/{folder}/*.py")]
    commands = {path.name for path in paths} - {"__init__.py"}
    standing = {
        path.name
        for path in ROOT.glob("template/{{own_commands}}/src/{{package_name}}/commands/*.py")
    }
    assert "train.py" in commands
    assert standing == commands
