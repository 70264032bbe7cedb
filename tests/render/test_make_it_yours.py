"""What a project's docs/make-it-yours.md has people change, for every framework."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from tests.render.conftest import Projects
from tests.support.copier_runs import commit, git
from tests.support.make_it_yours import PAGE, changed, follow, sections

FRAMEWORKS = {
    "pytorch": {"training": "pytorch"},
    "keras": {"training": "keras"},
    "jax": {"training": "jax"},
    "huggingface": {"training": "huggingface", "inference": "onnxruntime"},
}
ARRAYS = ["A table and a number", "Two inputs", "Images in folders"]
TEXTS = ["Texts and labels of your own"]
CASES = [
    (name, task) for name in FRAMEWORKS for task in (TEXTS if name == "huggingface" else ARRAYS)
]
MOST_FILES, MOST_LINES = 8, 200


@pytest.fixture
def project(framework: str, projects: Projects, tmp_path: Path) -> Path:
    """A project that was copied and committed."""
    folder = shutil.copytree(projects(FRAMEWORKS[framework]), tmp_path / "project")
    commit(folder, "The copy")
    return folder


@pytest.mark.parametrize(("framework", "task"), CASES)
def test_another_task_changes_few_files_and_lines(project: Path, framework: str, task: str) -> None:
    assert [(framework, each) for each in sections(project)] == [
        case for case in CASES if case[0] == framework
    ]
    follow(project, task)
    files, lines = changed(git(project, "diff", "--numstat"))
    assert len(files) <= MOST_FILES, files
    assert lines <= MOST_LINES
    for path in files:
        if path.endswith(".py") and (project / path).exists():
            ast.parse((project / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_page_names_what_is_there(project: Path) -> None:
    text = (project / PAGE).read_text(encoding="utf-8")
    (package,) = (path.name for path in (project / "src").iterdir())
    for name in ("task.py", "model.py", "data.py"):
        assert f"| `src/{package}/{name}` |" in text
    data = (project / "src" / package / "data.py").read_text(encoding="utf-8")
    assert "# From here on nothing knows what the data is." in data
    assert "docs/make-it-yours.md" in (project / "README.md").read_text(encoding="utf-8")


def test_a_project_that_trains_language_models_says_what_its_own_text_takes(
    projects: Projects,
) -> None:
    text = (projects({"training": "huggingface"}) / PAGE).read_text(encoding="utf-8")
    assert "`data.path`" in text
    assert "git rm" not in text
