"""The page of `make report` in a real browser: what it shows, and that it asks nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lifecycle.projects import Checkpoint
from tests.support.browser import Browser
from tests.support.loopback import serving

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("training")]

CLASSES = 10
NO_PICTURE = "return [...document.images].filter(image => !image.naturalWidth).length"
IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
ASKS = """
const image = new Image();
return new Promise(resolve => {
  image.onload = () => resolve("loaded");
  image.onerror = () => resolve("refused");
  image.src = "ADDRESS";
});
"""


@pytest.fixture(scope="module")
def window(window: Browser) -> Browser:
    """Return a window, in which pages have the width of a laptop's screen."""
    window.resize(1280, 2400)
    return window


@pytest.fixture
def page(trained_project: Checkpoint) -> Path:
    """Return the page about the run of a default project."""
    project = trained_project.restore()
    told = json.loads(project.make("report", "--json").stdout)
    assert project.git("status", "--porcelain") == "", "git ignores it"
    return (project.folder / str(told["page"])).resolve()


def test_the_page_shows_its_parts_and_asks_nobody(
    page: Path, window: Browser, tmp_path: Path
) -> None:
    window.requests()
    window.open(page.as_uri())
    assert window.title() == f"Run {page.parent.name}"
    charts, matrix = window.boxes("svg.chart"), window.boxes("table.matrix")
    assert len(charts) == 2, "loss and accuracy"
    assert all(box["width"] > 300 and box["height"] > 150 for box in charts)
    assert [(box["width"] > 200, box["height"] > 200) for box in matrix] == [(True, True)]
    assert len(window.boxes(".matrix td")) == CLASSES**2
    lines = window.boxes("svg.chart polyline")
    assert len(lines) == 3, "the loss of training and validation, the accuracy of validation"
    assert all(box["width"] > 100 and box["height"] > 1 for box in lines)
    assert all(any(is_within(line, chart) for chart in charts) for line in lines)
    images = window.boxes("figure img")
    assert len(images) == 12
    assert all(box["width"] >= 64 and box["height"] >= 64 for box in images)
    assert window.run(NO_PICTURE) == 0, "each image has pixels"
    shown = window.displayed("svg.chart, table.matrix, h2, figure img")
    assert shown == [True] * len(shown)
    window.screenshot(tmp_path / "page.png")  # for people
    assert (tmp_path / "page.png").stat().st_size > 20_000
    asked = [address for address in window.requests() if not address.startswith("data:")]
    assert asked == [page.as_uri()]


def test_the_page_could_not_even_ask(page: Path, window: Browser, tmp_path: Path) -> None:
    plain = tmp_path / "plain.html"
    plain.write_text("<!doctype html><title>Plain</title>", encoding="utf-8")
    (tmp_path / "image.svg").write_text(IMAGE, encoding="utf-8")
    with serving(tmp_path) as address:
        asks = ASKS.replace("ADDRESS", f"{address}/image.svg")
        window.open(plain.as_uri())
        assert window.run(asks) == "loaded"
        window.open(page.as_uri())
        assert window.run(asks) == "refused"


def is_within(inner: dict[str, float], outer: dict[str, float]) -> bool:
    """Tell whether a box lies in another one."""
    return all(
        outer[at] <= inner[at] and inner[at] + inner[size] <= outer[at] + outer[size]
        for at, size in (("x", "width"), ("y", "height"))
    )
