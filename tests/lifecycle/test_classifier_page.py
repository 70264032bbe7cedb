"""The page of a classifier of texts in a real browser, with both runtimes that it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project
from tests.lifecycle.test_serving import Running, serving
from tests.support.browser import LAPTOP, PHONE, Browser
from tests.support.copier_runs import render
from tests.support.pictures import is_of

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("classifier-page")]

MODEL = "models/authors"
CLASSES = ["Carroll", "Milton", "Shakespeare"]
LINE = "The Mock Turtle sighed, and Alice said nothing to the Gryphon."
FOLLOW = """
const text = document.getElementById("text"), said = document.getElementById("said");
const told = new Promise(resolve => new MutationObserver(() => resolve(said.textContent))
  .observe(said, {childList: true}));
const type = words => {
  text.focus();
  text.value = words;
  text.dispatchEvent(new InputEvent("input", {bubbles: true}));
};
"""
TABLE = """
return [...document.querySelectorAll("tbody tr")].map(row =>
  [row.cells[0].textContent, row.cells[2].textContent, row.className]);
"""


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def project(
    request: pytest.FixtureRequest,
    template: Path,
    answers: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """Return a project whose classifier was trained and exported."""
    chosen = {"training": "huggingface", "inference": request.param, "serving": "true"}
    folder = tmp_path_factory.mktemp(request.param) / "project"
    project = Project(render(template, folder, {**answers, **chosen}))
    project.git("init", "--quiet")
    project.commit("start")  # which the page names
    for target in ("setup", "data", "train", "export", "install-prod"):
        project.make(target)
    return project


@pytest.fixture(scope="module")
def served(project: Project) -> Iterator[Running]:
    """A server for the tests of its page."""
    with serving(project, MODEL) as running:
        yield running


def told(window: Browser, script: str) -> str:
    """Do something on the page and return what it says then."""
    return str(window.run(f"{FOLLOW}\n{script}\nreturn told;"))


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_a_text_that_is_typed_has_a_probable_class(
    window: Browser, served: Running, size: tuple[int, int]
) -> None:
    window.resize(*size)
    window.requests()
    window.open(f"http://127.0.0.1:{served.port}/")
    assert told(window, f"type({json.dumps(LINE)});") == "It sounds like Carroll."
    names, shares, marks = zip(*window.run(TABLE), strict=True)
    assert list(names) == CLASSES
    numbers = [float(text.removesuffix(" %")) for text in shares]
    assert sum(numbers) == pytest.approx(100, abs=1)
    assert max(numbers) == numbers[0]
    assert list(marks) == ["best", "", ""]
    assert not window.is_cut_off()
    assert window.asked_places() == {f"127.0.0.1:{served.port}"}


def test_escape_clears_the_text(window: Browser, served: Running) -> None:
    window.open(f"http://127.0.0.1:{served.port}/")
    assert told(window, f"type({json.dumps(LINE)});").startswith("It sounds like")
    press = 'text.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));'
    assert told(window, press) == "Nothing is written yet."
    assert window.run("return [document.activeElement.id, text.value]") == ["text", ""]
    assert {share for _, share, _ in window.run(TABLE)} == {"-"}


def test_what_is_refused_is_said(window: Browser, served: Running) -> None:
    window.open(f"http://127.0.0.1:{served.port}/")
    assert told(window, 'type("a".repeat(20001));').startswith("No answer: ")


def test_a_key_is_asked_for(window: Browser, project: Project) -> None:
    key = "only-for-this-test"  # pragma: allowlist secret
    with serving(project, MODEL, api_key=key) as running:
        window.open(f"http://127.0.0.1:{running.port}/")
        assert not any(window.displayed("#key"))
        assert told(window, f"type({json.dumps(LINE)});").startswith("No answer: ")
        assert all(window.displayed("#key"))
        give = """
        const key = document.getElementById("key");
        key.value = "only-for-this-test";
        key.dispatchEvent(new Event("change"));
        """
        assert told(window, give) == "It sounds like Carroll."


def test_the_page_says_which_model_answers(window: Browser, served: Running) -> None:
    window.open(f"http://127.0.0.1:{served.port}/")
    model, text = served.json("/health/live")["model"], window.footer()
    for part in (model["model"], model["version"], model["commit"][:12], model["data_sha256"][:12]):
        assert part in text


def test_the_picture_of_the_docs_is_of_the_page(
    window: Browser, served: Running, tmp_path: Path
) -> None:
    window.open(f"http://127.0.0.1:{served.port}/")
    window.resize_view(860, 560)
    assert told(window, f"type({json.dumps(LINE)});") == "It sounds like Carroll."
    assert window.footer()
    assert is_of(window, "who-said-it.png", tmp_path)
