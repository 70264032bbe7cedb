"""The whole way of a default project on this machine: lock, install, train, export, predict."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import shutil
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maintain import ROOT
from tests.lifecycle.projects import Checkpoint, Project, error_sentence, pins_of, succeeded
from tests.support.loopback import serving
from tests.support.tested_on import record_tested_on

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("training")]

NOT_FOR_CPU = re.compile(r"^(nvidia-|cuda-|triton|rocm)")


@pytest.fixture
def project(trained_project: Checkpoint) -> Project:
    """Return the project as it was after its example was trained and exported."""
    return trained_project.restore()


@pytest.fixture(scope="module")
def torch_wheel(trained_project: Checkpoint) -> Path:
    """Return the wheel of torch that the lock was made with."""
    (wheel,) = (trained_project.project.folder / ".cache" / "wheels").rglob("torch-*.whl")
    return wheel


def run_record(project: Project, run_id: str) -> dict[str, Any]:
    """Return what a run wrote about itself."""
    record: dict[str, Any] = json.loads(
        (project.folder / "experiments" / run_id / "run.json").read_text()
    )
    return record


def metrics(project: Project, run_id: str) -> list[dict[str, Any]]:
    """Return the recorded metrics of a run without its times."""
    lines = (project.folder / "experiments" / run_id / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "time"} for line in lines]


def test_torch_is_the_cpu_build_and_only_in_its_layer(project: Project, torch_wheel: Path) -> None:
    locks = {layer: pins_of(text) for layer, text in project.lock_texts().items()}
    assert list(locks) == ["10-torch", "20-train", "30-prod", "40-dev", "50-lint"]
    assert locks["10-torch"]["torch"].endswith("+cpu")
    assert [layer for layer, pins in locks.items() if "torch" in pins] == ["10-torch"]
    assert hashlib.sha256(torch_wheel.read_bytes()).hexdigest() in project.lock_texts()["10-torch"]
    assert project.packages()["torch"] == locks["10-torch"]["torch"]
    for pins in locks.values():
        assert not [name for name in pins if NOT_FOR_CPU.match(name)]


def test_a_machine_without_the_projects_gpus_takes_the_cpu_and_says_why(
    project: Project, answers: dict[str, str]
) -> None:
    status = succeeded(project.tools("status")).stdout
    assert re.search(r"^backend +cpu: (no NVIDIA GPU was found|as BACKEND says)$", status, re.M)
    assert re.search(r"^development .* \(cpu\), .*fits the locks$", status, re.M)
    done = project.tools("install", BACKEND="cuda")
    assert "linux-x86_64-cuda/10-torch.txt is missing; run `make lock` first" in error_sentence(
        done
    )
    has_one = answers["package_manager"] == "poetry"  # see trained_project
    why = "mps is not among this project's" if has_one else "mps build for linux-x86_64"
    assert why in error_sentence(project.tools("install", BACKEND="mps"))
    assert project.python("-c", "import torch; print(torch.__version__)").strip().endswith("+cpu")


def test_locking_for_all_platforms_gives_the_same_bytes_for_this_one(project: Project) -> None:
    platform, _, backend = project.locks.name.rpartition("-")
    succeeded(project.tools("lock-all", "--platform", platform, "--backend", backend))
    assert project.git("status", "--short") == ""


def test_layers_agree_on_every_package_that_they_share(project: Project) -> None:
    seen: dict[str, str] = {}
    for layer, text in project.lock_texts().items():
        for name, version in pins_of(text).items():
            assert seen.setdefault(name, version) == version, (layer, name)


def test_the_example_reaches_its_accuracy(
    project: Project, record_property: Callable[[str, object], None]
) -> None:
    facts = tomllib.loads((project.folder / "requirements" / "stack" / "project.toml").read_text())
    platform, _, backend = project.locks.name.rpartition("-")
    record_tested_on(
        record_property,
        build=facts["builds"][backend],
        platform=platform,
        python=(project.folder / ".python-version").read_text().strip(),
        torch=project.packages()["torch"],
        result="run",
    )
    result = project.command("evaluate")
    assert result["accuracy"] >= 0.98


def test_two_runs_are_bitwise_equal(project: Project) -> None:
    runs = [project.command("train")["run_id"] for _ in range(2)]
    assert metrics(project, runs[0]) == metrics(project, runs[1])
    code = (
        "import sys, torch\n"
        "a, b = (torch.load(p, weights_only=True)['parts']['model'] for p in sys.argv[1:])\n"
        "print(a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a))"
    )
    checkpoints = [run_record(project, run)["checkpoint"] for run in runs]
    assert project.python("-c", code, *checkpoints).strip() == "True"


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")
def test_a_compiled_model_learns_the_same(project: Project) -> None:
    arguments = ["--training.epochs", "1", "--model.dropout", "0"]
    plain = project.command("train", *arguments)["best"]["metrics"]
    compiled = project.command("train", *arguments, "--training.compile", "true")
    assert compiled["best"]["metrics"]["val_loss"] == pytest.approx(plain["val_loss"], rel=0.01)
    assert project.command("evaluate", "--run", compiled["run_id"])["accuracy"] > 0.5


def test_a_run_records_what_it_ran_on(project: Project, trained_project: Checkpoint) -> None:
    run = project.command("train", "--training.epochs", "1")["run_id"]
    record = run_record(project, run)
    assert record["status"] == "finished"
    assert record["git_commit"] == project.git("rev-parse", "HEAD").strip()
    assert record["git_dirty"] is False
    assert record["generation"] == trained_project.active
    assert record["lock_sha256"].startswith(trained_project.active)
    manifest = json.loads((project.folder / "data" / "manifest.json").read_text())
    assert record["data_sha256"] in json.dumps(manifest)
    assert record["epochs"] == 1
    project.append("README.md", "\nA line that is not committed.\n")
    dirty = project.command("train", "--training.epochs", "1")["run_id"]
    assert run_record(project, dirty)["git_dirty"] is True


def test_ctrl_c_ends_training_in_its_own_words_and_it_can_go_on(project: Project) -> None:
    code, rest = project.interrupted_tools(
        "train",
        "--training.epochs",
        "200",
        "--name",
        "stopped",
        after="epoch   1",
        by=signal.SIGINT,
    )
    assert code == 130
    found = re.search(r"continue with `train --resume (\S+)`", rest)
    assert found, rest
    assert run_record(project, found[1])["status"] == "interrupted"


def test_a_terminated_run_says_so_and_goes_on(project: Project) -> None:
    train = ("train", "--training.epochs", "200", "--name", "asked")
    code, rest = project.interrupted_tools(*train, after="epoch   1", by=signal.SIGTERM)
    assert code == 143
    told = r"Terminated after \d+ of 200 epochs(, at step \d+)?; .* `train --resume (?P<run>\S+)`"
    found = re.search(told, rest)
    assert found, rest
    run = run_record(project, found["run"])
    assert run["status"] == "terminated"
    epoch = f"epoch {run['epochs_done'] + 1:3d}"
    again = ("train", "--resume", found["run"])
    code, rest = project.interrupted_tools(*again, after=epoch, by=signal.SIGTERM)
    assert (code, len(run_record(project, found["run"])["resumed"])) == (143, 1)


def test_a_killed_run_has_died_and_goes_on(project: Project) -> None:
    train = ("train", "--training.epochs", "200", "--name", "killed")
    project.interrupted_tools(*train, after="epoch   1", by=signal.SIGKILL)
    folder = max((project.folder / "experiments").glob("*-killed"))
    record = run_record(project, folder.name)
    assert record["status"] == "running", "it could write nothing more"
    wait_for_the_end_of(record["process"]["pid"])
    rows = json.loads(project.python("-m", project.package, "runs", "--json"))
    (run,) = [row for row in rows if row["run_id"] == folder.name]
    assert run["status"] == "died"
    said = succeeded(project.tools("runs")).stdout
    assert f"epochs; continue with `train --resume {folder.name}`." in said
    epoch = f"epoch {run['epochs_done'] + 1:3d}"
    code, _ = project.interrupted_tools(
        "train", "--resume", folder.name, after=epoch, by=signal.SIGINT
    )
    assert code == 130
    assert run_record(project, folder.name)["status"] == "interrupted"


def wait_for_the_end_of(pid: int) -> None:
    """Wait until the kernel has ended a process that is not a child of this one."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        select.select([process], [], [])
    finally:
        os.close(process)


def test_changed_data_is_refused(project: Project) -> None:
    data = project.folder / "data" / "raw" / "digits.npz"
    original = data.read_bytes()
    data.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    try:
        done = project.tools("train")
        assert done.returncode != 0
        assert "digits.npz" in done.stderr.strip().splitlines()[-1]
        assert "Traceback" not in done.stderr
    finally:
        data.write_bytes(original)


def test_production_predicts_the_same_without_torch(project: Project) -> None:
    result = project.command("predict", link=".venv-prod")
    assert (result["model"], result["examples"]) == ("models/digits", 360)
    assert result["agreement"] == 1
    assert 10 * result["max_abs_difference"] <= result["tolerance"] < 1e-3
    assert result["metrics"]["accuracy"] >= 0.98
    installed = {name.replace("_", "-") for name in project.packages(".venv-prod")}
    assert installed == {
        *pins_of(project.lock_texts()["30-prod"]),
        project.package.replace("_", "-"),
    }
    assert not {"torch", "scikit-learn", "pydantic", "onnx"} & installed


def test_predict_reads_images_and_writes_classes(project: Project, tmp_path: Path) -> None:
    answer = tmp_path / "classes.json"
    done = succeeded(
        project.tools("predict", "models/digits", "data/raw/digits.npz", "--output", str(answer))
    )
    assert ".venv-prod" in done.stderr
    assert json.loads(answer.read_text())


def test_the_benchmarks_bare_loop_makes_the_same_weights(project: Project) -> None:
    program = ROOT / "benchmarks" / "in_training.py"
    found = json.loads(project.python(str(program), project.package, "1", "256"))
    assert found["same_weights"]
    assert len(found["own"]) == len(found["bare"]) == 1


def test_an_export_of_any_name_is_what_predict_takes(project: Project) -> None:
    try:
        project.command("export", "--output", "models/mine")
        said = project.make("predict").stdout
        assert said.startswith("Equal: models/mine, 360 examples")
        assert project.make("predict", "data/raw/digits.npz").stdout.count("\n") == 1797
    finally:
        shutil.rmtree(project.folder / "models" / "mine")


def test_a_file_of_ones_own_is_listed_and_trained_on(project: Project) -> None:
    own = project.folder / "data" / "raw" / "own.npz"
    shutil.copy(project.folder / "data" / "raw" / "digits.npz", own)
    own.write_bytes(own.read_bytes() + b"\n")  # behind the archive, which is still one
    content = own.read_bytes()
    refused = project.tools("train", "--data.path", "data/raw/own.npz")
    assert "lists a file of your own as it is" in refused.stderr.strip().splitlines()[-1]
    project.make("data", "--data.path data/raw/own.npz")
    assert own.read_bytes() == content
    arguments = ("--data.path", "data/raw/own.npz", "--training.epochs", "1")
    run = project.command("train", *arguments)
    assert run["data_sha256"] == hashlib.sha256(content).hexdigest()


def test_a_changed_model_is_refused(project: Project) -> None:
    model = project.folder / "models" / "digits" / "model.onnx"
    original = model.read_bytes()
    model.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    try:
        done = project.tools("predict", "models/digits", "--verify")
        assert done.returncode != 0
        assert "model.onnx" in done.stderr.strip().splitlines()[-1]
        assert "Traceback" not in done.stderr
    finally:
        model.write_bytes(original)


def test_training_is_held_against_what_is_expected_of_it(project: Project) -> None:
    runs = sorted((project.folder / "experiments").iterdir())
    assert "expected 0.99 +- 0.01" in project.make("regression").stdout
    file = project.folder / "configs" / "expected.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("expected = 0.99", "expected = 0.9"), encoding="utf-8")
    sentence = error_sentence(project.tools("regression"))
    assert sentence.startswith("error: val_accuracy differ from configs/expected.toml")
    project.make("regression", "--accept")
    assert "expected = 0.99" in file.read_text(encoding="utf-8")
    assert sorted((project.folder / "experiments").iterdir()) == runs


def test_training_is_timed_against_the_commit_before(project: Project) -> None:
    file = project.folder / "configs" / "expected.toml"
    text = file.read_text(encoding="utf-8")
    short = text.replace("arguments = []", 'arguments = ["--training.epochs", "2"]')
    assert short != text
    file.write_text(short.replace("slowdown = 1.5", "slowdown = 100.0"), encoding="utf-8")
    project.commit("Train shortly")
    assert "times as long as at" in project.make("benchmark", "--rounds 1").stdout
    file.write_text(short.replace("slowdown = 1.5", "slowdown = 0.001"), encoding="utf-8")
    sentence = error_sentence(project.tools("benchmark", "--rounds", "1"))
    assert "times as slow: find out why" in sentence


def test_what_an_editor_starts_runs(project: Project) -> None:
    """The commands and the tests of a file, as VS Code would start them under its debugger."""
    text = (project.folder / "project.code-workspace").read_text()
    configurations = json.loads(text)["launch"]["configurations"]
    started = [each for each in configurations if isinstance(each.get("args"), list)]
    test = str(project.folder / "tests" / "test_cli.py")
    for each in started:
        arguments = [part.replace("${file}", test) for part in each["args"]]
        assert project.python("-m", each["module"], *arguments)
    assert [each["module"] for each in started] == [project.package, project.package, "pytest"]


def test_the_project_is_lint_clean_and_typed(project: Project) -> None:
    assert re.search(r"^mypy .*Passed$", project.make("lint").stdout, re.MULTILINE)


def test_a_wheel_of_torch_that_was_not_locked_is_refused(
    project: Project, trained_project: Checkpoint, torch_wheel: Path
) -> None:
    (project.locks / "50-lint.txt").write_text((project.locks / "50-lint.txt").read_text() + "#\n")
    original = torch_wheel.with_suffix(".original")
    torch_wheel.rename(original)
    try:
        torch_wheel.write_bytes(b"another file of the same name")
        sentence = error_sentence(project.tools("install"))
    finally:
        original.replace(torch_wheel)
    assert "is not the file that was locked" in sentence
    assert f"{trained_project.active} stays active" in sentence
    assert project.active() == trained_project.active


def test_torch_comes_from_a_loopback_server_as_well(
    project: Project, torch_wheel: Path, tmp_path: Path
) -> None:
    """The server has the layout of PyTorch's index and the machine's real wheel."""
    (tmp_path / "cpu" / "torch").mkdir(parents=True)
    (tmp_path / "cpu" / "torch" / torch_wheel.name).hardlink_to(torch_wheel)
    link = f'<a href="{torch_wheel.name.replace("+", "%2B")}">{torch_wheel.name}</a>'
    (tmp_path / "cpu" / "torch" / "index.html").write_text(f"<!DOCTYPE html><body>{link}</body>")
    cache = project.folder / ".cache"
    aside = cache.rename(project.folder / ".venvs" / "cache-aside")
    try:
        with serving(tmp_path) as address:
            succeeded(project.tools("lock", TORCH_INDEX=address))
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        aside.rename(cache)
    assert project.git("status", "--short") == ""


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("torch==2.12.1", "torch 2.12.1+cpu for Python"),
        ("torch>=2.12", "must give torch one exact version"),
    ],
    ids=["not-there", "not-exact"],
)
def test_an_override_of_torch_that_cannot_be_had_is_refused(
    project: Project, override: str, said: str
) -> None:
    before = project.lock_texts()
    project.append("requirements/overrides.txt", f"{override}\n")
    assert said in error_sentence(project.tools("lock"))
    assert project.lock_texts() == before


def test_an_index_without_torch_is_refused_in_one_sentence(
    project: Project, tmp_path: Path
) -> None:
    before = project.lock_texts()
    cache = project.folder / ".cache"
    aside = cache.rename(project.folder / ".venvs" / "cache-aside")
    try:
        empty = error_sentence(project.tools("lock", TORCH_INDEX=str(tmp_path)))
        missing = error_sentence(project.tools("lock", TORCH_INDEX=str(tmp_path / "missing")))
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        aside.rename(cache)
    assert "cannot be fetched" in empty
    assert "does not exist" in missing
    assert project.lock_texts() == before


HANDLER = """
import json
from {package}.kit.inference.lambda_handler import handler
event = {event}
print(json.dumps([handler(event, None), handler({{"body": json.dumps(event)}}, None)]))
"""


def test_the_handler_of_aws_lambda_answers_as_predict_does(project: Project) -> None:
    images = project.folder / "images.npy"
    code = "import numpy, sys; numpy.save(sys.argv[1], numpy.eye(8)[None] * 16)"
    project.python("-c", code, str(images), link=".venv-prod")
    predicted = project.command("predict", "models/digits", str(images), link=".venv-prod")
    event = {"images": [[[16.0 * (row == column) for column in range(8)] for row in range(8)]]}
    code = HANDLER.format(package=project.package, event=event)
    plain, web = json.loads(project.python("-c", code, link=".venv-prod"))
    assert plain["predictions"] == predicted["predictions"]
    assert json.loads(web["body"]) == plain


def test_the_health_check_refuses_a_changed_model(project: Project) -> None:
    check = ["-m", f"{project.package}.kit.inference.health", "models"]
    assert project.python(*check, link=".venv-prod").startswith("ok, ")
    project.append("models/digits/model.onnx", "x")
    with pytest.raises(AssertionError, match="is not the file that was exported"):
        project.python(*check, link=".venv-prod")
