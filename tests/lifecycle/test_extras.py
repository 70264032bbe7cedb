"""All extras of a framework in one project: installed, tested, linted, and each used once."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.lifecycle.projects import (
    ENVIRONMENT,
    Checkpoint,
    Project,
    error_sentence,
    pins_of,
    succeeded,
)
from tests.support import catalog
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("extras")]

TRAINING = "pytorch"
EXTRAS = [row["extra"] for row in catalog.rows("extras") if TRAINING in row["training"]]
PACKAGES = {
    *("optuna", "pandas", "matplotlib", "seaborn", "jupyterlab"),
    *("sentence-transformers", "bitsandbytes"),
}
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\S*[?&]token=(?P<token>\w+)")

DRAWS = """
import pathlib, sys
from PACKAGE.figures import learning_curves
from PACKAGE.kit.frames import metrics_frame, runs_frame
from PACKAGE.kit.tracking import list_runs

runs = list_runs()
learning_curves(metrics_frame(runs, "epoch")).savefig(sys.argv[1])
print(len(runs_frame(runs)), pathlib.Path(sys.argv[1]).stat().st_size > 1000)
"""

DEEPSPEED = ("--training.deepspeed", "configs/deepspeed.json", "--training.epochs", "2")


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project with every extra that goes with PyTorch, installed."""
    folder = tmp_path_factory.mktemp("extras") / "project"
    made = Project(render(template, folder, {**answers, "training": TRAINING, "extras": EXTRAS}))
    for target in ("setup", "data"):
        made.make(target)
    return made


@pytest.fixture(scope="module")
def with_deepspeed(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project of Hugging Face's libraries with DeepSpeed, installed."""
    folder = tmp_path_factory.mktemp("deepspeed") / "project"
    chosen = {"training": "huggingface", "inference": "native", "extras": ["deepspeed"]}
    made = Project(render(template, folder, {**answers, **chosen}))
    for target in ("setup", "data"):
        made.make(target)
    return made


def test_each_extra_is_used_once(project: Project, tmp_path: Path) -> None:
    found = project.command("tune", "--trials", "2", "--training.epochs", "3")
    assert [trial["number"] for trial in found["trials"]] == [1, 2]
    best = f"experiments/{found['best']['run_id']}/config.yaml"
    trained = project.command("train", "--config", best)
    assert trained["best"]["metrics"]["val_accuracy"] == found["best"]["value"]
    draws = DRAWS.replace("PACKAGE", project.package)
    assert project.python("-c", draws, str(tmp_path / "curves.pdf")).split() == ["3", "True"]
    assert project.command("report")["run_id"] == trained["run_id"]
    rows = project.command("quantize")["rows"]
    assert [row["precision"] for row in rows] == ["float32", "int8", "nf4", "fp4"]
    assert all(row["bytes"] < rows[0]["bytes"] for row in rows[1:])
    assert "1 notebooks run from top to bottom" in project.make("notebooks").stdout
    assert project.git("ls-files", "--others", "--exclude-standard", "experiments") == (
        "experiments/.gitignore\n"
    )


def test_embed_without_a_model_says_what_to_do(project: Project) -> None:
    (project.folder / "texts.txt").write_text("one\n", encoding="utf-8")
    done = project.tools("embed", "texts.txt", "vectors.npz")
    assert done.returncode != 0
    assert "There is no model in models/encoder: put one there" in done.stderr


def test_their_tests_and_all_others_pass(project: Project) -> None:
    """Those of the embeddings make a model in a folder, embed texts with it and search them."""
    for target in ("test", "lint"):
        project.make(target)


def test_production_gets_none_of_it(project: Project) -> None:
    layers = {layer: pins_of(text).keys() for layer, text in project.lock_texts().items()}
    assert {package for pins in layers.values() for package in pins} >= PACKAGES
    assert not PACKAGES & layers["30-prod"]
    assert "jupyterlab" not in layers["20-train"]


def test_jupyterlab_listens_on_loopback_and_wants_its_token(
    project: Project, tmp_path: Path
) -> None:
    with jupyterlab(project, tmp_path) as (address, token):
        with pytest.raises(urllib.error.HTTPError) as refused:
            read(f"{address}/api/contents/notebooks")
        assert refused.value.code == 403
        listed = json.loads(read(f"{address}/api/contents/notebooks?token={token}"))
    names = {each["name"] for each in listed["content"]}
    assert "01-look-at-runs.ipynb" in names


def test_without_jupyterlab_the_command_names_the_extra(small_project: Checkpoint) -> None:
    done = small_project.project.tools("lab")
    assert "extras=[jupyterlab]" in error_sentence(done)


@pytest.mark.skipif(sys.platform != "linux", reason="DeepSpeed is for Linux")
def test_deepspeed_trains_what_the_project_evaluates_and_exports(
    with_deepspeed: Project, tmp_path: Path
) -> None:
    layers = {layer: pins_of(text) for layer, text in with_deepspeed.lock_texts().items()}
    assert [layer for layer, pins in layers.items() if "deepspeed" in pins] == ["20-train"]
    home = tmp_path / "home"
    home.mkdir()
    done = with_deepspeed.tools("train", "--json", *DEEPSPEED, HOME=str(home))
    trained = json.loads(succeeded(done).stdout)
    assert trained["deepspeed"]["zero_optimization"]["stage"] == 2
    assert [path.name for path in home.rglob("*")] == []
    evaluated = with_deepspeed.command("evaluate")
    assert evaluated["loss"] < evaluated["loss_of_frequencies"] < evaluated["loss_before"]
    with_deepspeed.command("export")
    for target in ("test", "lint"):
        with_deepspeed.make(target)


@contextmanager
def jupyterlab(project: Project, settings: Path) -> Iterator[tuple[str, str]]:
    """Yield the address and the token of a server that is ended afterwards."""
    # The tests may run as root, which Jupyter refuses by default.
    allowed = {"ServerApp": {"allow_root": True}}
    (settings / "jupyter_server_config.json").write_text(json.dumps(allowed), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with subprocess.Popen(
        [sys.executable, "keep.py", "lab", "--no-browser", "--port", port],
        cwd=project.folder,
        env={**ENVIRONMENT, "JUPYTER_CONFIG_DIR": str(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None
        try:
            found = next(filter(None, map(ADDRESS.search, server.stdout)), None)
            assert found, "it never printed an address with a token"
            wait_for(server, int(port))
            yield f"http://127.0.0.1:{port}", found["token"]
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def wait_for(server: subprocess.Popen[str], port: int) -> None:
    """Connect until the server listens, which it does after it printed its address."""
    while server.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
    pytest.fail("it ended before it listened")


def read(address: str) -> bytes:
    """Return what a page holds."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        content: bytes = answer.read()
    return content
