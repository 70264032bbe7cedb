"""The steps of docs/make-it-yours.md in a real project, from the data to the Lambda handler."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lifecycle.projects import BASE_COMMIT, Checkpoint, Project
from tests.support.copier_runs import render
from tests.support.make_it_yours import changed, follow

pytestmark = [pytest.mark.network, pytest.mark.slow]

MOST_FILES, MOST_LINES = 8, 200
IMAGES = """
import numpy as np
from pathlib import Path
from PIL import Image

random = np.random.default_rng(1)
for label, name in enumerate(("cat", "dog")):
    Path("data/raw/images", name).mkdir(parents=True)
    for left in (".DS_Store", "Thumbs.db"):
        Path("data/raw/images", name, left).write_bytes(b"of a file manager")
    for number in range(150):
        pixels = 60 * label + random.integers(0, 160, (40 + number % 9, 50, 3))
        kind = "png" if number % 2 else "jpg"
        Image.fromarray(pixels.astype(np.uint8)).save(f"data/raw/images/{name}/{number}.{kind}")
"""
ASKED = """
import json, os, sys
from pathlib import Path
from PACKAGE.kit.inference import health, lambda_handler
os.environ["MODEL"] = sys.argv[1]
request = Path("request.json").read_text()
answers = [lambda_handler.handler({"body": body}, None) for body in (request, "{}")]
print(json.dumps([*answers, health.check(Path("models"))]))
"""


class Task(NamedTuple):
    """What is asked of a model, and what must come of it."""

    name: str
    request: dict[str, Any]
    metric: str
    between: tuple[float, float]
    answers: set[str]


TASKS = {
    "A table and a number": Task(
        "diabetes", {"rows": [[0.02] * 10, [-0.02] * 10]}, "rmse", (40, 66), {"progression"}
    ),
    "Two inputs": Task(
        "typed-digits",
        {"images": [[[8] * 8] * 8] * 2, "digits": [3, 4]},
        "accuracy",
        (0.9, 1),
        {"class", "probability"},
    ),
    "Images in folders": Task(
        "pets",
        {"images": [[[[200] * 3] * 32] * 32]},
        "accuracy",
        (0.9, 1),
        {"class", "probability"},
    ),
}


TEXTS = Task(
    "messages",
    {"texts": ["Danke, alles kam heil an.", "Es kam " + "viel " * 300 + "zu spät."]},
    "accuracy",
    (0.9, 1),
    {"class", "probability"},
)


@pytest.fixture(scope="module")
def text_project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """A project of Hugging Face's libraries that classifies texts, installed."""
    folder = tmp_path_factory.mktemp("texts") / "project"
    chosen = {"training": "huggingface", "inference": "onnxruntime"}
    project = Project(render(template, folder, {**answers, **chosen}))
    project.make("setup")
    return Checkpoint.of(project)


def write_messages(path: Path) -> None:
    """Write 600 messages of one's own: in another language, with quotes, commas and lines."""
    said = {
        "praise": ["Danke,", "Sehr gut:", 'Ein "großes" Lob,', "Gern wieder,"],
        "complaint": ["Leider", "Wo bleibt das?\nBis heute", "Ich warte,", 'Nur "Ausreden":'],
    }
    ends = {"praise": "kam heil an.", "complaint": "kam zu spät."}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "label"])
        for number in range(600):
            label = ["praise", "complaint"][number % 2]
            text = f"{said[label][number % 4]} Paket {number * 7919 % 997} {ends[label]}"
            rows.writerow([number, text, label])


def test_texts_and_labels_of_ones_own(text_project: Checkpoint) -> None:
    project = text_project.restore()
    write_messages(project.folder / "data" / "raw" / "messages.csv")
    follow(project.folder, "Texts and labels of your own")
    project.make("format")
    for target in ("data", "train"):
        project.make(target)
    files, lines = changed(project.git("diff", "--numstat", BASE_COMMIT, "--", "."))
    assert len(files) <= MOST_FILES, files
    assert lines <= MOST_LINES
    check_the_model(project, TEXTS)
    project.make("test")
    project.make("lint")


@pytest.mark.parametrize("heading", TASKS)
def test_the_steps_of_the_page(heading: str, trained_project: Checkpoint) -> None:
    project, task = trained_project.restore(), TASKS[heading]
    project.git("clean", "-fdxq", "experiments", "models", "data")
    follow(project.folder, heading)
    project.make("format")
    files, lines = changed(project.git("diff", "--numstat", BASE_COMMIT, "--", "."))
    assert len(files) <= MOST_FILES, files
    assert lines <= MOST_LINES
    if heading == "Images in folders":
        project.make("lock")
        project.make("install")
        project.python("-c", IMAGES)
    for target in ("data", "train"):
        project.make(target)
    check_the_model(project, task)
    project.make("test")
    project.make("lint")


def check_the_model(project: Project, task: Task) -> None:
    """Evaluate, export and ask a model as production does."""
    found = project.command("evaluate")
    low, high = task.between
    assert low <= found[task.metric] <= high
    export = project.command("export")
    assert (export["passed"], export["model"]) == (True, f"models/{task.name}")
    assert export["metrics"][task.metric] == pytest.approx(found[task.metric], abs=1e-4)
    project.make("install-prod")
    assert "Equal: " in project.make("predict").stdout
    (project.folder / "request.json").write_text(json.dumps(task.request), encoding="utf-8")
    answers = project.command("predict", "request.json", link=".venv-prod")["predictions"]
    assert len(answers) == len(next(iter(task.request.values())))
    assert all(each.keys() == task.answers for each in answers)
    code = ASKED.replace("PACKAGE", project.package)
    said = project.python("-c", code, export["model"], link=".venv-prod")
    asked, wrong, models = json.loads(said.splitlines()[-1])
    assert json.loads(asked["body"]) == {"predictions": answers}
    assert (asked["statusCode"], wrong["statusCode"], models) == (200, 400, 1)
