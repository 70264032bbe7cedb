"""A server: in production alone, and taken back without a trace of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.render.conftest import Projects
from tests.render.parsers import requirements_of
from tests.render.questions import answers_of
from tests.support.copier_runs import commit, files_of, update

SERVING = {"serving": True}
PACKAGES = {"fastapi", "uvicorn", "prometheus-client", "pydantic"}
FRAMEWORKS = [
    {"training": "pytorch"},
    {"training": "none"},
    {"training": "huggingface", "inference": "onnxruntime"},
]


GENERATORS = [
    {"training": "huggingface", "inference": "native"},
    {"training": "none", "inference": "openvino-genai"},
    {"training": "none", "inference": "llama-cpp"},
]


@pytest.mark.parametrize(
    "answers", [*FRAMEWORKS, *GENERATORS], ids=lambda answers: "-".join(answers.values())
)
def test_production_alone_asks_for_the_server(answers: dict[str, str], projects: Projects) -> None:
    project = projects({**SERVING, **answers})
    folder = project / "requirements" / "stack"
    asked = {
        path.name: found
        for path in folder.glob("[0-9]*.in")
        if (found := {each.name for each in requirements_of(path)} & PACKAGES)
    }
    assert asked == {"30-prod.in": PACKAGES}


@pytest.mark.parametrize("answers", FRAMEWORKS, ids=lambda answers: answers["training"])
def test_the_types_of_requests_are_the_users(answers: dict[str, str], projects: Projects) -> None:
    project = projects({**SERVING, **answers})
    package = project / "src" / answers_of(project)["package_name"]
    text = (package / "serving.py").read_text(encoding="utf-8")
    assert "class Request(BaseModel)" in text
    assert "from ." not in text, "it imports nothing of the kit, which may be taken back"
    assert 'PAGE = "page.html"' in text
    page = (package / "page.html").read_text(encoding="utf-8")
    shown = "texts: [" if answers["training"] == "huggingface" else "images: ["
    assert f"JSON.stringify({{{shown}" in page
    assert '"*.html"' in (project / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("answers", GENERATORS, ids=lambda answers: answers["inference"])
def test_text_has_a_server_and_a_page_of_its_own(
    answers: dict[str, str], projects: Projects
) -> None:
    project = projects({**SERVING, **answers})
    package = project / "src" / answers_of(project)["package_name"]
    serving = {path.name for path in (package / "kit" / "serving").iterdir()}
    assert {"generating.py", "engines.py", "open_ai.py"} <= serving
    assert not serving & {"predicting.py", "batching.py", "tensors.py"}
    assert "v1/completions" in (package / "page.html").read_text(encoding="utf-8")
    assert "GeneratorService" in (package / "kit/commands/serve.py").read_text(encoding="utf-8")
    assert all((package / "kit/commands" / name).exists() for name in ("load.py", "openapi.py"))
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}:" in makefile for target in ("serve", "load", "openapi"))
    assert (project / "tests" / "text_server").is_dir()
    assert not (project / "tests" / "serving").exists()
    assert '"*.html"' in (project / "pyproject.toml").read_text(encoding="utf-8")


def test_what_is_taken_back_leaves_the_users_files(projects: Projects, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects({"training": "jax", **SERVING}), project)
    (package,) = (project / "src").iterdir()
    (package / "page.html").write_text("<!doctype html>Ours", encoding="utf-8")
    commit(project, "Ours")
    before = files_of(project)
    update(project, {"serving": False})
    after = files_of(project)
    gone = {path for path in before.keys() - after.keys() if "/kit/" not in path}
    assert gone == {"docs/serving.md"}
    left = {path for path in after if "/kit/" in path and "serv" in path}
    assert left == set()
    source = f"src/{package.name}"
    ours = (f"{source}/serving.py", f"{source}/page.html", "tests/serving/conftest.py")
    assert {path: after[path] for path in ours} == {path: before[path] for path in ours}
    assert "\nserve:" not in (project / "Makefile").read_text(encoding="utf-8")
    commit(project, "Without")
    update(project, SERVING)
    again = files_of(project)
    assert {path: again[path] for path in ours} == {path: before[path] for path in ours}
    assert before.keys() <= again.keys()
