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

PACKAGE = "ours"
FLAT, WITH_KIT = "42c0421", "955418f"
TRAINING_COMMANDS = {"data", "evaluate", "export", "runs", "train"}
BEFORE: dict[str, tuple[str, Answers]] = {
    "release": ("0.1.0", {}),
    "flat": (FLAT, {"extras": ["quantization"]}),
    "kit": (WITH_KIT, {"extras": ["quantization"]}),
    "kit-huggingface": (WITH_KIT, {"training": "huggingface"}),
}
LISTS = """
import json, sys, types

class Anything(types.ModuleType):  # stands for packages that are not installed here
    def __getattr__(self, name):
        return type(name, (), {})

sys.modules["numpy"] = Anything("numpy")
sys.modules["numpy.typing"] = Anything("numpy.typing")
from PACKAGE.commands import discover
print(json.dumps({name: command.__name__ for name, command in discover().items()}))
""".replace("PACKAGE", PACKAGE)


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
    assert json.loads(python(project, LISTS))["tune"] == f"{PACKAGE}.kit.commands.tune"
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
    found = json.loads(python(project, LISTS))
    assert {found[name] for name in TRAINING_COMMANDS} == {
        f"{PACKAGE}.kit.commands.{name}" for name in TRAINING_COMMANDS
    }
    assert found["predict"] == f"{PACKAGE}.commands.predict"
    assert found["report"] == f"{PACKAGE}.commands.report"


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
    project = project_of(template, tmp_path / "project", WITH_KIT, {})
    update(project, {"inference": "openvino", "source_layout": "kit-with-commands"})
    assert conflicts(project) == []
    package = project / "src" / PACKAGE
    (package / "cli.py").write_text("from .kit.commands import main as main\n", encoding="utf-8")
    (package / "commands" / "__init__.py").write_text('"""Ours."""\n', encoding="utf-8")
    (package / "commands" / "train.py").unlink()
    listing = LISTS.replace(f"{PACKAGE}.commands", f"{PACKAGE}.kit.commands")
    found = json.loads(python(project, listing))
    assert found["train"] == f"{PACKAGE}.kit.commands.train"
    assert found["runs"] == f"{PACKAGE}.commands.runs"


def python(project: Path, code: str) -> str:
    """Run code with the package of a project, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
