"""A profile decides what the other questions propose, for a new project and for no other."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.support.answer_sets import PAIRS
from tests.support.catalog import rows
from tests.support.copier_runs import commit, copier_here, files_of, texts_of

RECOMMENDED: dict[str, Any] = {
    "docker": True,
    "devcontainer": True,
    "conda": True,
    "ci": "github",
    "extras": [],
}
MINIMAL = {"docker": False, "conda": False, "ci": "none", "extras": []}
FIRST_PAIRS = {answers["training"]: name for name, answers in reversed(PAIRS.items())}
"""One runtime for each training."""
CASES = [
    *(("everything", pair) for pair in PAIRS),
    *((name, pair) for name in ("minimal", "recommended") for pair in FIRST_PAIRS.values()),
]
SAME_EVERYWHERE = ("requirements/stack/catalog.json",)
"""It names all hardware."""
TARGET = re.compile(r"^([a-z-]+):  ##", re.MULTILINE)


def proposed_by(profile: str, training: str, inference: str) -> dict[str, Any]:
    """Return the answers that a profile proposes."""
    if profile == "minimal":
        return MINIMAL
    (framework,) = (row for row in rows("frameworks") if row["framework"] == training)
    fitting = [
        row["extra"]
        for row in rows("extras")
        if training in row["training"]
        and (inference in framework["generates"] or not row.get("generates"))
    ]
    return {**RECOMMENDED, "extras": fitting if profile == "everything" else []}


@pytest.mark.parametrize(("profile", "pair"), CASES)
def test_a_profile_is_short_for_its_answers(profile: str, pair: str, projects: Projects) -> None:
    proposed = proposed_by(profile, PAIRS[pair]["training"], PAIRS[pair]["inference"])
    project = projects({**PAIRS[pair], "profile": profile})
    stored = answers_of(project)
    assert {name: stored.get(name) for name in RECOMMENDED} == {"devcontainer": None, **proposed}
    assert without_answers(project) == without_answers(projects({**PAIRS[pair], **proposed}))


def without_answers(project: Path) -> dict[str, Any]:
    found = dict(files_of(project))
    del found[".copier-answers.yml"]
    return found


def test_without_a_profile_a_project_is_as_recommended(projects: Projects) -> None:
    assert files_of(projects({})) == files_of(projects({"profile": "recommended"}))


def absent(minimal: Path, recommended: Path) -> Iterator[str]:
    """Yield patterns of the files and targets that the minimal project has not."""
    for path in sorted(files_of(recommended).keys() - files_of(minimal).keys()):
        names = {path, path.removeprefix("docs/")}
        yield from (rf"(?<![\w./-]){re.escape(name)}(?![\w-])" for name in names)
    targets = [TARGET.findall((each / "Makefile").read_text()) for each in (recommended, minimal)]
    missing = set(targets[0]) - set(targets[1])
    assert missing >= {"image", "conda"}
    yield from (rf"\bmake {name}\b" for name in sorted(missing))
    yield from (
        r"\bat every push\b(?<!can check at every push)",
        r"[Dd]evcontainer",
        r"\bcompose\b",
    )


@pytest.mark.parametrize("training", FIRST_PAIRS)
def test_a_minimal_project_names_nothing_that_is_not_there(
    training: str, projects: Projects
) -> None:
    chosen = {"training": training}
    minimal = projects({**chosen, "profile": "minimal"})
    patterns = [re.compile(text) for text in absent(minimal, projects(chosen))]
    texts = texts_of(minimal)
    for path in SAME_EVERYWHERE:
        del texts[path]
    named = [
        (path, found.group())
        for path, text in texts.items()
        for pattern in patterns
        if (found := pattern.search(text))
    ]
    assert named == []


def test_an_answer_given_otherwise_wins(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    given = ["--data", "profile=minimal", "--data", "docker=true"]
    done = copier_here("copy", "--defaults", *given, str(template), str(project), shared=True)
    assert done.returncode == 0, done.stderr
    expected = {**MINIMAL, "docker": True, "devcontainer": False, "profile": "minimal"}
    assert answers_of(project).items() >= expected.items()
    assert (project / "Dockerfile").is_file()
    assert not (project / ".devcontainer").exists()


def test_an_update_refuses_another_profile(projects: Projects, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects({"profile": "minimal"}), project)
    commit(project, "First copy")
    before = files_of(project)
    done = copier_here("update", "--defaults", "--data", "profile=everything", str(project))
    assert done.returncode != 0
    assert "a profile is for new projects, and this one has answers already" in done.stderr
    assert files_of(project) == before
