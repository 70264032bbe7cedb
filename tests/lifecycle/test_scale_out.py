"""Several processes for real: strategies, signals, killed processes, and two nodes with a link."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("scale-out")]

SHORT = ("--training.epochs", "2", "--training.batch_size", "128")
LONG = ("--training.epochs", "500", "--training.batch_size", "128")
WEIGHTS = """
import hashlib, sys
from {package}.evaluate import load_run
from {package}.kit.tracking import find_run
_, model = load_run(find_run(sys.argv[1]), last=True)
digest = hashlib.sha256()
for value in model.state_dict().values():
    digest.update(value.numpy().tobytes())
print(digest.hexdigest())
"""
EXCHANGED = """
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.tensor.debug import CommDebugMode
from torch.testing._internal.distributed.fake_pg import FakeStore
from {package}.kit.training.distributed import strategies

def counted(state, bucket):
    global exchanged
    exchanged += 1
    future = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future

strategies.count = lambda: 2
dist.init_process_group("fake", rank=0, world_size=2, store=FakeStore())
for strategy in (strategies.Replicated(), strategies.Sharded()):
    strategy.require(4, "fp32")
    trained = strategy.spread(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)))
    if strategy.name == "ddp":
        trained.register_comm_hook(None, counted)
    for is_last in (False, True):
        exchanged = 0
        strategy.before_batch(is_last=is_last)
        loss = trained(torch.ones(2, 4)).sum()
        with CommDebugMode() as seen:
            loss.backward()
        exchanged += sum(n for name, n in seen.get_comm_counts().items() if "reduce" in str(name))
        print("exchanged", strategy.name, is_last, exchanged > 0)
"""
HERE = {"OMP_NUM_THREADS": "1", "PEER_TIMEOUT_SECONDS": "20"}
NODES = ("10.99.0.1", "10.99.0.2")


class Scaled(Project):
    """A project that trains with several processes."""

    def train(self, *arguments: str, processes: int = 2) -> dict[str, Any]:
        """Train, and return the facts of the run."""
        return self.command("train", "--processes", str(processes), *arguments)

    def facts(self, name: str) -> dict[str, Any]:
        """Return what `run.json` says of a run."""
        (path,) = self.folder.glob(f"experiments/*-{name}/run.json")
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts

    def weights(self, name: str) -> str:
        """Return the hash of a run's last weights, as one process reads them."""
        return self.python("-c", WEIGHTS.format(package=self.package), name).strip()

    @contextmanager
    def training(
        self, *arguments: str, prefix: tuple[str, ...] = (), **variables: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Train until the first epoch is over, and go on beside the test."""
        with subprocess.Popen(
            [*prefix, str(self.python_path()), "-u", "-m", *arguments],
            cwd=self.folder,
            env={**ENVIRONMENT, **HERE, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()  # torchrun ends its processes, if it is not killed


def wait_for_epoch(process: subprocess.Popen[str], number: int = 1) -> None:
    """Wait until a training says that an epoch is over."""
    assert process.stdout is not None and process.stderr is not None
    start = f"epoch {number:3d} "
    assert any(line.startswith(start) for line in process.stdout), process.stderr.read()


def sentences(text: str) -> list[str]:
    """Return the errors that the project's command line printed."""
    return [line for line in text.splitlines() if line.startswith(("Error: ", "Terminated"))]


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Scaled:
    """A project with torchrun, installed, with data and a run of two processes."""
    folder = tmp_path_factory.mktemp("scale-out") / "project"
    made = Scaled(render(template, folder, {**answers, "scale_out": ["torchrun"]}))
    for target in ("setup", "data"):
        made.make(target)
    made.make("train", f"--processes 2 --name whole {' '.join(SHORT)}")
    return made


def test_its_tests_and_all_others_pass(project: Scaled) -> None:
    for target in ("test", "lint"):
        project.make(target)


def test_the_number_asked_for_is_the_number_that_trains(project: Scaled) -> None:
    assert project.facts("whole")["processes"] == 2
    facts = project.train("--name", "three", "--training.batch_size", "129", "--training.epochs",
                          "1", processes=3)  # fmt: skip
    assert facts["processes"] == 3


def test_two_runs_and_both_strategies_give_the_same_weights(project: Scaled) -> None:
    project.train("--name", "again", *SHORT)
    project.train("--name", "sharded", "--training.strategy", "fsdp", *SHORT)
    assert list(project.folder.glob("experiments/*-sharded/checkpoint-*"))
    hashes = {project.weights(name) for name in ("whole", "again", "sharded")}
    assert len(hashes) == 1


def test_gradients_are_exchanged_once_a_step_however_many_batches_it_has(project: Scaled) -> None:
    """A stand-in for the other process is enough: what is sent is counted, not received."""
    printed = project.python("-c", EXCHANGED.format(package=project.package)).splitlines()
    assert [line for line in printed if line.startswith("exchanged")] == [
        f"exchanged {name} {last} {last}" for name in ("ddp", "fsdp") for last in (False, True)
    ]


def test_one_process_exports_what_two_have_spread(project: Scaled) -> None:
    project.train("--name", "exported", "--training.strategy", "fsdp", *SHORT)
    assert project.command("evaluate", "--run", "exported")
    assert project.command("export", "--run", "exported")


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_run_that_a_signal_ended_goes_on_to_the_same_weights(
    project: Scaled, strategy: str
) -> None:
    train = ("train", "--processes", "2", "--training.strategy", strategy)
    name = f"signalled-{strategy}"
    epochs = ("--training.epochs", "8", "--training.batch_size", "128")
    with project.training(project.package, *train, "--name", name, *epochs) as process:
        wait_for_epoch(process)
        process.send_signal(signal.SIGUSR1)
        _, said = process.communicate()
    assert process.returncode == 143
    assert len(sentences(said)) == 1 and "continue with `train --resume" in said
    before = project.facts(name)
    assert (before["status"], before["strategy"]) == ("terminated", strategy)
    project.train("--resume", name)
    project.train("--name", f"unbroken-{strategy}", "--training.strategy", strategy, *epochs)
    assert project.weights(name) == project.weights(f"unbroken-{strategy}")


def test_another_number_of_processes_goes_on(project: Scaled) -> None:
    train = ("train", "--processes", "2", "--training.strategy", "fsdp", "--name", "moved")
    epochs = ("--training.epochs", "8", "--training.batch_size", "128")
    with project.training(project.package, *train, *epochs) as process:
        wait_for_epoch(process)
        process.send_signal(signal.SIGTERM)
        process.communicate()
    facts = project.command("train", "--resume", "moved")
    assert facts["status"] == "finished" and "processes" not in facts
    assert facts["final_metrics"]["val_accuracy"] > 0.8


def test_a_killed_process_ends_the_run_with_a_sentence(project: Scaled) -> None:
    train = ("train", "--processes", "2", "--name", "killed", *LONG)
    with project.training(project.package, *train) as process:
        wait_for_epoch(process)
        os.kill(project.facts("killed")["process"]["pid"], signal.SIGKILL)
        _, said = process.communicate()
    assert process.returncode == 2
    (sentence,) = sentences(said)
    assert sentence.startswith("Error: Process 0 was killed by SIGKILL. Died after ")
    assert "continue with `train --resume" in sentence
    assert "Traceback" not in said


def can_make_a_link() -> bool:
    """Tell whether this machine lets this user make network namespaces and links."""
    if shutil.which("ip") is None:
        return False
    made = subprocess.run(["ip", "netns", "add", "keep-probe"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", "keep-probe"], capture_output=True, check=False)
    return made.returncode == 0


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def link() -> Iterator[tuple[str, str]]:
    """Two namespaces that a link joins, each with one address."""
    names = tuple(f"keep-{os.getpid()}-{side}" for side in "ab")
    for name in names:
        ip("netns", "add", name)
    try:
        ip("link", "add", "veth0", "netns", names[0], "type", "veth", "peer", "name", "veth0",
           "netns", names[1])  # fmt: skip
        for name, address in zip(names, NODES, strict=True):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "veth0")
            for device in ("lo", "veth0"):
                ip("-n", name, "link", "set", device, "up")
        yield names[0], names[1]
    finally:
        for name in names:
            ip("netns", "del", name)


@contextmanager
def two_nodes(
    project: Scaled, link: tuple[str, str], *arguments: str
) -> Iterator[list[subprocess.Popen[str]]]:
    """Train on two nodes with a process each."""

    def node(rank: int) -> Any:
        options = ("--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1")
        master = (f"--master-addr={NODES[0]}", "--master-port=29500")
        command = ("torch.distributed.run", *options, *master, "-m", project.package, "train")
        apart = ("ip", "netns", "exec", link[rank])
        return project.training(*command, *arguments, prefix=apart, GLOO_SOCKET_IFNAME="veth0")

    with node(0) as first, node(1) as second:
        yield [first, second]


@pytest.mark.skipif(not can_make_a_link(), reason="this user may make no network namespaces")
def test_two_nodes_train_to_the_same_weights(project: Scaled, link: tuple[str, str]) -> None:
    with two_nodes(project, link, "--name", "nodes", *SHORT) as nodes:
        said = [node.communicate()[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    assert project.facts("nodes")["processes"] == 2
    assert project.weights("nodes") == project.weights("whole")


@pytest.mark.skipif(not can_make_a_link(), reason="this user may make no network namespaces")
def test_a_link_that_is_cut_ends_the_run_and_it_goes_on(
    project: Scaled, link: tuple[str, str]
) -> None:
    with two_nodes(project, link, "--name", "cut", *LONG) as nodes:
        wait_for_epoch(nodes[0])
        ip("-n", link[0], "link", "set", "veth0", "down")
        said = [node.communicate()[1] for node in nodes]
    (sentence,) = sentences(said[0])
    assert sentence.startswith("Error: Another process of the run is gone or cannot be reached.")
    assert "continue with `train --resume" in sentence
    before = project.facts("cut")
    assert before["status"] == "failed"
    ip("-n", link[0], "link", "set", "veth0", "up")
    with two_nodes(project, link, "--resume", "cut") as nodes:
        wait_for_epoch(nodes[0], before["epochs_done"] + 1)
