"""The rendered Dockerfile, unmodified: every target is built, and what comes out of it works.

The base images are stand-ins (``tests/support/containers.py``): Debian's smallest system with the
CPython that runs the tests, under another name than the public image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.infra.images.conftest import LOCKED_DOWN, Images, locked, trained
from tests.lifecycle.projects import succeeded
from tests.support.containers import Engine
from tests.support.copier_runs import git

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.xdist_group("images"),
]

TARGETS = ("prod", "serverless", "train", "dev", "devcontainer")
VERIFY = ("--verify", "--json")
HANDLER = """
import json
from {package}.kit.inference.lambda_handler import handler
image = [[0] * 8] * 8
print(json.dumps([
    handler({{"images": [image, image]}}, None),
    handler({{"body": json.dumps({{"images": [image]}})}}, None),
    handler({{"body": "no JSON"}}, None),
]))
"""


@pytest.fixture(scope="session")
def built(images: Images) -> dict[str, str]:
    """Build every target, the leanest first, and return what each build printed."""
    return {target: images.build(target)[1] for target in TARGETS}


@pytest.fixture(scope="session")
def mounted(
    built: dict[str, str], images: Images, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return the folders of an example that was trained and exported in the training image."""
    return trained(images, tmp_path_factory.mktemp("mounted"))


def test_sizes(
    built: dict[str, str], images: Images, record_property: Callable[[str, object], None]
) -> None:
    sizes = {name: images.engine.size_mb(f"localhost/{images.name}:{name}") for name in built}
    for name, size in sizes.items():
        record_property(f"image_size_mb_{name}", size)
        assert re.search(rf"^Built .*:{name}, [0-9.]+ [MG]B\.$", built[name], re.MULTILINE)
    assert sizes["prod"] < sizes["train"] / 2


def test_labels_say_what_is_in_an_image(built: dict[str, str], images: Images) -> None:
    head = git(images.project.folder, "rev-parse", "HEAD").strip()
    found = images.engine.podman("image", "inspect", f"localhost/{images.name}:train")
    labels = json.loads(found.stdout)[0]["Labels"]
    assert labels["org.opencontainers.image.revision"] == head
    assert labels["backend"] == "cpu"
    assert re.fullmatch(r"[0-9a-f]{64}", labels["lock-sha256"])
    assert re.fullmatch(r"\d{4}\.\d\d.*", labels["stack-release"])


def test_anybody_trains_on_a_read_only_root(mounted: dict[str, Path]) -> None:
    (run,) = mounted["experiments"].iterdir()
    assert (run / "checkpoint.pt").is_file()
    assert (mounted["models"] / "digits" / "model.onnx").is_file()


def test_anybody_predicts_on_a_read_only_root_without_network(
    mounted: dict[str, Path], images: Images
) -> None:
    told = ("predict", "models/digits", *VERIFY)
    result = json.loads(images.run("prod", *told, models=mounted["models"]))
    assert result["passed"]
    assert result["metrics"]["accuracy"] > 0.95


def test_production_has_no_pip_and_nothing_of_training(
    built: dict[str, str], images: Images
) -> None:
    listing = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    image = f"localhost/{images.name}:prod"
    entry = ["--entrypoint=/opt/venv/bin/python", image, "-c", listing]
    names = succeeded(images.engine.podman("run", "--rm", *LOCKED_DOWN, *entry)).stdout.split()
    assert {"numpy", "onnxruntime"} <= set(names)
    assert not {"pip", "setuptools", "torch", "scikit-learn", "pytest"} & set(names)


OTHERS = {
    "huggingface-llama-cpp": ("generate", "--verify", "models/alice", "--json"),
    "jax-onnxruntime": ("predict", "models/digits", *VERIFY),
    "keras-openvino": ("predict", "models/digits", *VERIFY),
}
"""Other frameworks and runtimes, and what production is told, by the framework and the runtime."""


@pytest.mark.parametrize("name", OTHERS)
def test_other_frameworks_train_and_answer_in_images(
    name: str, template: Path, answers: dict[str, str], containers: Engine, tmp_path: Path
) -> None:
    training, _, inference = name.partition("-")
    given = {**answers, "training": training, "inference": inference}
    images = Images(locked(template, tmp_path / "project", given), containers, f"test-{name}")
    try:
        for target in ("prod", "train"):
            images.build(target)
        models = trained(images, tmp_path)["models"]
        assert json.loads(images.run("prod", *OTHERS[name], models=models))["passed"]
    finally:
        images.remove("prod", "train")


@pytest.mark.parametrize("with_model", [True, False])
def test_the_health_check_answers(
    with_model: bool, mounted: dict[str, Path], images: Images, tmp_path: Path
) -> None:
    models = mounted["models"] if with_model else tmp_path
    name = f"{images.name}-{with_model}"
    image = f"localhost/{images.name}:prod"
    volume = f"--volume={models}:/app/models:ro"
    podman = images.engine.podman
    waiting = ["--entrypoint=/bin/sleep", image, "600"]
    succeeded(podman("run", "--detach", "--name", name, *LOCKED_DOWN, volume, *waiting))
    try:
        assert (podman("healthcheck", "run", name).returncode == 0) == with_model
    finally:
        podman("rm", "--force", "--time=0", name)


def test_the_handler_answers_in_the_serverless_image(
    mounted: dict[str, Path], images: Images
) -> None:
    image = f"localhost/{images.name}:serverless"
    volume = f"--volume={mounted['models']}:/var/task/models:ro"
    code = HANDLER.format(package=images.project.package)
    done = images.engine.podman("run", "--rm", *LOCKED_DOWN, volume, image, "python", "-c", code)
    plain, web, wrong = json.loads(succeeded(done).stdout)
    assert len(plain["predictions"]) == 2
    assert json.loads(web["body"])["predictions"] == plain["predictions"][:1]
    assert wrong["statusCode"] == 400
    assert "JSON" in json.loads(wrong["body"])["error"]


def test_the_development_image_runs_tests_and_lint(built: dict[str, str], images: Images) -> None:
    found = images.engine.podman(
        *("run", "--rm", "--network=none", "--user=4321:8765", f"localhost/{images.name}:dev"),
        *("sh", "-c", "python -m pytest -q -m smoke && ruff check --no-cache src tests"),
    )
    assert " passed" in succeeded(found).stdout


def test_no_repository_and_no_secret_is_in_an_image(images: Images) -> None:
    secrets = (".env", "configs/.env.local", "src/.netrc", "tests/server.key")
    for path in secrets:
        (images.project.folder / path).write_text("APP_SEED=1\n", encoding="utf-8")
    images.build("dev")
    for path in secrets:
        (images.project.folder / path).unlink()
    image = f"localhost/{images.name}:dev"
    listing = images.engine.podman("run", "--rm", image, "find", "/app", "-printf", "%P\\n")
    found = set(succeeded(listing).stdout.split())
    assert "pyproject.toml" in found
    assert not {*secrets, ".git", ".venv", ".venvs", ".cache", "experiments"} & found


def test_a_changed_development_tool_rebuilds_its_layer_alone(
    built: dict[str, str], images: Images
) -> None:
    lock = images.project.locks / "40-dev.txt"
    # Never the same change: an engine keeps what an earlier run of this test built.
    lock.write_text(f"{lock.read_text(encoding='utf-8')}# changed {uuid4()}\n", encoding="utf-8")
    said = images.build("dev")[1]
    layers = ("10-torch", "20-train", "30-prod", "40-dev", "50-lint")
    steps = re.split(r"^(?:\[\d+/\d+\] )?STEP ", said, flags=re.MULTILINE)
    cached = {
        layer: any("Using cache" in step for step in steps if f"/opt/image/{layer}.txt" in step)
        for layer in layers
    }
    assert cached == {
        "10-torch": True,
        "20-train": True,
        "30-prod": True,
        "40-dev": False,
        "50-lint": False,
    }
