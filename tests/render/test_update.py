"""`copier update` from one release to the next: untrusted, without conflicts, and true to owners.

No environment is installed here; ``tests/lifecycle`` follows an update down to tests that pass.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from tests.render.conftest import Projects
from tests.render.template_files import TemplateFiles
from tests.support.answer_sets import ANSWER_SETS, PAIRS
from tests.support.copier_runs import (
    NEWEST,
    Answers,
    FileState,
    commit,
    conflicts,
    copier,
    files_of,
    programs_that_copier_starts,
    release,
    render,
    stage,
    update,
)
from tests.support.fast_copier import FastCopier

BEFORE = "998.0.0"
CHANGEABLE = {"training": "pytorch", "inference": "onnxruntime", "backends": ["cpu"]}

SWITCHES = [
    ("training", "none", "pytorch", "uses_training"),
    pytest.param("inference", "native", "onnxruntime", "uses_onnxruntime", marks=pytest.mark.slow),
    pytest.param("extras", [], ["tuning"], "uses_tuning", marks=pytest.mark.slow),
    ("trackers", [], ["mlflow", "tensorboard"], "uses_trackers"),
    ("scale_out", [], ["torchrun"], "uses_torchrun"),
    ("scale_out", ["torchrun"], ["slurm"], "uses_slurm"),
    ("scale_out", ["torchrun"], ["ray"], "uses_ray"),
    ("configuration", "pydantic", "hydra", "uses_hydra"),
    ("data_versioning", "none", "dvc", "uses_dvc"),
    ("serving", False, True, "serves_predictions"),
]
"""Answers that decide on files that are yours: a value without them, one with them, the flag."""

PRODUCTION = "requirements/stack/30-prod.in"
LINT = "requirements/stack/50-lint.in"  # has the types of what production holds

Copied = Callable[[Answers], Path]
Files = dict[str, FileState]


@pytest.fixture
def old_template(tmp_path: Path) -> Path:
    """Return the template as it stands, as a release before the newest."""
    return stage(tmp_path / "template", BEFORE)


@pytest.fixture
def copied(old_template: Path, tmp_path: Path) -> Copied:
    """Return a function that copies the old release and commits the project."""

    def copy(answers: Answers) -> Path:
        project = render(old_template, tmp_path / "project", answers)
        commit(project, "First copy")
        return project

    return copy


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that a file must have."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} has no {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def release_changes(template: Path) -> None:
    """Release changes to all kinds of files of the template: owned, shared, new, gone and seeds."""
    files = template / "template"
    change(files / "Makefile.jinja", "# Project\n", "# Project\nnew:  ## of the next release\n")
    change(files / "keep.py", '"""', '"""New: ')
    change(files / "pyproject.toml.jinja", "[build-system]\n", "# New.\n[build-system]\n")
    change(files / ".gitignore.jinja", "*.egg-info/\n", "*.egg-info/\n/new/\n")
    change(template / "stack" / "release.yml", 'name: "', 'name: "1')
    (files / "docs" / "new.md").write_text("# New\n", encoding="utf-8")
    (files / "docs" / "checks.md").unlink()
    change(files / "README.md.jinja", "## Start", "## Begin")
    change(files / "local.mk", "# Yours", "# All yours")
    release(template, NEWEST)


def by_owner(files: Files, template_files: TemplateFiles) -> tuple[Files, Files]:
    """Part the files of a project into the team's and the others."""
    yours = {path: file for path, file in files.items() if template_files.is_yours(path)}
    return yours, {path: file for path, file in files.items() if path not in yours}


def yours_on(flag: str, project: Path, template_files: TemplateFiles) -> list[str]:
    """Return the files of a project that are yours and that it has because of a flag."""
    rows = [row for row in template_files.table.rows_of("yours") if row.when == flag]
    return [path for path in files_of(project) if any(row.means(path) for row in rows)]


@pytest.mark.parametrize(
    "name",
    [
        "defaults",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ANSWER_SETS if name != "defaults"),
    ],
)
def test_a_project_left_alone_becomes_as_a_fresh_copy(
    name: str, old_template: Path, copied: Copied, tmp_path: Path
) -> None:
    project = copied(ANSWER_SETS[name])
    seeds = {path: (project / path).read_bytes() for path in ("README.md", "local.mk")}
    release_changes(old_template)
    done = copier("update", "--defaults", str(project))
    assert done.returncode == 0, done.stderr
    assert conflicts(project) == []
    assert {path: (project / path).read_bytes() for path in seeds} == seeds
    fresh = render(old_template, tmp_path / "fresh", ANSWER_SETS[name])
    expected, found = files_of(fresh), files_of(project)
    assert found.keys() == expected.keys()
    assert {path for path in found if found[path] != expected[path]} == seeds.keys()


@pytest.mark.parametrize("name", PAIRS)
def test_a_release_rendered_again_from_the_answers_is_the_project(
    name: str, template: Path, projects: Projects, fast_copier: FastCopier, tmp_path: Path
) -> None:
    """`make update` takes what differs for edits of the user."""
    project = projects(PAIRS[name])
    shutil.copy2(project / ".copier-answers.yml", tmp_path)
    with fast_copier.active():
        render(template, tmp_path, version=NEWEST)
    expected, found = files_of(project), files_of(tmp_path)
    assert found.keys() == expected.keys()
    assert {path for path in found if found[path] != expected[path]} == set()


def test_an_update_starts_nothing_but_git(old_template: Path, copied: Copied) -> None:
    project = copied({})
    release_changes(old_template)
    assert set(programs_that_copier_starts("update", "--defaults", str(project))) == {"git"}
    assert not (project / ".venv").exists()


def test_what_is_yours_stays_as_you_left_it(
    old_template: Path, copied: Copied, template_files: TemplateFiles
) -> None:
    project = copied({})
    for path in ("README.md", "local.mk", "configs/train.yaml", "requirements/40-dev.in"):
        (project / path).write_text("# ours\n", encoding="utf-8")
    gone = ["tests/training/test_data.py", "docs/make-it-yours.md", "requirements/overrides.txt"]
    for path in gone:
        (project / path).unlink()
    for path in ("pyproject.toml", ".gitignore"):
        (project / path).write_text(
            (project / path).read_text(encoding="utf-8") + "\n# ours\n", encoding="utf-8"
        )
    commit(project, "Our work")
    before = files_of(project)
    release_changes(old_template)
    update(project)
    assert conflicts(project) == []
    after = files_of(project)
    assert not after.keys() & set(gone)
    assert by_owner(after, template_files)[0] == by_owner(before, template_files)[0]
    for path, new in (("pyproject.toml", b"# New.\n"), (".gitignore", b"/new/\n")):
        assert new in after[path].content
        assert after[path].content.endswith(b"\n# ours\n")


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), list(permutations(ANSWER_SETS, 2)))
def test_an_update_can_switch_training_inference_and_backends(
    before: str, after: str, template_files: TemplateFiles, projects: Projects, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects(ANSWER_SETS[before]), project)
    commit(project, "First copy")
    old, fresh = files_of(project), files_of(projects(ANSWER_SETS[after]))
    update(project, {**CHANGEABLE, **ANSWER_SETS[after]})
    assert conflicts(project) == []
    found = files_of(project)
    assert found.keys() >= fresh.keys()
    yours, theirs = by_owner(found, template_files)
    assert yours.items() >= by_owner(old, template_files)[0].items()
    expected = by_owner(fresh, template_files)[1]
    assert theirs.keys() == expected.keys()
    different = {path for path in theirs if theirs[path] != expected[path]}
    assert different <= {".copier-answers.yml"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "stays"),
    [
        ("none-onnxruntime", "none-http-api", "inference/predictor.py"),
        ("none-llama-cpp", "none-openvino", "generation/generator.py"),
    ],
)
def test_what_your_commands_import_stays_when_inference_does_something_else(
    before: str,
    after: str,
    stays: str,
    template_files: TemplateFiles,
    projects: Projects,
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects(PAIRS[before]), project)
    commit(project, "First copy")
    old, fresh = files_of(project), files_of(projects(PAIRS[after]))
    update(project, PAIRS[after])
    assert conflicts(project) == []
    found = files_of(project)
    stays = f"src/my_ai_project/{stays}"
    assert stays in found.keys() - fresh.keys()
    yours, theirs = by_owner(found, template_files)
    assert yours.items() >= by_owner(old, template_files)[0].items()
    expected = by_owner(fresh, template_files)[1]
    different = {path for path in expected if theirs.get(path) != expected[path]}
    assert different <= {".copier-answers.yml", PRODUCTION, LINT}
    assert b"numpy\n" in theirs[PRODUCTION].content, "commands of yours predict with it"
    commit(project, "Switched")
    update(project)
    assert stays in files_of(project)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "without", "with_them", "flag"), SWITCHES)
def test_your_files_that_an_update_brought_are_left_alone_too(
    answer: str,
    without: str,
    with_them: str,
    flag: str,
    old_template: Path,
    copied: Copied,
    template_files: TemplateFiles,
) -> None:
    project = copied({answer: without})
    update(project, {answer: with_them})
    commit(project, "Switched on")
    kept, *_, gone = yours_on(flag, project, template_files)
    (project / kept).write_text("# ours\n", encoding="utf-8")
    (project / gone).unlink()
    commit(project, "Our work")
    places = (old_template / "template", *(old_template / "template").glob("{{*}}"))
    sources = [path for place in places for path in place.glob(f"{kept}*")]
    assert sources
    for source in sources:
        source.write_text("# of the next release\n", encoding="utf-8")
    release_changes(old_template)
    update(project)
    assert conflicts(project) == []
    assert (project / kept).read_text(encoding="utf-8") == "# ours\n"
    assert not (project / gone).exists()


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "without", "with_them", "flag"), SWITCHES)
def test_your_files_stay_when_their_answer_is_switched_off_and_on_again(
    answer: str,
    without: str,
    with_them: str,
    flag: str,
    copied: Copied,
    template_files: TemplateFiles,
) -> None:
    project = copied({answer: with_them})
    first = files_of(project)
    kept, *_, gone = yours_on(flag, project, template_files)
    (project / kept).write_text("# ours\n", encoding="utf-8")
    (project / gone).unlink()
    commit(project, "Our work")
    before, _ = by_owner(files_of(project), template_files)
    update(project, {answer: without})
    assert conflicts(project) == []
    commit(project, "Switched off")
    off, _ = by_owner(files_of(project), template_files)
    assert off.items() >= before.items()
    assert gone not in off
    update(project, {answer: with_them})
    assert conflicts(project) == []
    again = files_of(project)
    changed = {path for path, file in first.items() if again.get(path) != file}
    assert changed == {kept}


def test_what_stands_for_the_kit_goes_when_it_is_told_to(
    old_template: Path, tmp_path: Path, template_files: TemplateFiles
) -> None:
    project = render(old_template, tmp_path / "project", version="0.1.0")
    commit(project, "First copy")
    update(project)
    commit(project, "Updated")
    rows = template_files.table.paths
    table = template_files.table
    former = [row for row in rows if row.layout == "was_flat" or table.needs(row, "was_flat")]
    before = files_of(project)
    standing = {path for path in before if any(row.means(path) for row in former)}
    assert len(standing) > 20
    update(project, {"source_layout": "kit"})
    assert conflicts(project) == []
    after = files_of(project)
    assert before.keys() - after.keys() == standing
    changed = {path for path, file in after.items() if before.get(path) != file}
    described = {"docs/training.md", "requirements/stack/owners.json"}
    of_kit = {path for path in changed - before.keys() if "/kit/commands/" in path}
    assert len(of_kit) == 5, "those that train"
    assert changed - of_kit == {".copier-answers.yml", *described}


@pytest.mark.parametrize("operation", ["copy", pytest.param("recopy", marks=pytest.mark.slow)])
def test_a_copy_over_your_files_leaves_them_alone(
    operation: str, old_template: Path, copied: Copied, template_files: TemplateFiles
) -> None:
    project = copied({})
    yours, theirs = by_owner(files_of(project), template_files)
    for path in yours:
        (project / path).write_text("# ours\n", encoding="utf-8")
    commit(project, "Our work")
    before, _ = by_owner(files_of(project), template_files)
    places = [str(project)] if operation == "recopy" else [str(old_template), str(project)]
    done = copier(operation, "--defaults", "--overwrite", *places)
    assert done.returncode == 0, done.stderr
    after, of_template = by_owner(files_of(project), template_files)
    assert after == before
    assert of_template == theirs
