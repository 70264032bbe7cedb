"""The template's own tree: plain files, plain Python, and nothing that Copier could run."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from tests.render.cells import Cell
from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.render.template_files import ANSWERS_FILE, SUFFIX, TemplateFiles, in_project
from tests.support.copier_runs import commit, files_of, git, release, render, stage

WINDOWS_CHARACTERS = re.compile(r'[<>:"|?*\\\x00-\x1f]')
REACHES_OUT = re.compile(r"\|\s*(expandvars|expanduser|fileglob|realpath|random|uuid|shuffle)\b")
"""Filters that work without trust, and make a file depend on the machine or on chance."""

CODE = ("src/", "keep.py", "requirements/stack/wheels/")
MOST_FILES = 135
"""What a project of the defaults may have; it had 265 when it carried envkeep as source."""

JUNK = {
    "*.py[co]": "module.pyc",
    "__pycache__": "__pycache__/module",
    ".mypy_cache": ".mypy_cache/cache.json",
    ".pytest_cache": ".pytest_cache/README.md",
    ".ruff_cache": ".ruff_cache/cache",
    ".DS_Store": ".DS_Store",
    "*~": "cli.py~",
}
"""One file for every line of ``_exclude`` without a condition."""


def test_no_symbolic_link(template: Path) -> None:
    modes = git(template, "ls-files", "--stage").splitlines()
    assert not [line for line in modes if not line.startswith("100")]


def test_names_can_be_cloned_on_windows(template: Path) -> None:
    paths = git(template, "ls-files", "-z").split("\0")
    assert not [path for path in paths if WINDOWS_CHARACTERS.search(path)]


def test_no_name_has_a_tag_but_an_overlays_and_the_packages(
    template_files: TemplateFiles,
) -> None:
    """An overlay is at the top or nowhere; no name but Copier's own needs quotes in a shell."""
    paths = [in_project(path, "package") for path in template_files.paths]
    assert not [path for path in paths if re.search(r"[{}%#]", path)]
    assert [path for path in template_files.paths if " " in path] == [f"{ANSWERS_FILE}{SUFFIX}"]


def test_files_for_the_projects_git_do_not_act_here(template_files: TemplateFiles) -> None:
    assert {".gitignore", ".gitattributes"}.isdisjoint(template_files.paths)


def test_python_and_wheels_are_copied_without_a_changed_line(
    cell: Cell, project: Path, template_files: TemplateFiles
) -> None:
    files = files_of(project)
    package = str(answers_of(project)["package_name"])
    sources = defaultdict(list)
    for path in template_files.plain:
        sources[in_project(path, package)].append((template_files.folder / path).read_bytes())
    compared = [path for path in files if path.startswith(CODE) and path in sources]
    assert len(compared) > 20, cell
    for path in compared:
        assert files[path].content in sources[path], path


def test_few_files_need_an_answer(template_files: TemplateFiles) -> None:
    rendered = [path for path in template_files.paths if path.endswith(SUFFIX)]
    code = [path for path in rendered if in_project(path, "package").startswith(CODE)]
    assert not [path for path in code if path.endswith(f".py{SUFFIX}")]
    assert len(code) == 2, code


def test_a_project_has_few_files(projects: Projects) -> None:
    assert len(files_of(projects({}))) <= MOST_FILES


def test_the_only_code_beside_yours_is_the_launcher(project: Path) -> None:
    code = {path for path in files_of(project) if path.endswith((".py", ".sh"))}
    yours = ("src/", "tests/", "slurm/")
    assert {path for path in code if not path.startswith(yours)} == {"keep.py"}


def test_tests_of_the_project_need_the_packages_name_alone(template_files: TemplateFiles) -> None:
    for path in template_files.paths:
        if in_project(path, "package").startswith("tests/"):
            text = (template_files.folder / path).read_text(encoding="utf-8")
            asked = set(re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text))
            assert asked <= {"{{ package_name }}"}, path


@pytest.mark.parametrize("folder", ["questions", "template"])
def test_no_text_reaches_out_of_the_template(folder: str, template: Path) -> None:
    for path in (template / folder).rglob("*"):
        if path.is_file() and path.suffix != ".whl":
            assert not REACHES_OUT.search(path.read_text(encoding="utf-8")), path


def test_junk_is_never_copied(tmp_path: Path) -> None:
    template = stage(tmp_path / "template")
    assert TemplateFiles(template).never_part == JUNK.keys()
    for name in JUNK.values():
        junk = template / "template" / "docs" / name
        junk.parent.mkdir(exist_ok=True)
        junk.write_text("junk\n", encoding="utf-8")
    git(template, "add", "--force", "template")
    release(template, "999.0.1")
    project = render(template, tmp_path / "project")
    assert not [path for path, file in files_of(project).items() if file.content == b"junk\n"]
    assert not [path for path in project.rglob("*cache*") if path.is_dir()]


@pytest.mark.parametrize("rule", ["wheels/", "*.whl", "*.json\n*.txt\n*.toml"])
def test_git_has_what_envkeep_needs_whatever_the_team_ignores(
    rule: str, projects: Projects, tmp_path: Path
) -> None:
    project = shutil.copytree(projects({}), tmp_path / "project")
    with (project / ".gitignore").open("a", encoding="utf-8") as file:
        file.write(f"{rule}\n")  # such as GitHub's template for Python has
    commit(project, "The copy")
    tracked = git(project, "ls-files", "requirements/stack").split()
    files = (path for path in (project / "requirements/stack").rglob("*") if path.is_file())
    assert sorted(tracked) == sorted(path.relative_to(project).as_posix() for path in files)
    assert any(path.endswith(".whl") for path in tracked)
