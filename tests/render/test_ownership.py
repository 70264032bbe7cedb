"""Every file of a project has one owner, and says so where it can."""

from __future__ import annotations

import re
from pathlib import Path

from envkeep.project.ownership import Owners
from maintain.ownership.table import PathRow
from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.render.template_files import TemplateFiles, in_project
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import files_of

FROM_FIRST_ANSWERS = {"README.md", "LICENSE", "project.code-workspace"}
"""Yours, and written from answers that can change; they tell what was true at the first copy."""

NEVER_TOGETHER = (
    {"pytorch", "jax", "keras", "huggingface"},
    {"pytorch", "jax", "keras", "language_model", "text_classifier"},
    {"on_torch", "on_jax"},
    {"pytorch", "via_onnx"},
    {"classifier", "language_model", "text_classifier"},
    {"predictor", "language_model"},
    {"gguf", "served"},
    {"digits_page", "text_page", "text_classifier"},
    {"digits", "text_classifier"},
    {"jax", "keras", "torch_export"},
    {"via_onnx", "torch_export"},
    {"flat_classifier", "flat_generator"},
)
"""Overlays of which a project takes one."""

OWNED = re.compile(
    r"""(# |// |<!-- |\{"about": ")Owned by the template: every update rewrites this file\. """
    r"""[A-Z].{15,}\.( -->|",)?"""
)
FENCE = re.compile(r"^# (-{40})\n# Yours from here to the end of the file\.\n# \1\n", re.MULTILINE)
ADD_A_ROW = (
    "{} is in no row of ownership/paths.yml: add `- {{path: {}, owner: template}}` (or yours, with "
    "`when:` if an answer decides), run `python scripts/ownership.py`, commit what it wrote"
)


def first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]


def row_of(path: str, template_files: TemplateFiles) -> PathRow:
    row = template_files.table.row_of(path)
    assert row, ADD_A_ROW.format(path, re.sub(r"^src/\w+/", "src/*/", path))
    return row


def test_every_file_of_the_template_has_a_row(template_files: TemplateFiles) -> None:
    for path in template_files.paths:
        row_of(in_project(path, "package"), template_files)


def test_no_row_but_the_generated_is_without_a_file(template_files: TemplateFiles) -> None:
    paths = [in_project(path, "package") for path in template_files.paths]
    for row in template_files.table.paths:
        found = [path for path in paths if row.means(path)]
        if row.owner == "generated":
            assert not found, f"{row.path} is made by commands; the template must not render it"
        else:
            assert found, f"nothing is {row.path} any more: move its row to ownership/retired.yml"


def test_every_file_of_a_project_is_there_on_its_condition(
    project: Path, template_files: TemplateFiles
) -> None:
    """What an answer switches off is not there, and all else is."""
    package = str(answers_of(project)["package_name"])
    known = template_files.sources(package)
    files = files_of(project).keys()
    assert files <= known.keys()
    on: dict[tuple[str, ...], bool] = {}
    for path in sorted(known):
        conditions = (row_of(path, template_files).when, *sorted(known[path]))
        assert on.setdefault(conditions, path in files) == (path in files), path
    assert on["always", ""]


def test_no_two_files_of_the_template_become_one_of_a_project(
    template_files: TemplateFiles,
) -> None:
    for path, overlays in template_files.sources("package").items():
        assert len(overlays) == 1 or any(overlays <= group for group in NEVER_TOGETHER), path


def test_an_adopted_repository_gets_none_of_what_it_has_and_all_else(
    projects: Projects, template_files: TemplateFiles
) -> None:
    for answers in ANSWER_SETS.values():
        usual = files_of(projects(answers)).keys()
        adopted = files_of(projects({**answers, "adopted": True})).keys()
        left_out = {path for path in usual if not _is_in_adopted(path, template_files)}
        assert {"tests/test_cli.py", "models/.gitignore"} <= left_out
        assert adopted == usual - left_out


def _is_in_adopted(path: str, template_files: TemplateFiles) -> bool:
    return template_files.table.is_in_adopted(row_of(path, template_files))


def test_no_empty_folder_is_made(project: Path) -> None:
    folders = [path for path in project.rglob("*") if path.is_dir()]
    assert not [path for path in folders if not any(path.iterdir())]


def test_the_templates_files_say_so_and_name_the_place_for_yours(
    project: Path, template_files: TemplateFiles
) -> None:
    for path in files_of(project):
        row = row_of(path, template_files)
        says_so = OWNED.fullmatch(first_line(project / path)) is not None
        assert says_so == (row.owner == "template" and not row.silent), path


def test_shared_files_have_one_fence(project: Path, template_files: TemplateFiles) -> None:
    files = files_of(project)
    fenced = {
        path
        for path, file in files.items()
        if len(FENCE.findall(file.content.decode(errors="replace"))) == 1
    }
    shared = {row.path for row in template_files.table.rows_of("shared")}
    assert fenced == shared & files.keys()
    assert {".gitignore", "pyproject.toml"} <= fenced


def test_a_project_is_told_the_owners_of_what_it_has(
    project: Path, template_files: TemplateFiles
) -> None:
    owners = Owners.parse((project / "requirements" / "stack" / "owners.json").read_bytes())
    files = files_of(project)
    for path in files:
        assert owners.of(path) == row_of(path, template_files).owner
    assert owners.of("src/own/layers.py") is None
    assert owners.of("requirements/locks/linux-x86_64-cpu/10-torch.txt") == "generated"
    package = f"src/{answers_of(project)['package_name']}"
    for path in {f"{package}/train/__init__.py", f"{package}/commands/serve.py"} - files.keys():
        assert owners.of(path) is None, "a place where only other projects have a file"


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
