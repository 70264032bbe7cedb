"""Slurm for real: a job on two processes is signalled, queued again, and ends as without that."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, succeeded
from tests.support.copier_runs import render
from tests.support.slurm import NoSlurmError, Slurm, slurm, wait_for_line

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("slurm")]

EPOCHS = 20
TRIALS = 3
SUBMITTED = re.compile(r"^Job (\d+): .*\nLog: (.+)$", re.MULTILINE)
EQUAL = """
import sys
from pathlib import Path
import torch
from PACKAGE.config import DEFAULT_CONFIG, Config
from PACKAGE.kit.training.checkpoint import load_weights
from PACKAGE.model import build_model

def weights(run):
    model = build_model(Config.load(DEFAULT_CONFIG, []).model.model_dump())
    load_weights(Path("experiments", run, "checkpoint.pt"), model)
    return model.state_dict()

first, second = map(weights, sys.argv[1:])
print(first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    """Slurm on this machine; its sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        try:
            with slurm(Path(folder)) as found:
                yield found
        except NoSlurmError as error:
            pytest.skip(f"no Slurm: {error}")


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project for Slurm that searches too, installed."""
    folder = tmp_path_factory.mktemp("slurm") / "project"
    chosen = {"scale_out": ["slurm"], "extras": ["tuning"]}
    made = Project(render(template, folder, {**answers, **chosen}))
    for target in ("setup", "data"):
        made.make(target)
    return made


def submit(project: Project, cluster: Slurm, *words: str) -> tuple[str, Path]:
    """Submit as people do, with two processes on the node; return the job and its log."""
    done = succeeded(project.tools("slurm", *words, **cluster.variables, PROCESSES="2"))
    found = SUBMITTED.search(done.stdout)
    assert found, done.stdout
    return found.group(1), Path(found.group(2))


def ended(cluster: Slurm, job: str) -> dict[str, str]:
    """Wait until a job is over, and return what Slurm says of it."""
    options = ["--wait", f"--dependency=afterany:{job}", "--output=/dev/null", "--wrap=true"]
    variables = {**os.environ, **cluster.variables}
    subprocess.run(["sbatch", *options], env=variables, check=True, cwd="/")
    return cluster.facts_of(job)


def run_of(project: Project, job: str) -> str:
    """Return the id of the run that a job trained."""
    (run,) = (project.folder / "experiments").glob(f"*-job-{job}")
    return run.name


def losses_of(project: Project, run: str) -> list[tuple[int, int, float]]:
    """Return epoch, step and loss of each optimizer step of a run."""
    text = (project.folder / "experiments" / run / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return [(each["epoch"], each["step"], each["loss"]) for each in lines if "loss" in each]


def test_slurm_itself_takes_both_scripts(project: Project, cluster: Slurm) -> None:
    for words in ((), ("--tune",)):
        done = succeeded(project.tools("slurm", "--test", *words, **cluster.variables))
        assert re.search(r"Job \d+ to start at", done.stdout), done.stdout
    refused = project.tools("slurm", "--test", "--nodes", "2", **cluster.variables)
    assert refused.returncode and "Slurm refuses" in refused.stderr


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_job_goes_on_after_its_time_to_the_same_bits(
    project: Project, cluster: Slurm, strategy: str
) -> None:
    settings = ["--training.epochs", str(EPOCHS), "--training.strategy", strategy]
    job, log = submit(project, cluster, *settings)
    wait_for_line(log, "epoch   2 ", 300)
    cluster.said("scancel", "--signal=USR1", "--batch", job)
    facts = ended(cluster, job)
    text = log.read_text(encoding="utf-8")
    assert facts["JobState"] == "COMPLETED", text
    assert facts["Restarts"] == "1", text
    assert "Terminated after" in text and "start 1" in text
    run = run_of(project, job)
    record = json.loads((project.folder / "experiments" / run / "run.json").read_text("utf-8"))
    assert record["status"] == "finished" and record["processes"] == 2
    assert len(record["resumed"]) == 1

    whole, _ = submit(project, cluster, *settings)
    assert ended(cluster, whole)["JobState"] == "COMPLETED"
    uninterrupted = run_of(project, whole)
    assert losses_of(project, run) == losses_of(project, uninterrupted)
    code = EQUAL.replace("PACKAGE", project.package)
    assert project.python("-c", code, run, uninterrupted).strip() == "True"


def test_an_array_trains_the_trials_of_one_search(project: Project, cluster: Slurm) -> None:
    space = project.folder / "configs" / "tune.yaml"
    text = space.read_text(encoding="utf-8")
    space.write_text(text.replace("trials: 20", f"trials: {TRIALS}"), encoding="utf-8")
    job, log = submit(project, cluster, "--tune", "--at-once", "2", "--training.epochs", "1")
    ended(cluster, job)
    logs = sorted(project.folder.glob(f"experiments/slurm-{job}_*.log"))
    assert len(logs) == TRIALS and log.name == f"slurm-{job}_*.log"
    study = re.findall(r"study (\S+), trial 1 ", logs[0].read_text(encoding="utf-8"))[0]
    found = project.command("tune", "--resume", study, "--trials", str(TRIALS))
    assert {trial["number"] for trial in found["trials"]} == set(range(1, TRIALS + 1))
    alone = project.command("tune", "--resume", study, "--trial", "2")
    assert not alone, "it is done already"
