"""The questions: a contract that newcomers understand, and that runs nothing."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

import pytest
import yaml
from pytest_copie.plugin import Copie

from maintain.stack.data import load_reserved_names
from tests.render.cells import CELLS, LONGEST_NAME, PYTHONS, SCALE_OUT, TRACKERS, Cell
from tests.render.conftest import Projects
from tests.render.questions import Questions, answers_of
from tests.render.template_files import TemplateFiles, in_project
from tests.support.catalog import rows
from tests.support.copier_runs import ROOT

EXTRAS = [row["extra"] for row in rows("extras")]

PUBLIC = (
    "profile",
    "project_name",
    "package_name",
    "project_description",
    "author_name",
    "author_email",
    "repository_url",
    "license",
    "training",
    "keras_backend",
    "inference",
    "configuration",
    "backends",
    "cuda_build",
    "rocm_build",
    "extras",
    "trackers",
    "data_versioning",
    "scale_out",
    "serving",
    "python_version",
    "torch_index",
    "package_manager",
    "conda",
    "docker",
    "devcontainer",
    "ci",
)
"""The contract: renaming or removing one of these breaks the projects that exist."""

STORED_ONCE = (
    "first_profile",
    "adopted",
    "own_docs",
    "own_build",
    "copyright_year",
    "crossing",
    "source_layout",
    "brought_training",
    "brought_hydra",
    "brought_dvc",
    "brought_serving",
    "first_framework",
    "first_task",
    "brought_torch",
    "brought_onnxruntime",
    "brought_openvino",
    "brought_llama_cpp",
    "brought_openvino_genai",
    "brought_http_api",
    "brought_predictor",
    "brought_generator",
    *(f"brought_{name}" for name in (*EXTRAS, *TRACKERS, "trackers", *SCALE_OUT, "scale_out")),
    "brought_slurm_tuning",
    "brought_report",
    "brought_docker",
    "brought_gitlab",
    "answers_checked",
)
"""Never asked; kept from the copy or update on that first computes them."""

TRUST_NEEDED = ("tasks", "migrations", "jinja_extensions", "external_data")
"""Settings of Copier with which a copy or an update could run code or read elsewhere."""


def test_nothing_needs_trust(questions: Questions) -> None:
    assert questions.settings.keys().isdisjoint(TRUST_NEEDED)
    assert questions.settings["min_copier_version"] == "9.19.1"


def test_a_mistyped_name_in_a_file_is_an_error(questions: Questions) -> None:
    assert questions.settings["envops"]["undefined"] == "jinja2.StrictUndefined"


def test_the_contract(questions: Questions) -> None:
    assert tuple(questions.asked) == PUBLIC
    assert questions.stored.keys() - questions.asked.keys() == set(STORED_ONCE)


def test_the_reference_lists_the_contract() -> None:
    reference = (ROOT / "docs" / "reference" / "answers.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (`.*?`) \|", reference, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", " ".join(listed))) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_question_explains_itself(name: str, questions: Questions) -> None:
    question = questions.asked[name]
    assert len(question["help"].split()) > 3
    assert "default" in question
    told = {"choices", "validator"} & question.keys() or question["type"] == "bool"
    assert told, "any text would do"


def test_labels_of_choices_say_more_than_the_value(questions: Questions) -> None:
    for name, question in questions.asked.items():
        if isinstance(question.get("choices"), dict):
            assert not question["choices"].keys() & set(question["choices"].values()), name


def test_hidden_questions_are_data_flags_and_overlays(
    questions: Questions, template_files: TemplateFiles
) -> None:
    data = {
        "profile_before",
        "project_exists",
        "reserved_names",
        "offered_pythons",
        "served_generations",
        "generates_text",
        "computes_with",
        "computes_with_torch",
        "chosen_builds",
        "flags",
    }
    overlays = template_files.overlays
    assert {name for name in questions.hidden if not name.startswith("stack_")} == data | overlays


def test_a_project_keeps_the_public_answers(cell: Cell, project: Path) -> None:
    kept = answers_of(project)
    unasked = {f"{name}_build" for name in ("cuda", "rocm") if name not in kept.get("backends", [])}
    if kept["training"] != "keras":
        unasked.add("keras_backend")
    if kept.get("keras_backend", kept["training"]) in ("jax", "none"):
        unasked |= {"torch_index", "backends", "brought_torch"}
    if kept["training"] == "none":
        unasked |= {"brought_training", "first_framework", "configuration"}
        unasked.add("data_versioning")
    if kept.get("configuration") != "hydra":
        unasked.add("brought_hydra")
    if kept.get("data_versioning") != "dvc":
        unasked.add("brought_dvc")
    if not kept["serving"]:
        unasked.add("brought_serving")
    if kept["inference"] != "onnxruntime":
        unasked.add("brought_onnxruntime")
    if kept["inference"] != "openvino":
        unasked.add("brought_openvino")
    if kept["inference"] != "llama-cpp":
        unasked.add("brought_llama_cpp")
    if kept["inference"] != "openvino-genai":
        unasked.add("brought_openvino_genai")
    if kept["inference"] != "http-api":
        unasked.add("brought_http_api")
    generating = ("llama-cpp", "openvino-genai", "http-api")
    native_text = (kept["training"], kept["inference"]) == ("huggingface", "native")
    generates = native_text or kept["inference"] in generating
    unasked.add("brought_predictor" if generates else "brought_generator")
    if generates or kept["training"] != "huggingface":
        unasked.add("first_task")
    unasked |= {f"brought_{name}" for name in EXTRAS if name not in kept["extras"]}
    unasked |= {f"brought_{name}" for name in TRACKERS if name not in kept["trackers"]}
    if not kept["trackers"]:
        unasked.add("brought_trackers")
    unasked |= {f"brought_{name}" for name in SCALE_OUT if name not in kept["scale_out"]}
    if {"slurm", "ray"} & {*kept["scale_out"]}:  # which need what torchrun does
        unasked.discard("brought_torchrun")
    if not {"slurm", "tuning"} <= {*kept["scale_out"], *kept["extras"]}:
        unasked.add("brought_slurm_tuning")
    if not kept["scale_out"]:
        unasked.add("brought_scale_out")
    if kept["training"] == "none":
        unasked |= {"brought_jupyterlab", "brought_report"}
    if not kept["docker"]:
        unasked |= {"devcontainer", "brought_docker"}
    if kept["ci"] != "gitlab":
        unasked.add("brought_gitlab")
    assert kept.keys() == {*PUBLIC, *STORED_ONCE} - unasked
    assert {name: kept[name] for name in cell.answers} == cell.answers


def test_pythons_are_one_to_three_behind_the_newest_of_torch(template: Path) -> None:
    text = (template / "stack" / "pythons.yml").read_text(encoding="utf-8")
    versions = [row["version"] for row in yaml.safe_load(text)]
    assert versions == sorted(versions, key=lambda text: int(text.split(".")[1]), reverse=True)
    assert tuple(versions[number] for number in (2, 1, 3)) == PYTHONS


@pytest.mark.parametrize(
    ("project_name", "package"),
    [
        ("My AI Project", "my_ai_project"),
        ("  Dots, dashes -- and (more)!", "dots_dashes_and_more"),
        ("Torch", "torch_project"),
        ("class", "class_project"),
        ("Keep", "keep_project"),
        ("Tools", "tools_project"),
        ("OpenTelemetry semantic conventions", "opentelemetry_semantic_conventio_project"),
        ("3D shapes", "my_project"),
        ("مشروع", "my_project"),
        ("Größe", "gr_e"),
        ("a" * 300, "a" * 40),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_the_packages_name_follows_the_projects(
    project_name: str, package: str, projects: Projects
) -> None:
    assert answers_of(projects({"project_name": project_name}))["package_name"] == package


def test_reserved_names_get_a_name_that_is_free(
    template: Path, template_files: TemplateFiles
) -> None:
    reserved = load_reserved_names(template / "stack")
    assert len(reserved) == len(set(reserved))
    names = {*keyword.kwlist, *sys.stdlib_module_names}
    assert {name for name in names if name == name.lower() and name[0] != "_"} <= set(reserved)
    root = template / "template"
    paths = [in_project(path, "package") for path in template_files.paths]
    found = {path.partition("/")[0] for path in paths if "/" in path}
    folders = {name for name in found if not name.startswith(".")}
    modules = {path.stem for path in root.glob("*.py")}
    wheels = root.glob("requirements/stack/wheels/*.whl")
    carried = {path.name.partition("-")[0] for path in wheels}
    assert {*folders, *modules, *carried, "envkeep", "torch", "numpy"} <= set(reserved)
    room = len(LONGEST_NAME) - len("_project")
    assert not [name for name in reserved if f"{name[:room]}_project" in reserved]


@pytest.mark.parametrize("cell", CELLS[:3], ids=lambda cell: cell.name)
def test_pytest_copie_makes_the_same_projects(
    cell: Cell, copie: Copie, template: Path, projects: Projects
) -> None:
    """People who test a template of their own on this one use that plugin."""
    result = copie.copy(extra_answers=dict(cell.answers), template_dir=template)
    assert result.exception is None
    assert result.answers == answers_of(projects(cell.answers))


def test_pytest_copie_reports_a_refused_answer(copie: Copie, template: Path) -> None:
    result = copie.copy(extra_answers={"package_name": "My-Pkg"}, template_dir=template)
    assert isinstance(result.exception, ValueError)
    assert "cannot be a package name" in str(result.exception)
