"""A project with every tracker: installed, tested, linted, and shown by a real MLflow server."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project, pins_of, succeeded
from tests.render.cells import TRACKERS
from tests.support.copier_runs import render
from tests.support.mlflow_server import MlflowServer, make_environment, mlflow_server

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("trackers")]

PACKAGES = {"mlflow-skinny", "sqlalchemy", "alembic", "wandb", "tensorboard"}
LONG = ("--training.epochs", "100")
READ_EVENTS = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
found = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0}).Reload()
names = found.Tags()["scalars"]
print(json.dumps({name: [each.step for each in found.Scalars(name)] for name in names}))
"""


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project with every tracker, installed."""
    folder = tmp_path_factory.mktemp("trackers") / "project"
    made = Project(render(template, folder, {**answers, "trackers": list(TRACKERS)}))
    for target in ("setup", "data"):
        made.make(target)
    return made


@pytest.fixture(scope="module")
def whole_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with MLflow's server."""
    return make_environment(tmp_path_factory.mktemp("mlflow") / "venv")


def facts_of(project: Project, run_id: str) -> dict[str, Any]:
    """Return what `run.json` says of a run."""
    path = project.folder / "experiments" / run_id / "run.json"
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def epochs_of(project: Project, run_id: str) -> list[dict[str, Any]]:
    """Return the lines of the epochs that a run recorded."""
    path = project.folder / "experiments" / run_id / "metrics.jsonl"
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["kind"] == "epoch"]


class Training:
    """A training in a process of its own, which is at its second epoch."""

    def __init__(self, project: Project, *arguments: str, **variables: str) -> None:
        command = [str(project.python_path()), "-m", project.package, "train", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=project.folder,
            env={**ENVIRONMENT, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("epoch   2"):
                break
        assert said, self.process.communicate()[1]
        self.run_id = said[0].removeprefix("Run ").strip()

    def wait(self) -> tuple[int, str]:
        """Return its exit code and what it said on stderr."""
        _, told = self.process.communicate()
        return self.process.returncode, told


def test_all_of_them_show_the_same_run(project: Project) -> None:
    command = ("train", "--json", "--training.epochs", "2")
    done = project.tools(*command, TRACKERS=",".join(TRACKERS))
    facts = json.loads(succeeded(done).stdout)
    assert facts["trackers"].keys() == set(TRACKERS)
    assert {each["error"] for each in facts["trackers"].values()} == {None}
    folder = project.folder / "experiments" / facts["run_id"]
    steps = [line["step"] for line in epochs_of(project, facts["run_id"])]
    shown = json.loads(project.python("-c", READ_EVENTS, str(folder)))
    assert shown["val/accuracy"] == shown["train/loss"] == steps
    assert len(shown["train/loss_step"]) == steps[-1]
    assert (folder.parent / "mlflow.db").is_file()
    assert len(list(folder.glob("wandb/offline-run-*/run-*.wandb"))) == 1
    new = project.git("ls-files", "--others", "--exclude-standard", "experiments")
    assert new == "experiments/.gitignore\n"


def test_their_tests_and_all_others_pass(project: Project) -> None:
    for target in ("test", "lint"):
        project.make(target)


def test_production_gets_none_of_it(project: Project) -> None:
    layers = {layer: pins_of(text).keys() for layer, text in project.lock_texts().items()}
    assert [layer for layer, pins in layers.items() if pins & PACKAGES] == ["20-train"]
    assert layers["20-train"] >= PACKAGES
    project.make("install-prod")
    assert not project.packages(".venv-prod").keys() & PACKAGES


def test_a_server_has_what_the_record_has_also_of_a_run_that_goes_on(
    project: Project, whole_mlflow: Path, tmp_path: Path
) -> None:
    with mlflow_server(whole_mlflow, tmp_path) as server:
        there = {"MLFLOW_TRACKING_URI": server.url, "TRACKERS": "mlflow"}
        training = Training(project, "--training.epochs", "40", **there)
        training.process.send_signal(signal.SIGTERM)
        assert training.wait()[0] == 128 + signal.SIGTERM
        remote_id = facts_of(project, training.run_id)["trackers"]["mlflow"]["id"]
        found = server.run(remote_id)
        assert found["info"]["status"] == "KILLED"
        assert found["info"]["run_name"] == training.run_id
        succeeded(project.tools("train", "--resume", training.run_id, **there))
        facts = facts_of(project, training.run_id)
        assert facts["trackers"]["mlflow"] == {"id": remote_id, "error": None}
        check(server, remote_id, epochs_of(project, training.run_id))


def check(server: MlflowServer, remote_id: str, epochs: list[dict[str, Any]]) -> None:
    """Compare what the server has with the record."""
    assert server.run(remote_id)["info"]["status"] == "FINISHED"
    params = {each["key"]: each["value"] for each in server.run(remote_id)["data"]["params"]}
    assert params["training.epochs"] == "40"
    recorded = [(line["step"], line["val_accuracy"]) for line in epochs]
    assert len(recorded) == 40
    assert sorted(set(server.history(remote_id, "val/accuracy"))) == recorded


def test_a_server_that_dies_is_told_of_once_and_the_run_is_whole(
    project: Project, whole_mlflow: Path, tmp_path: Path
) -> None:
    with mlflow_server(whole_mlflow, tmp_path) as server:
        there = {"MLFLOW_TRACKING_URI": server.url, "TRACKERS": "mlflow,tensorboard"}
        training = Training(project, *LONG, **there)
        server.kill()
        status, told = training.wait()
    assert status == 0, told
    assert told.count("mlflow is left alone from now on, and training goes on: ") == 1
    facts = facts_of(project, training.run_id)
    assert facts["status"] == "finished"
    assert "Connection refused" in facts["trackers"]["mlflow"]["error"]
    assert facts["trackers"]["tensorboard"]["error"] is None
    assert len(epochs_of(project, training.run_id)) == facts["epochs_done"] == 100
