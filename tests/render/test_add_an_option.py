"""The steps of docs/how-to/add-an-option.md, as they stand there, in a copy of the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from maintain.ownership.render import MADE
from scripts.ownership import main as write_ownership
from tests.render.questions import answers_of
from tests.support.add_an_option import PAGE, follow
from tests.support.copier_runs import NEWEST, commit, files_of, git, release, render, stage, update

EDITED_AT_MOST = 6
BEFORE = "998.0.0"
LATER = "999.1.0"
EXTRA = {"training": "none", "extras": ["profiling"]}
COMMAND = Path("src/my_ai_project/kit/commands/profile.py")
STANDS_FOR_IT = Path("src/my_ai_project/commands/profile.py")
TEST = Path("tests/profiling/test_profile.py")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, released before the page's steps and after them."""
    folder = stage(tmp_path_factory.mktemp("option") / "template", BEFORE)
    follow(folder)
    assert write_ownership([], folder) == 0
    release(folder, NEWEST)
    return folder


def changed_files(repository: Path) -> Mapping[str, bool]:
    """Return the files that the steps changed, and whether each is a new one."""
    lines = git(repository, "diff", "--name-status", BEFORE, NEWEST).splitlines()
    return {line.partition("\t")[2]: line.startswith("A") for line in lines}


def test_six_files_are_edited_and_the_others_are_the_extras_own(repository: Path) -> None:
    changed = changed_files(repository)
    written = {path.as_posix() for path in MADE}
    edited = {path for path, is_new in changed.items() if not is_new} - written
    assert len(edited) <= EDITED_AT_MOST, sorted(edited)
    assert edited | written == {path for path, is_new in changed.items() if not is_new}
    assert all(path.startswith("template/") for path, is_new in changed.items() if is_new)
    assert "The steps edit six files" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_the_generator(repository: Path) -> None:
    commands = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert commands == ["python scripts/ownership.py\n"]
    assert write_ownership(["--check"], repository) == 0


def test_a_project_gets_the_extra(repository: Path, tmp_path: Path) -> None:
    project = render(repository, tmp_path / "project", EXTRA)
    assert (project / COMMAND).is_file()
    assert not (project / STANDS_FOR_IT).exists(), "which only older projects need"
    assert (project / TEST).is_file()
    assert "\npyinstrument\n" in (project / "requirements/stack/40-dev.in").read_text()
    assert "\nprofile:  ##\n\t@$(KEEP) profile $(ARGS)\n" in (project / "Makefile").read_text()
    assert "\n## Profiling\n" in (project / "docs" / "extras.md").read_text()
    assert answers_of(project)["brought_profiling"] is True


def test_a_project_without_it_is_what_it_was(repository: Path, tmp_path: Path) -> None:
    answers = {"training": "none", "extras": ["jupyterlab"]}
    before = files_of(render(repository, tmp_path / "before", answers, version=BEFORE))
    after = files_of(render(repository, tmp_path / "after", answers))
    assert before.keys() == after.keys()
    differing = {path for path in after if after[path] != before[path]}
    assert differing == {".copier-answers.yml"}


def test_an_update_brings_it_once(repository: Path, tmp_path: Path) -> None:
    project = render(repository, tmp_path / "project", {"training": "none"}, version=BEFORE)
    commit(project, "First copy")
    update(project, EXTRA, version=NEWEST)
    assert (project / COMMAND).is_file()
    (project / TEST).unlink()
    commit(project, "We test it otherwise")
    git(repository, "tag", "--force", LATER)
    update(project, version=LATER)
    assert not (project / TEST).exists()
    update(project, {"extras": []}, version=LATER)
    assert not (project / COMMAND).exists()
    assert (project / "tests" / "profiling" / "__init__.py").is_file(), "the team's own"
    assert "profile" not in (project / "Makefile").read_text(encoding="utf-8")
