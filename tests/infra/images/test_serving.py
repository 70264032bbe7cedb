"""The image that serves, built and run as somebody on a read-only root without network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.images.conftest import LOCKED_DOWN, Images, locked, trained
from tests.lifecycle.projects import succeeded
from tests.support.containers import Engine

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("images")]

ASK = """
import json, urllib.request
body = json.dumps({"images": [[[0, 0, 0, 14, 10, 0, 0, 0]] * 8]}).encode()
request = urllib.request.Request(
    "http://127.0.0.1:8000/predict", body, {"Content-Type": "application/json"}
)
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""
INSTALLED = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
OF_TRAINING = {"torch", "scikit-learn", "pip", "setuptools", "pytest", "onnx"}


def test_anybody_is_answered_by_an_image_on_a_read_only_root(
    template: Path,
    answers: dict[str, str],
    containers: Engine,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    project = locked(template, tmp_path / "project", {**answers, "serving": "true"})
    images = Images(project, containers, "test-serving")
    podman = containers.podman
    name = f"{images.name}-running"
    try:
        tag, _ = images.build("serve")
        images.build("train")
        models = trained(images, tmp_path)["models"]
        volume = f"--volume={models}:/app/models:ro"
        succeeded(podman("run", "--detach", "--name", name, *LOCKED_DOWN, volume, tag))
        while podman("healthcheck", "run", name).returncode:
            running = podman("container", "inspect", "--format", "{{.State.Running}}", name)
            assert running.stdout.strip() == "true", podman("logs", name).stderr
        answer = json.loads(succeeded(podman("exec", name, "python", "-c", ASK)).stdout)
        assert answer["predictions"][0]["class"] in "0123456789"
        names = set(succeeded(podman("exec", name, "python", "-c", INSTALLED)).stdout.split())
        assert {"fastapi", "uvicorn", "onnxruntime"} <= names
        assert not names & OF_TRAINING
        succeeded(podman("stop", "--time=60", name))
        ended = podman("container", "inspect", "--format", "{{.State.ExitCode}}", name)
        assert ended.stdout.strip() == "0"
        record_property("image_size_mb_serve", containers.size_mb(tag))
    finally:
        podman("rm", "--force", "--time=0", name)
        images.remove("serve", "train")
