"""Ray for real: its environment, training as torchrun trains, four trials, and a server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project, succeeded
from tests.lifecycle.test_scale_out import WEIGHTS
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("ray")]

SHORT = "--training.epochs 1"
OF_RAY = ".venv-export-ray"
CHOSEN = {"scale_out": ["ray"], "extras": ["tuning"], "serving": "true", "inference": "onnxruntime"}


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project with Ray, installed, with a run of two processes by torchrun, and one by Ray."""
    made = Project(
        render(template, tmp_path_factory.mktemp("ray") / "project", {**answers, **CHOSEN})
    )
    for target in ("setup", "data"):
        made.make(target)
    made.make("train", f"--processes 2 --name torchrun {SHORT}")
    made.make("train", f"--processes 2 --by ray --name ray {SHORT}")
    return made


def test_no_layer_has_ray_and_its_environment_has_the_versions_of_the_layers(
    project: Project,
) -> None:
    own, apart = project.packages(), project.packages(OF_RAY)
    assert "ray" not in own
    assert "ray" in apart
    assert not {name for name in own.keys() & apart.keys() if own[name] != apart[name]}
    assert "fits its lock" in succeeded(project.tools("status")).stdout


def test_its_weights_are_those_of_torchrun(project: Project) -> None:
    code = WEIGHTS.format(package=project.package)
    assert len({project.python("-c", code, name) for name in ("torchrun", "ray")}) == 1


def test_it_tunes(project: Project) -> None:
    project.make("tune", f"--by ray --trials 4 {SHORT}")
    runs = [path.parent.name for path in project.folder.glob("experiments/*/run.json")]
    assert sorted(name[-3:] for name in runs if "-tune-" in name) == ["001", "002", "003", "004"]


def test_it_serves(project: Project) -> None:
    project.make("export")
    command = [project.python_path(OF_RAY), "-m", project.package, "serve", "--by", "ray"]
    variables = {"PYTHONPATH": str(project.folder / "src"), "SERVING_PORT": "18437"}
    with subprocess.Popen(
        [*map(str, command)],
        cwd=project.folder,
        env={**ENVIRONMENT, **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            places = (re.match(r"http://\S+ answers", line) for line in process.stdout)
            place = next(filter(None, places))[0].split()[0]
            with urllib.request.urlopen(f"{place}/health/ready", timeout=60) as answer:
                assert json.load(answer)["status"] == "ready"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
