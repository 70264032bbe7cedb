"""Projects from before kit/commands/ keep their commands, and get those that come later.

Their command line looks for commands in `commands/` alone, and is theirs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.copier_runs import Answers, commit, conflicts, files_of, render, update

pytestmark = pytest.mark.slow

PACKAGE = "ours"
FLAT, WITH_KIT = "42c0421", "955418f"
TRAINING_COMMANDS = {"data", "evaluate", "export", "runs", "train"}
BEFORE: dict[str, tuple[str, Answers]] = {
    "release": ("0.1.0", {}),
    "flat": (FLAT, {"extras": ["quantization"]}),
    "kit": (WITH_KIT, {"extras": ["quantization"]}),
    "kit-huggingface": (WITH_KIT, {"training": "huggingface"}),
}
FINDS = """
import importlib, json, pkgutil, sys
import PACKAGE.commands as commands
names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
asked = [name for name in names if name in sys.argv[1:]]
print(json.dumps({n: importlib.import_module("PACKAGE.commands." + n).__name__ for n in asked}))
""".replace("PACKAGE", PACKAGE)
"""As the command line of before finds commands; those that are not asked for may need packages."""


def project_of(template: Path, folder: Path, version: str, answers: Answers) -> Path:
    """Return a committed project of before."""
    project = render(template, folder, {"package_name": PACKAGE, **answers}, version=version)
    commit(project, "First copy")
    return project


def own(project: Path) -> dict[str, bytes]:
    """Return the command line and the commands that are a project's own."""
    names = ("cli.py", "commands/")
    start = f"src/{PACKAGE}/"
    return {
        path: file.content
        for path, file in files_of(project).items()
        if path.removeprefix(start).startswith(names) and not path.endswith("/serve.py")
    }


@pytest.mark.parametrize("name", BEFORE)
def test_an_update_leaves_the_commands_alone(name: str, template: Path, tmp_path: Path) -> None:
    version, answers = BEFORE[name]
    project = project_of(template, tmp_path / "project", version, answers)
    changed = project / "src" / PACKAGE / "commands" / "train.py"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n# Ours\n", encoding="utf-8")
    (changed.parent / "runs.py").unlink()
    commit(project, "Our work")
    before = own(project)
    assert len(before) > 6
    update(project)
    assert conflicts(project) == []
    assert own(project) == before


@pytest.mark.parametrize("name", ["release", "flat", "kit"])
def test_a_command_that_comes_later_is_found(name: str, template: Path, tmp_path: Path) -> None:
    version, answers = BEFORE[name]
    project = project_of(template, tmp_path / "project", version, answers)
    before = own(project)
    update(project, {"extras": ["quantization", "tuning"]})
    assert conflicts(project) == []
    commands = project / "src" / PACKAGE / "commands"
    assert own(project).items() > before.items()
    assert found(project, "tune") == {"tune": f"{PACKAGE}.kit.commands.tune"}
    (commands / "tune.py").unlink()
    commit(project, "We tune otherwise")
    update(project)
    assert not (commands / "tune.py").exists(), "it is the project's own, once it was brought"
    assert (commands.parent / "kit" / "commands" / "tune.py").is_file()


@pytest.mark.parametrize("version", ["0.1.0", FLAT])
def test_training_that_comes_later_brings_its_commands(
    version: str, template: Path, tmp_path: Path
) -> None:
    project = project_of(template, tmp_path / "project", version, {"training": "none"})
    update(project, {"training": "pytorch"})
    assert conflicts(project) == []
    names = TRAINING_COMMANDS - {"export"}  # which needs NumPy
    expected = {name: f"{PACKAGE}.kit.commands.{name}" for name in names}
    assert found(project, *names) == expected
    package = project / "src" / PACKAGE
    for name in TRAINING_COMMANDS:
        assert (package / "kit" / "commands" / f"{name}.py").is_file()
    assert "kit.commands" not in (package / "commands" / "predict.py").read_text(encoding="utf-8")


def test_no_command_of_the_kit_calls_training_code_of_before(
    template: Path, tmp_path: Path
) -> None:
    project = project_of(template, tmp_path / "project", "0.1.0", {})
    update(project)
    there = {path.stem for path in (project / "src" / PACKAGE / "kit" / "commands").iterdir()}
    assert not there & TRAINING_COMMANDS
    assert "predict" in there


def test_a_project_takes_the_commands_of_the_kit_when_it_is_told_to(
    template: Path, tmp_path: Path
) -> None:
    alone = {"training": "none", "inference": "http-api"}
    project = project_of(template, tmp_path / "project", WITH_KIT, alone)
    update(project, {"source_layout": "kit-with-commands"})
    assert conflicts(project) == []
    package = project / "src" / PACKAGE
    (package / "cli.py").write_text("from .kit.commands import main as main\n", encoding="utf-8")
    (package / "commands" / "__init__.py").write_text('"""Ours."""\n', encoding="utf-8")
    says = f"from {PACKAGE}.kit.commands import discover; print(discover()['generate'].__name__)"
    assert python(project, says) == f"{PACKAGE}.commands.generate\n"
    (package / "commands" / "generate.py").unlink()
    assert python(project, says) == f"{PACKAGE}.kit.commands.generate\n"
    assert "generate text" in python(project, f"from {PACKAGE}.cli import main; main(['-h'])")


def found(project: Path, *names: str) -> dict[str, str]:
    """Return the module that a project of before finds for each of these commands."""
    modules: dict[str, str] = json.loads(python(project, FINDS, *names))
    return modules


def python(project: Path, code: str, *arguments: str) -> str:
    """Run code with the package of a project, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        env={"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
