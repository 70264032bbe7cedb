"""Projects from before keep.py come over, edited as users do, and nothing of theirs is lost.

Before it a project had the care of its environments in tools/. Release 0.1.0 had no `make update`;
the commit before this one had, and the code of that update is the project's own, frozen there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.copier_update.edits import append, replace, write
from tests.copier_update.project_state import state_of, trouble
from tests.lifecycle.projects import Project, succeeded
from tests.support.copier_runs import NEWEST, Answers, commit, git, render, update

pytestmark = pytest.mark.slow

LAST_WITH_TOOLS = "44a0b59"
SMALL: Answers = {"training": "none", "python_version": "3.11"}
OURS = ("tools/ours.py", "tools/lib/more.txt")
HOOK = """\
  - repo: local
    hooks:
      - id: spelling
        name: codespell (spelling)
        entry: sh tools/hook.sh codespell
        language: system
"""
WORKFLOW = "on: push\njobs:\n  ours:\n    steps:\n      - run: python -m tools status\n"
OWN_FILES = {
    "tools/ours.py": "# Ours\n",
    "tools/lib/more.txt": "ours\n",
    ".github/workflows/ours.yml": WORKFLOW,
    "notes/run.sh": "python -m tools status\n",
}


def edit_as_users_do(project: Path) -> None:
    """Use the tools in every way that their pages showed, and change one of them."""
    for path, text in OWN_FILES.items():
        write(project / path, text)
    append(project / "local.mk", "\nours:  ## our target\n\t@$(TOOLS) status\n")
    append(project / "README.md", "\nOur own words.\n")
    append(project / "requirements" / "40-dev.in", "iniconfig\n")
    append(project / "tools" / "commands" / "status.py", "\n# Ours\n")
    if (project / ".pre-commit-config.yaml").exists():
        append(project / ".pre-commit-config.yaml", HOOK)


def check_what_is_there(project: Path, edited: dict[str, bytes]) -> None:
    """Nothing of the user's may be lost, and of tools/ only what is theirs may be left."""
    assert trouble(project) == []
    for path in (*OWN_FILES, "local.mk", "README.md", "requirements/40-dev.in"):
        assert (project / path).read_bytes() == edited[path], path
    hooks = ".pre-commit-config.yaml"
    if hooks in edited:
        assert (project / hooks).read_text(encoding="utf-8").endswith(HOOK)
    assert "keep.py" in (project / "Makefile").read_text(encoding="utf-8")
    tools = (path for path in (project / "tools").rglob("*") if path.is_file())
    assert sorted(path.relative_to(project).as_posix() for path in tools) == sorted(OURS)


Before = Callable[[str], tuple[Path, dict[str, bytes]]]


@pytest.fixture
def before(template: Path, tmp_path: Path) -> Before:
    """Return a function that copies a version of before, edits the copy and commits it."""

    def copy(version: str) -> tuple[Path, dict[str, bytes]]:
        newer = {} if version == "0.1.0" else {"inference": "http-api"}
        project = render(template, tmp_path / "project", {**SMALL, **newer}, version=version)
        commit(project, "Copy")
        edit_as_users_do(project)
        commit(project, "Our work")
        return project, {path: each.content for path, each in state_of(project).items()}

    return copy


def envkeep(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the updated project."""
    return subprocess.run(
        [sys.executable, "-B", "keep.py", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", ["0.1.0", LAST_WITH_TOOLS])
def test_copier_alone_takes_tools_and_leaves_what_is_yours(version: str, before: Before) -> None:
    project, edited = before(version)
    update(project)
    finish(project)
    check_what_is_there(project, edited)
    commit(project, "Update")
    update(project)
    assert git(project, "status", "--porcelain") == ""


def finish(project: Path) -> None:
    """Do the first thing that the update asks for, as far as it needs no index."""
    code = "from envkeep.project import former_tools; former_tools.finish()"
    launcher = (
        "import sys; sys.path.insert(0, '.'); import keep; sys.path[0] = str(keep.unpacked())"
    )
    own = {"ENVKEEP_PROJECT": str(project)}
    command = [sys.executable, "-B", "-c", f"{launcher}; {code}"]
    done = subprocess.run(
        command, cwd=project, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("note: tools/ is gone but still named in ")


def former_update(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the update that the project has itself, in tools/."""
    program = Path(sys.executable).with_name("copier")
    done = subprocess.run(
        [sys.executable, "-m", "tools", "update", *arguments],
        cwd=project,
        env={**os.environ, "COPIER": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_former_update_brings_it_too_and_saves_an_edit_of_a_tool(before: Before) -> None:
    project, edited = before(LAST_WITH_TOOLS)
    said = former_update(project, "--in-place").stdout
    assert f" -> {NEWEST}, stack release " in said
    (saved,) = (project / ".cache" / "updates").glob("*/tools/commands/status.py.diff")
    assert saved.relative_to(project).as_posix() in said
    assert "+# Ours" in saved.read_text(encoding="utf-8")
    finish(project)
    check_what_is_there(project, edited)


def test_the_doctor_names_what_still_calls_the_tools(before: Before) -> None:
    project, _ = before(LAST_WITH_TOOLS)
    update(project)
    said = envkeep(project, "doctor").stdout
    for place in (".github/workflows/ours.yml:5", ".pre-commit-config.yaml", "local.mk:7"):
        assert place in said
    replace(project / "local.mk", "$(TOOLS)", "$(KEEP)")
    assert "local.mk" not in envkeep(project, "doctor").stdout


def test_a_new_project_names_no_tools_and_has_none(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project", SMALL)
    commit(project, "Copy")
    assert not (project / "tools").exists()
    assert "tools/ is gone" not in envkeep(project, "doctor").stdout


@pytest.mark.network
@pytest.mark.parametrize("version", ["0.1.0", LAST_WITH_TOOLS])
def test_after_copier_alone_the_project_installs_and_its_tests_pass(
    version: str, before: Before
) -> None:
    folder, edited = before(version)
    update(folder)
    project = Project(folder)
    project.make("setup")
    check_what_is_there(folder, edited)
    assert " passed" in project.make("test").stdout


@pytest.mark.network
def test_after_the_former_update_the_project_installs_and_its_tests_pass(before: Before) -> None:
    folder, edited = before(LAST_WITH_TOOLS)
    project = Project(folder)
    project.make("setup")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "--message", "Locks")
    said = former_update(folder).stdout
    branch = f"template-update-{NEWEST}"
    assert f"`git merge {branch}`, then `make install`." in said
    assert "note: tools/ is gone but still named in " in said
    project.git("merge", "--quiet", "--ff-only", branch)
    project.make("install")
    check_what_is_there(folder, edited)
    assert git(folder, "ls-files", "tools").split() == sorted(OURS)
    assert " passed" in project.make("test").stdout
    assert ", fresh" in succeeded(project.tools("status")).stdout
