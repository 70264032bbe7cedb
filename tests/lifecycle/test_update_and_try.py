"""`make update` brings a newer stack onto a branch and tries it there; nothing here is touched."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, error_sentence, new_project, pins_of, succeeded
from tests.lifecycle.test_update import change
from tests.support.copier_runs import release, stage

pytestmark = [pytest.mark.network, pytest.mark.slow]

BEFORE, NEXT = "998.0.0", "999.0.0"
BRANCH = f"template-update-{NEXT}"
OLDER = "7.36.1"
KNOWS = """
from importlib.metadata import version


def test_the_protobuf_that_we_know():
    assert version("protobuf") == "{}"
"""


@pytest.fixture(scope="module")
def project(answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return an installed project whose template has released another version of protobuf."""
    folder = tmp_path_factory.mktemp("update")
    template = stage(folder / "template", BEFORE)
    project = new_project(template, folder / "project", {**answers, "training": "none"})
    succeeded(project.tools("setup"))
    project.commit("Our project")
    project.git("tag", "start")
    change(template, "stack/constraints.txt", r"^protobuf==.*$", f"protobuf=={OLDER}")
    release(template, NEXT)
    return project


@pytest.fixture(autouse=True)
def as_at_the_start(project: Project) -> None:
    """Go back to the project before the update."""
    project.git("reset", "--quiet", "--hard", "start")
    if project.git("branch", "--list", BRANCH):
        project.git("branch", "--quiet", "--delete", "--force", BRANCH)
    succeeded(project.tools("install"))
    succeeded(project.tools("prune", "--keep", "1"))


def facts(project: Project) -> tuple[str | None, str, str]:
    """Return the active environment, the commit, and what git sees as changed."""
    return project.active(), project.git("rev-parse", "HEAD"), project.git("status", "--short")


def test_a_newer_stack_is_tried_on_a_branch(project: Project) -> None:
    before, old = facts(project), project.packages()["protobuf"]
    assert old != OLDER
    said = project.make("update").stdout
    assert f"protobuf {old} -> {OLDER}" in said
    assert "The comparison is good: the tests pass." in said
    assert facts(project) == before
    assert project.git("worktree", "list").count("\n") == 1

    made = project.environments()
    project.git("merge", "--quiet", "--ff-only", BRANCH)
    assert pins_of(project.lock_texts()["30-prod"])["protobuf"] == OLDER
    assert ", fresh" in succeeded(project.tools("status")).stdout
    assert "Making" not in succeeded(project.tools("install")).stdout
    assert project.environments() == made
    assert project.packages()["protobuf"] == OLDER
    assert "Already up to date" in project.make("update").stdout


def test_what_breaks_is_said_with_the_command_that_finds_the_culprit(project: Project) -> None:
    known = project.packages()["protobuf"]
    (project.folder / "tests" / "test_ours.py").write_text(KNOWS.format(known))
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "--message", "A test of ours")
    before = facts(project)
    sentence = error_sentence(project.tools("update"))
    assert "with the update the tests fail with it" in sentence
    assert f"BAD={BRANCH}" in sentence
    assert facts(project) == before
    assert "is there already" in error_sentence(project.tools("update"))


@pytest.mark.parametrize("moment", ["copier update", "Locked in", "Making the environment"])
def test_an_update_that_was_killed_can_be_made_again(project: Project, moment: str) -> None:
    before = facts(project)
    project.interrupted_tools("update", "--verbose", after=moment, by=signal.SIGKILL)
    assert facts(project) == before
    assert "The comparison is good" in succeeded(project.tools("update")).stdout
    assert facts(project) == before


def test_without_an_environment_it_is_not_tried(project: Project) -> None:
    link: Path = project.folder / ".venv"
    link.unlink()
    assert "run `make install`" in error_sentence(project.tools("update"))
    assert project.git("branch", "--list", BRANCH) == ""
