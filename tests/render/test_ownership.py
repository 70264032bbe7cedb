"""Every file of a project has one owner, and says so where it can."""

from __future__ import annotations

import re
from pathlib import Path

from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.render.template_files import TemplateFiles, in_project
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import files_of

SHARED = {"pyproject.toml", ".gitignore"}
"""A fence of three lines parts the template's lines from yours."""

SILENT = re.compile(r"\.copier-answers\.yml|\.python-version|src/\w+/(answers\.json|py\.typed)")
"""The template's, but their formats or their readers allow no such line."""

FROM_FIRST_ANSWERS = {"README.md", "LICENSE"}
"""Yours, and written from answers that can change; they tell what was true at the first copy."""

OWNED = re.compile(
    r"""(# |<!-- |\{"about": ")Owned by the template: every update rewrites this file\. """
    r"""[A-Z].{15,}\.( -->|",)?"""
)
FENCE = re.compile(r"^# (-{40})\n# Yours from here to the end of the file\.\n# \1\n", re.MULTILINE)


def first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]


def test_the_templates_files_say_so_and_name_the_place_for_yours(
    project: Path, template_files: TemplateFiles
) -> None:
    owned = {path for path in files_of(project) if OWNED.fullmatch(first_line(project / path))}
    silent = {path for path in files_of(project) if path in SHARED or SILENT.fullmatch(path)}
    yours = {path for path in files_of(project) if template_files.is_yours(path)}
    assert not owned & yours
    assert files_of(project).keys() - silent - yours == owned


def test_shared_files_have_one_fence(project: Path, template_files: TemplateFiles) -> None:
    for path in SHARED:
        assert not template_files.is_yours(path)
        assert len(FENCE.findall((project / path).read_text(encoding="utf-8"))) == 1, path


def test_silent_files_are_the_templates(project: Path, template_files: TemplateFiles) -> None:
    silent = [path for path in files_of(project) if SILENT.fullmatch(path)]
    assert len(silent) >= 3
    assert not [path for path in silent if template_files.is_yours(path)]


def test_your_files_do_not_depend_on_answers_that_can_change(
    projects: Projects, template_files: TemplateFiles
) -> None:
    seen: dict[str, bytes] = {}
    for runtimes in ANSWER_SETS.values():
        project = projects({**runtimes, "python_version": "3.11", "license": "Apache-2.0"})
        other = projects(runtimes)
        for path, file in [*files_of(project).items(), *files_of(other).items()]:
            if template_files.is_yours(path) and path not in FROM_FIRST_ANSWERS:
                assert seen.setdefault(path, file.content) == file.content, path


def test_every_entry_means_a_file_of_the_template(template_files: TemplateFiles) -> None:
    paths = [in_project(path, "package") for path in template_files.paths]
    for entry in template_files.exclusions:
        assert any(map(entry.matches, paths)), entry


def test_files_of_a_project_come_from_the_template(
    project: Path, template_files: TemplateFiles
) -> None:
    package = str(answers_of(project)["package_name"])
    known = {in_project(path, package) for path in template_files.paths}
    known.add(".copier-answers.yml")
    assert files_of(project).keys() <= known
