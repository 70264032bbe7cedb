"""Changing an answer later, each from the defaults and back, in a project with a team's work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.copier_update import own_edits
from tests.copier_update.command import make_update, saved_files
from tests.copier_update.conftest import Copies, Edited, Team, owners_of
from tests.copier_update.edits import Edit
from tests.copier_update.project_state import state_of, trouble
from tests.render.questions import Questions, answers_of
from tests.support.answer_sets import ANSWER_SETS
from tests.support.catalog import builds, rows
from tests.support.copier_runs import NEWEST, Answers, commit, update

ANSWERS_FILE = ".copier-answers.yml"
FENCE = b"# Yours from here to the end of the file.\n"
GPUS = ANSWER_SETS["gpus"]
BESIDE_ANSWERS = (own_edits.release_the_project, own_edits.configure_a_tool)
"""Edits of lines of pyproject.toml that stand next to answers, such as the version."""
WORK = [each for each in own_edits.edit if not each.alone and each.make not in BESIDE_ANSWERS]
NAMED = {"package_name": "my_ai_project"}
"""An update keeps this answer; a fresh copy would make it of the project's name."""
TOGETHER: Mapping[str, Any] = {
    "project_description": "Another sentence",
    "author_email": "team@example.org",
    "license": "Apache-2.0",
    "python_version": "3.13",
    "torch_index": "/srv/wheels",
}


def changes() -> dict[str, tuple[Answers, Answers]]:
    """Return what the project is copied with and what changes, for every answer and choice."""
    offered = [row["version"] for row in rows("pythons")]
    values: dict[str, list[Any]] = {
        "project_name": ["Another Name"],
        "package_name": ["another_name"],
        "project_description": ["Another sentence"],
        "author_name": ["Another Author"],
        "author_email": ["team@example.org"],
        "repository_url": ["https://example.org/team/project"],
        "license": ["Apache-2.0", "BSD-3-Clause", "Proprietary"],
        "training": ["none"],
        "inference": ["openvino", "native"],
        "configuration": ["hydra"],
        "backends": [[row["backend"]] for row in rows("backends")[1:]],
        "python_version": [offered[1], offered[3]],
        "torch_index": ["/srv/wheels"],
        "conda": [False],
        "docker": [False],
        "devcontainer": [False],
        "extras": [["tuning", "jupyterlab"]],
        "trackers": [["mlflow", "wandb", "tensorboard"]],
        "data_versioning": ["dvc"],
        "scale_out": [["torchrun"]],
        "serving": [True],
        "package_manager": ["uv", "poetry"],
        "ci": ["gitlab", "none"],
    }
    found: dict[str, tuple[Answers, Answers]] = {
        f"{name}-{value}": (NAMED, {name: value}) for name, each in values.items() for value in each
    }
    found["keras_backend-jax"] = ({**NAMED, "training": "keras"}, {"keras_backend": "jax"})
    for backend in ("cuda", "rocm"):
        for build in [row["build"] for row in builds() if row["backend"] == backend][1:]:
            found[build] = (GPUS, {f"{backend}_build": build})
    return found


CHANGES = changes()


def check(edited: Edited, change: Answers, fresh: Path, *, again: bool = False) -> None:
    """Change answers; the team's work must be there, and the template's part as in a fresh copy.

    Args:
        edited: The project.
        change: The answers.
        fresh: A copy with all of its answers.
        again: Whether they were given before: what an answer brings comes again with it.
    """
    update(edited.folder, change)
    assert trouble(edited.folder) == []
    assert [loss for loss in edited.lost() if not (again and loss.endswith("came back"))] == []
    found, expected = of_the_template(edited.folder), of_the_template(fresh)
    assert found == expected


def of_the_template(project: Path) -> dict[str, bytes]:
    """Return the template's files, and its parts of shared ones, but for the file of answers."""
    owners = owners_of(project)
    parts = {
        path: entry.content.partition(FENCE)[0] if owners.of(path) == "shared" else entry.content
        for path, entry in state_of(project).items()
        if owners.of(path) in ("template", "shared")
    }
    return {path: content for path, content in parts.items() if path != ANSWERS_FILE}


def test_every_question_is_among_the_changes(two_releases: Path) -> None:
    changed = {name for _, answers in CHANGES.values() for name in answers}
    assert changed == Questions.of(two_releases).asked.keys() - {"profile"}  # never changes


@pytest.mark.slow
def test_several_answers_change_at_once(team: Team, copies: Copies) -> None:
    check(team(WORK, {}, NEWEST), TOGETHER, copies(TOGETHER, NEWEST))


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_an_answer_changes_and_changes_back(name: str, team: Team, copies: Copies) -> None:
    before, change = CHANGES[name]
    copied = copies(before, NEWEST)
    edited = team(WORK, before, NEWEST)
    check(edited, change, copies({**before, **change}, NEWEST))
    commit(edited.folder, "Answered otherwise")
    check(edited, {answer: answers_of(copied)[answer] for answer in change}, copied, again=True)


@pytest.mark.slow
def test_own_jobs_stay_wherever_a_project_moves(team: Team, copies: Copies) -> None:
    edited = team(WORK, {"ci": "gitlab"}, NEWEST)
    for service in ("none", "github", "gitlab"):
        check(edited, {"ci": service}, copies({"ci": service}, NEWEST), again=True)
        assert "ours:" in (edited.folder / ".gitlab" / "local.yml").read_text(encoding="utf-8")
        commit(edited.folder, f"Move to {service}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project_description", "Another sentence"),
        ("project_name", "Another Name"),
        ("author_name", "Another Author"),
        ("author_email", "team@example.org"),
        ("repository_url", "https://example.org/team/project"),
        ("license", "Apache-2.0"),
    ],
)
def test_the_command_leaves_own_lines_beside_an_answer_and_shows_the_templates(
    name: str, value: str, team: Team, copies: Copies
) -> None:
    edited = team([*WORK, *(Edit(make) for make in BESIDE_ANSWERS)], NAMED, NEWEST)
    done = make_update(edited.folder, "--data", f"{name}={value}")
    assert done.returncode == 0, done.stderr
    assert trouble(edited.folder) == []
    assert edited.lost() == []
    assert answers_of(edited.folder)[name] == value
    fresh = copies({**NAMED, name: value}, NEWEST)
    assert of_the_template(edited.folder) == of_the_template(fresh)
    path = "pyproject.toml"
    if (edited.folder / path).read_bytes() == edited.state[path].content:
        assert saved_files(edited.folder)[path] == (fresh / path).read_bytes()
        assert f"{path}, below the fence: the template's has other lines there" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["project_name", "project_description"])
def test_copier_alone_shows_a_conflict_where_an_answer_stands_beside_own_lines(
    name: str, team: Team
) -> None:
    edited = team([Edit(make) for make in BESIDE_ANSWERS], {}, NEWEST)
    update(edited.folder, {name: "Another text"})
    found = ["pyproject.toml has conflict markers", "pyproject.toml is unmerged"]
    assert trouble(edited.folder) == found
    assert not [loss for loss in edited.lost() if "lost the line" in loss]
