"""Backends and builds of torch: what is asked, what is refused, and what a project gets."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier._main import Worker

from tests.render.conftest import Projects
from tests.render.template_files import TemplateFiles
from tests.support import catalog
from tests.support.copier_runs import (
    FileState,
    commit,
    conflicts,
    copier_here,
    files_of,
    release,
    render,
    stage,
    update,
)

NOT_IN_PROJECTS = {"sources", "requires"}
ASKED = [row for row in catalog.builds() if row["backend"] in ("cuda", "rocm")]


@pytest.fixture(scope="module")
def choices(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return the choices of the questions about hardware, label by value."""
    project = tmp_path_factory.mktemp("asked") / "project"
    with Worker(str(template), project, defaults=True, quiet=True) as worker:
        worker.run_copy()
        asked = worker.template.questions_data
        rendered = {
            name: yaml.safe_load(worker._render_string(asked[name]["choices"]))
            for name in ("backends", "cuda_build", "rocm_build")
        }
    return {
        name: {value: label for label, value in rows.items()} for name, rows in rendered.items()
    }


def test_every_backend_and_build_is_offered(choices: dict[str, dict[str, str]]) -> None:
    assert list(choices["backends"]) == [row["backend"] for row in catalog.rows("backends")]
    for backend in ("cuda", "rocm"):
        offered = [row["build"] for row in ASKED if row["backend"] == backend]
        assert list(choices[f"{backend}_build"]) == offered


@pytest.mark.parametrize("build", ASKED, ids=lambda row: row["build"])
def test_the_label_of_a_build_tells_its_drivers_and_gpus(
    build: catalog.Row, choices: dict[str, dict[str, str]]
) -> None:
    label = choices[f"{build['backend']}_build"][build["build"]]
    assert label.startswith(build["title"])
    for floor in build["driver"].values():
        assert re.search(rf"driver .*\b{re.escape(floor)}\b", label)
    for row in catalog.rows("gpus"):
        if row["backend"] == build["backend"]:
            codes = {code for codes in build["gpu_targets"].values() for code in codes}
            same = bool(codes & set(row["targets"]))
            assert not same or row["generation"] in label


def test_an_old_gpu_is_named_by_the_builds_that_serve_it_alone(
    choices: dict[str, dict[str, str]],
) -> None:
    """A GPU runs the code of older minors of its own major, never that of another major."""
    targets = {row["generation"]: row["targets"] for row in catalog.rows("gpus")}
    for build in (row for row in ASKED if row["backend"] == "cuda"):
        label = choices["cuda_build"][build["build"]]
        codes = {code for codes in build["gpu_targets"].values() for code in codes}
        majors = {code.split(".")[0] for code in codes}
        for generation in re.findall(r"Maxwell|Pascal|Volta|Hopper|Ada Lovelace", label):
            assert {target.split(".")[0] for target in targets[generation]} & majors


def test_a_project_gets_the_whole_catalog(projects: Projects) -> None:
    project = projects({})
    content = json.loads(
        (project / "requirements" / "stack" / "catalog.json").read_text(encoding="utf-8")
    )
    del content["about"]
    assert content == {
        table: [
            {key: value for key, value in row.items() if key not in NOT_IN_PROJECTS}
            for row in catalog.rows(table)
        ]
        for table in ("platforms", "backends", "builds", "gpus", "companions", "indexes")
    }


@pytest.mark.parametrize(
    ("answers", "builds"),
    [
        ({}, ["cpu"]),
        ({"backends": ["mps", "cuda"]}, ["cpu", "cuda", "mps"]),
        ({"backends": []}, ["cpu"]),
        ({"backends": ["cpu", "rocm", "xpu"]}, ["cpu", "rocm", "xpu"]),
    ],
    ids=["defaults", "without-cpu", "nothing", "with-cpu"],
)
def test_the_cpu_is_always_among_the_backends(
    answers: dict[str, Any], builds: list[str], projects: Projects
) -> None:
    assert list(facts_of(projects(answers))["builds"]) == builds


@pytest.mark.parametrize("build", ASKED, ids=lambda row: row["build"])
def test_the_chosen_build_brings_its_pins(build: catalog.Row, projects: Projects) -> None:
    backend = build["backend"]
    project = projects({"backends": [backend], f"{backend}_build": build["build"]})
    assert facts_of(project)["builds"][backend] == build["build"]
    pins = (catalog.STACK / "constraints" / f"{build['build']}.txt").read_text(encoding="utf-8")
    path = project / "requirements" / "stack" / f"constraints-{backend}.txt"
    assert path.read_text(encoding="utf-8").endswith(pins)


def test_other_backends_bring_no_pins(projects: Projects) -> None:
    stack = projects({"backends": ["mps"]}) / "requirements" / "stack"
    assert [path.name for path in stack.glob("constraints*")] == ["constraints.txt"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("backends=[tpu, cuda]", "tpu is not a backend of this template: answer backends with cpu"),
        ("cuda_build=cu999", "cu999 is not a CUDA build of torch {torch}: answer cuda_build with"),
        ("cuda_build={rocm}", "{rocm} is not a CUDA build of torch {torch}: answer cuda_build"),
        ("rocm_build=rocm0", "rocm0 is not a ROCm build of torch {torch}: answer rocm_build with"),
        ("python_version=3.9", "3.9 is not a Python that this template offers: answer"),
    ],
)
def test_what_the_stack_does_not_have_is_refused(
    data: str, sentence: str, template: Path, tmp_path: Path
) -> None:
    names = {"torch": catalog.torch_version(), "rocm": ASKED[-1]["build"]}
    given = ["--data", "backends=[cuda, rocm]", "--data", data.format(**names)]
    done = copier_here(
        "copy", "--defaults", *given, str(template), str(tmp_path / "project"), shared=True
    )
    assert done.returncode != 0
    assert sentence.format(**names) in done.stderr
    assert not (tmp_path / "project").exists()


@pytest.mark.slow
def test_an_update_to_a_stack_without_the_projects_build_says_so(tmp_path: Path) -> None:
    """Copier alone would drop the answer without a word and take the default."""
    template = stage(tmp_path / "template", "998.0.0")
    build = next(row["build"] for row in reversed(ASKED) if row["backend"] == "cuda")
    answers = {"backends": ["cuda"], "cuda_build": build}
    project = render(template, tmp_path / "project", answers)
    commit(project, "First copy")
    path = template / "stack" / "builds.yml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    left = [row for row in rows if row["build"] != build]
    path.write_text(yaml.safe_dump(left, sort_keys=False), encoding="utf-8")
    release(template, "999.0.0")
    before = files_of(project)
    done = copier_here("update", "--defaults", str(project))
    assert done.returncode != 0
    assert f"{build} is not a CUDA build of torch {catalog.torch_version()}: answer" in done.stderr
    assert files_of(project) == before
    default = first_cuda(left)["build"]
    done = copier_here("update", "--defaults", "--data", f"cuda_build={default}", str(project))
    assert done.returncode == 0, done.stderr
    assert facts_of(project)["builds"]["cuda"] == default


@pytest.fixture(scope="module")
def without_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template with a catalog whose plain CUDA build has no wheels for one Python."""
    folder = stage(tmp_path_factory.mktemp("changed") / "template", "998.0.0")
    path = folder / "stack" / "builds.yml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    for wheels in first_cuda(rows)["wheels"].values():
        wheels["pythons"] = ["3.11", "3.12"]
    path.write_text(yaml.safe_dump(rows, sort_keys=False), encoding="utf-8")
    release(folder, "999.0.0")
    return folder


def first_cuda(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the default build of CUDA."""
    return next(row for row in rows if row["backend"] == "cuda")


def test_a_python_without_wheels_for_the_build_is_refused(
    without_wheels: Path, tmp_path: Path
) -> None:
    given = ["--data", "backends=[cuda]", "--data", "python_version=3.13"]
    done = copier_here(
        "copy", "--defaults", *given, str(without_wheels), str(tmp_path / "project"), shared=True
    )
    assert done.returncode != 0
    assert not (tmp_path / "project").exists()
    row = next(each for each in ASKED if each["backend"] == "cuda")
    others = [each["build"] for each in ASKED if each["backend"] == "cuda"]
    sentence = (
        f"torch has no {row['title']} wheel for Python 3.13: choose Python 3.11 or 3.12, "
        f"or the build {' or '.join(each for each in others if each != row['build'])}."
    )
    assert sentence in done.stderr


def test_a_backend_that_does_not_go_with_the_projects_python_is_refused_later_too(
    without_wheels: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    given = ["--defaults", "--data", "python_version=3.13"]
    assert (
        copier_here("copy", *given, str(without_wheels), str(project), shared=True).returncode == 0
    )
    commit(project, "First copy")
    before = files_of(project)
    done = copier_here("update", "--defaults", "--data", "backends=[cuda]", str(project))
    assert done.returncode != 0
    assert "wheel for Python 3.13: choose Python 3.11 or 3.12" in done.stderr
    assert files_of(project) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"backends": ["cuda", "mps"]}, id="first-gpu"),
        pytest.param(
            {"backends": ["cuda"]},
            {"backends": ["cpu", "cuda", "rocm", "xpu"]},
            id="more-gpus",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_adding_backends_adds_files_and_changes_none_of_yours(
    before: dict[str, Any],
    after: dict[str, Any],
    projects: Projects,
    template_files: TemplateFiles,
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects(before), project)
    (project / "requirements" / "20-train.in").write_text("-r stack/20-train.in\neinops\n")
    (project / "README.md").write_text("# ours\n")
    commit(project, "Our work")
    old = files_of(project)
    update(project, after)
    assert conflicts(project) == []
    new = files_of(project)
    fresh = files_of(projects(after))
    assert new.keys() == fresh.keys() >= old.keys()
    assert any("constraints-" in path for path in new.keys() - old.keys())
    assert yours(new, template_files) == yours(old, template_files)


@pytest.mark.slow
def test_taking_a_backend_away_leaves_no_file_of_it(projects: Projects, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects({"backends": ["cuda"]}), project)
    commit(project, "First copy")
    update(project, {"backends": ["cpu"]})
    assert conflicts(project) == []
    assert not list(project.rglob("constraints-*"))
    assert list(facts_of(project)["builds"]) == ["cpu"]


def test_the_page_on_hardware_shows_drivers_gpus_and_wheels(projects: Projects) -> None:
    page = (projects({"backends": ["cuda"]}) / "docs" / "hardware.md").read_text(encoding="utf-8")
    for build in catalog.builds():
        for platform, wheels in build["wheels"].items():
            assert re.search(
                rf"\| `{build['build']}` \| {platform} \|.*{wheels['wheel_tag']}", page
            )
        for floor in build["driver"].values():
            assert re.search(rf"\| `{build['build']}` \|.*\b{re.escape(floor)}\b", page)
    for row in catalog.rows("gpus"):
        assert row["examples"] in page


def yours(files: dict[str, FileState], template_files: TemplateFiles) -> dict[str, FileState]:
    """Return the team's files."""
    return {path: file for path, file in files.items() if template_files.is_yours(path)}


def facts_of(project: Path) -> dict[str, Any]:
    """Return what the answers say to the project's tools."""
    return tomllib.loads(
        (project / "requirements" / "stack" / "project.toml").read_text(encoding="utf-8")
    )
