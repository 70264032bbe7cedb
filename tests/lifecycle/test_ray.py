"""Ray for real: its environment, training as torchrun trains, four trials, and a server."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project, succeeded
from tests.lifecycle.test_scale_out import WEIGHTS, sentences, wait_for_epoch
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("ray")]

SHORT = "--training.epochs 1"
OF_RAY = ".venv-export-ray"
DIGIT = json.dumps({"images": [[[0, 0, 0, 14, 10, 0, 0, 0]] * 8]}).encode()
LISTENING = """
import sys
import psutil

root = psutil.Process(int(sys.argv[1]))
for process in (root, *root.children(recursive=True)):
    for each in process.net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN:
            print(each.laddr.ip.removeprefix("::ffff:"))
"""
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


def test_a_signal_ends_it_and_it_goes_on_to_the_same_weights(project: Project) -> None:
    train = [project.python_path(OF_RAY), "-u", "-m", project.package, "train", "--processes", "2"]
    epochs = ("--training.epochs", "8")
    with subprocess.Popen(
        [*map(str, train), "--by", "ray", "--name", "signalled", *epochs],
        cwd=project.folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(project.folder / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for_epoch(process)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate()
    assert process.returncode == 143
    assert len(sentences(said)) == 1 and "continue with `train --resume" in said
    project.make("train", "--processes 2 --by ray --resume signalled")
    project.make("train", f"--processes 2 --name unbroken {' '.join(epochs)}")
    code = WEIGHTS.format(package=project.package)
    assert len({project.python("-c", code, name) for name in ("signalled", "unbroken")}) == 1


def test_it_tunes(project: Project) -> None:
    project.make("tune", f"--by ray --trials 4 {SHORT}")
    runs = [path.parent.name for path in project.folder.glob("experiments/*/run.json")]
    assert sorted(name[-3:] for name in runs if "-tune-" in name) == ["001", "002", "003", "004"]


def test_it_serves_on_loopback_alone(project: Project) -> None:
    project.make("export")
    command = [project.python_path(OF_RAY), "-m", project.package, "serve", "--by", "ray"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    variables = {"PYTHONPATH": str(project.folder / "src"), "SERVING_PORT": port}
    with subprocess.Popen(
        [*map(str, command)],
        cwd=project.folder,
        env={**ENVIRONMENT, **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert any(" answers until " in line for line in process.stdout)
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/predict", DIGIT, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                (digit,) = json.load(answer)["predictions"]
            assert digit["class"] in "0123456789"
            listening = project.python("-c", LISTENING, str(process.pid)).split()
            assert set(listening) == {"127.0.0.1"}
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
