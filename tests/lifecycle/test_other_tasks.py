"""Tasks of other kinds than the example's: each changes three files, and all else works with it.

A project's `task.py`, `model.py` and `data.py` become those of a folder in `other_tasks/`. Then it
is trained, evaluated, exported, compared with the framework and asked, in the terminal and as AWS
Lambda does.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lifecycle.projects import Checkpoint, Project

pytestmark = [pytest.mark.network, pytest.mark.slow]

SETTINGS = "--training.epochs 30 --training.learning_rate 0.02"
TASKS = Path(__file__).with_name("other_tasks")

# Everything in one process, as the framework takes seconds to import.
TRIES = """
import contextlib, io, json, os, sys
from PACKAGE.cli import main

def told(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main([*arguments, "--json"])
    assert status == 0, (arguments, status, out.getvalue())
    return json.loads(out.getvalue())

found = {"train": told("train", *"SETTINGS".split())}
found["evaluate"] = told("evaluate")
found["export"] = told("export", "--output", "models/mine")
rounded = io.StringIO()
with contextlib.redirect_stderr(rounded), contextlib.redirect_stdout(rounded):
    main(["export", "--output", "models/mine", "--precision", "int8"])
found["int8"] = rounded.getvalue()
found["predict"] = told("predict", "models/mine", "request.json")
assert main(["predict", "models/mine", "request.json"]) == 0
assert main(["evaluate"]) == 0

from PACKAGE.kit.inference import health, lambda_handler, read_metadata
os.environ["MODEL"] = "models/mine"
request = open("request.json").read()
found["invoked"] = lambda_handler.handler(json.loads(request), None)
found["asked"] = lambda_handler.handler({"body": request}, None)
found["wrong"] = lambda_handler.handler({"body": "{}"}, None)
found["health"] = health.check(__import__("pathlib").Path("models"))
metadata = read_metadata(__import__("pathlib").Path("models/mine"))
found["shapes"] = {spec.name: [*spec.shape] for spec in (*metadata.inputs, *metadata.outputs)}
print("\\n" + json.dumps(found), flush=True)
"""


class Task(NamedTuple):
    """What is asked of a model, and what must come of it."""

    request: dict[str, Any]
    metric: str
    at_least: float
    shapes: dict[str, list[Any]]
    higher: bool = True


LONG = 40
LETTERS: dict[str, Any] = {"texts": ["aab", "b" * LONG, "ba" + "a" * 20]}
CASES = {
    "regression": Task(
        {"rows": [[0.01] * 10, [-0.02] * 10]},
        "rmse",
        0.65,
        {"features": [10], "output": []},
        higher=False,
    ),
    "labels": Task(
        {"rows": [[1, -1, 1, 0, 0, 0], [-1, -1, -1, 0, 0, 0]]},
        "f1",
        0.9,
        {"features": [6], "logits": [3]},
    ),
    "pixels": Task(
        {"images": [[[0.0, 1.0, 0.9]] * 5]},
        "overlap",
        0.8,
        {name: [1, "height", "width"] for name in ("image", "bright", "distance")},
    ),
    "two_inputs": Task(
        {"images": [[[0.5] * 4] * 4] * 2, "facts": [[2.0, 0.0], [-2.0, 0.0]]},
        "accuracy",
        0.9,
        {"image": [1, 4, 4], "facts": [2], "output_0": [2], "output_1": []},
    ),
    "variable_length": Task(
        LETTERS,
        "accuracy",
        0.9,
        {"tokens": ["length"], "mask": ["length"], "logits": [2], "attention": ["length"]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_task_of_another_kind_goes_all_the_way(name: str, trained_project: Checkpoint) -> None:
    project, task = trained_project.restore(), CASES[name]
    found = tried(project, name, task)
    result = found["evaluate"][task.metric]
    assert result >= task.at_least if task.higher else result <= task.at_least
    best = found["train"]["best"]
    assert best["metric"] == f"val_{task.metric}"
    export = found["export"]
    assert "largest difference" in found["int8"], "written and compared, whatever came of it"
    assert export["passed"] and export["examples"] == found["evaluate"]["examples"]
    measured = {name: found["evaluate"][name] for name in export["metrics"]}
    assert export["metrics"] == pytest.approx(measured, abs=1e-4)
    assert (export["agreement"] is None) == (name == "regression")
    assert found["shapes"] == task.shapes
    answers = found["predict"]["predictions"]
    assert len(answers) == len(next(iter(task.request.values())))
    assert found["invoked"] == {"predictions": answers}
    assert json.loads(found["asked"]["body"]) == {"predictions": answers}
    assert (found["asked"]["statusCode"], found["wrong"]["statusCode"]) == (200, 400)
    assert found["health"] >= 1
    check_answers(name, answers)


def tried(project: Project, name: str, task: Task) -> dict[str, Any]:
    """Let a project have another task, and return what its commands and the handler said."""
    package = project.folder / "src" / project.package
    for folder in ("experiments", "models"):
        shutil.rmtree(project.folder / folder, ignore_errors=True)
    for file in (TASKS / "data.py", TASKS / name / "task.py", TASKS / name / "model.py"):
        shutil.copy(file, package)
    (project.folder / "request.json").write_text(json.dumps(task.request), encoding="utf-8")
    code = TRIES.replace("PACKAGE", project.package).replace("SETTINGS", SETTINGS)
    found: dict[str, Any] = json.loads(project.python("-c", code).splitlines()[-1])
    return found


def check_answers(name: str, answers: list[dict[str, Any]]) -> None:
    """Compare what is answered with what is right, as the tasks are easy."""
    if name == "labels":
        assert [row["labels"] for row in answers] == [["first", "third"], []]
    elif name == "two_inputs":
        assert [row["kind"] for row in answers] == ["b", "a"]
    elif name == "variable_length":
        assert [row["more_a"] for row in answers] == [True, False, True]
        assert len(answers[0]["attention"]) == LONG
        assert sum(answers[0]["attention"][3:]) < 1e-6, "what fills up is not looked at"
    elif name == "pixels":
        assert [len(answers[0]["mask"]), *map(len, answers[0]["mask"])] == [5, 3, 3, 3, 3, 3]
