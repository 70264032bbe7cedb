"""Environments by name: for what they are locked, what decides their versions, what is refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from envkeep.commands import env as command
from envkeep.diff import sides
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.locks import constraints, indexes, lock_set, torch_builds
from envkeep.locks.lock_set import Locks
from envkeep.project import metadata, named_environments, requirements, target
from envkeep.project.requirements import maker_of
from envkeep.project.target import Choice, Target, locked_alone

JAM = "environments/jam"
LINUX_CPU = Target("linux-x86_64", "cpu")
LINUX_CUDA = Target("linux-x86_64", "cuda")
WINDOWS_CPU = Target("windows-x86_64", "cpu")
FACTS = {
    "package_name": "shop",
    "builds": {"cpu": "cpu", "cuda": "cu130"},
    "torch": {"version": "2.13.0", "index": "https://torch.example/whl"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the requirements of a small project with torch, on a machine without GPU."""
    folder = tmp_path / "requirements"
    (folder / "stack" / "exporters").mkdir(parents=True)
    (folder / "environments").mkdir()
    (folder / "stack" / "30-prod.in").write_text("numpy\n", encoding="utf-8")
    (folder / "stack" / "constraints.txt").write_text("numpy==2.5\n", encoding="utf-8")
    (folder / "stack" / "exporters" / "bread.in").write_text("flour\n", encoding="utf-8")
    monkeypatch.setattr(requirements, "ORDER", folder / "order.txt")
    for module in (requirements, constraints):
        monkeypatch.setattr(module, "STACK", folder / "stack")
        monkeypatch.setattr(module, "OVERRIDES", folder / "overrides.txt")
    for module in (requirements, constraints, named_environments, torch_builds):
        monkeypatch.setattr(module, "REQUIREMENTS", folder)
    monkeypatch.setattr(constraints, "CONSTRAINTS", folder / "stack" / "constraints.txt")
    monkeypatch.setattr(lock_set, "LOCKS", folder / "locks")
    for module in (constraints, lock_set):
        monkeypatch.setattr(module, "python_version", lambda: "3.12")
    for module in (metadata, torch_builds, named_environments, target):
        monkeypatch.setattr(module, "project_metadata", lambda: FACTS)
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    monkeypatch.setenv("NAME", "host-of-windows")
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    on(monkeypatch, LINUX_CPU)
    return folder


def on(monkeypatch: pytest.MonkeyPatch, chosen: Target) -> None:
    """Run what follows on a machine of a target."""
    monkeypatch.setattr(target, "chosen", lambda: Choice(chosen, "as found"))
    monkeypatch.setattr(target, "for_cpu", lambda: Target(chosen.platform, "cpu"))


def write(folder: Path, text: str, name: str = "jam") -> None:
    """Write the file of an environment."""
    (folder / "environments" / f"{name}.in").write_text(text, encoding="utf-8")


def test_without_a_word_it_is_locked_for_every_target(folder: Path) -> None:
    write(folder, "sugar\n")
    assert JAM in locked_alone(LINUX_CPU)
    assert locked_alone(LINUX_CUDA) == (JAM,)
    assert Locks(LINUX_CUDA).names == ("30-prod", JAM)
    assert (
        Locks(LINUX_CUDA).file(JAM) == folder / "locks" / LINUX_CUDA.name / "environments/jam.txt"
    )


@pytest.mark.parametrize("line", ["# backends: cuda", "#Backend : cuda", "\ufeff# backends: cuda,"])
def test_it_is_locked_for_the_backends_that_it_says(folder: Path, line: str) -> None:
    write(folder, f"{line}\n\n# What makes jam.\nsugar\n")
    assert JAM not in locked_alone(LINUX_CPU)
    assert JAM in locked_alone(LINUX_CUDA)


def test_it_is_locked_on_the_platforms_that_it_says(folder: Path) -> None:
    write(folder, "# backends: cpu, cuda\n# platforms: linux-x86_64\nsugar\n")
    assert JAM in locked_alone(LINUX_CPU)
    assert JAM not in locked_alone(WINDOWS_CPU)


def test_a_comment_behind_a_requirement_says_nothing(folder: Path) -> None:
    write(folder, "sugar\n# backends: cuda\n")
    assert JAM in locked_alone(LINUX_CPU)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "jam",
            "# backends: tpu\nsugar\n",
            "is for the backend tpu, and the project has cpu, cuda",
        ),
        ("jam", "# backends:\nsugar\n", "is for no backend, and the project has cpu, cuda"),
        ("jam", "# platforms: amiga\nsugar\n", "is for the platform amiga, and the project has"),
        ("jam", "# backends: cuda\n\n# nothing yet\n", "asks for nothing: write a requirement"),
        ("jam", "-r other.in\n", "cannot be read"),
        ("Strawberry Jam", "sugar\n", "cannot name an environment: rename it"),
        ("jam.d", "sugar\n", "cannot name an environment"),
        ("-jam", "sugar\n", "cannot name an environment"),
        ("nul", "sugar\n", "cannot name an environment"),
        ("20-train", "sugar\n", "has the name of a layer"),
        ("prod", "sugar\n", "has the name of a layer"),
        ("bread", "sugar\n", "has the name of an environment of the template"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    folder: Path, name: str, text: str, sentence: str
) -> None:
    write(folder, text, name)
    with pytest.raises(ToolError, match=sentence) as refused:
        locked_alone(LINUX_CPU)
    assert f"{name}.in" in str(refused.value) or "other.in" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_neither_stack_nor_layers_nor_overrides_decide_about_it(folder: Path) -> None:
    (folder / "overrides.txt").write_text("numpy==2.6\ntorch==2.12.0\n", encoding="utf-8")
    write(folder, "numpy==2.4\n")
    lines = constraints.constraints_of_exporter(LINUX_CPU, JAM).splitlines()[1:]
    assert lines == ["torch==2.13.0+cpu"]


def test_it_may_have_another_torch_from_the_same_index(folder: Path) -> None:
    write(folder, "torch==2.11.0\ntorchvision==0.26.0\nserver\n")
    build = torch_builds.torch_build(LINUX_CUDA, (JAM,))
    assert build is not None
    assert build.pins == {"torch": "2.11.0+cu130", "torchvision": "0.26.0+cu130"}
    of_layers = torch_builds.torch_build(LINUX_CUDA)
    assert of_layers is not None
    assert of_layers.pins == {"torch": "2.13.0+cu130"}


def test_a_torch_without_one_version_is_refused_by_the_name_of_the_file(folder: Path) -> None:
    write(folder, "torch>=2.11\n")
    with pytest.raises(ToolError, match=r"requirements/environments/jam\.in must give torch one"):
        torch_builds.torch_build(LINUX_CPU, (JAM,))


def test_an_index_in_its_file_is_refused_as_in_a_layer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "OVERRIDES", folder / "overrides.txt")
    write(folder, "# backends: cpu\n--extra-index-url https://corp.example/simple\nsugar\n")
    indexes.refuse_options(LINUX_CUDA)
    with pytest.raises(ToolError, match=r"environments/jam\.in, line 2: "):
        indexes.refuse_options(LINUX_CPU)


def test_only_what_an_environment_is_for_grows_stale_by_it(folder: Path) -> None:
    before = {each: constraints.inputs_hash(each) for each in (LINUX_CPU, LINUX_CUDA)}
    write(folder, "# backends: cuda\nsugar\n")
    first = constraints.inputs_hash(LINUX_CUDA)
    assert constraints.inputs_hash(LINUX_CPU) == before[LINUX_CPU]
    assert first != before[LINUX_CUDA]
    write(folder, "# backends: cuda\n-r more.in\n")
    write(folder, "sugar\n", "more")
    (folder / "environments" / "more.in").rename(folder / "environments" / "more.txt")
    write(folder, "# backends: cuda\n-r more.txt\n")
    second = constraints.inputs_hash(LINUX_CUDA)
    (folder / "environments" / "more.txt").write_text("sugar==2\n", encoding="utf-8")
    assert constraints.inputs_hash(LINUX_CUDA) != second


def test_a_machine_takes_its_own_backend_or_else_the_cpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, LINUX_CUDA)
    write(folder, "sugar\n")
    assert target.of_named(JAM) == LINUX_CUDA
    write(folder, "# backends: cpu\nsugar\n")
    assert target.of_named(JAM) == LINUX_CPU
    on(monkeypatch, LINUX_CPU)
    write(folder, "# backends: cuda\nsugar\n")
    with pytest.raises(
        ToolError, match=r"jam is for cuda on .*, and this machine is linux-x86_64-cpu"
    ):
        target.of_named(JAM)
    assert JAM not in target.alone_here()


def test_an_unknown_one_is_refused_with_those_that_there_are(folder: Path) -> None:
    with pytest.raises(ToolError, match=r"write requirements/environments/NAME\.in"):
        command.run(argparse.Namespace(name="honey"))
    write(folder, "sugar\n")
    with pytest.raises(ToolError, match="the project has no environment honey; it has jam"):
        command.run(argparse.Namespace(name="honey"))


def test_without_a_name_they_are_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROOT", folder.parent)
    write(folder, "# backends: cuda\nsugar\n")
    result = command.run(argparse.Namespace(name=None))
    assert result.lines == ["jam (cuda): none; `make env NAME=jam` makes it"]
    assert maker_of(JAM) == "make env NAME=jam"


def test_locks_of_environments_that_are_no_more_go(folder: Path) -> None:
    write(folder, "# backends: cpu\nsugar\n")
    write(folder, "# backends: cuda\nflour\n", "dough")
    locks = Locks(LINUX_CPU).folder / "environments"
    locks.mkdir(parents=True)
    for name in ("jam.txt", "pylock.jam.toml", "dough.txt", "pylock.dough.toml", "honey.txt"):
        (locks / name).write_text("", encoding="utf-8")
    Locks(LINUX_CPU).remove_superseded()
    assert sorted(path.name for path in locks.iterdir()) == ["jam.txt", "pylock.jam.toml"]


def test_a_difference_of_locks_tells_in_which_environment(folder: Path) -> None:
    locks = folder / "locks" / LINUX_CPU.name
    (locks / "environments").mkdir(parents=True)
    (locks / "30-prod.txt").write_text("numpy==2.5\n", encoding="utf-8")
    (locks / "environments" / "jam.txt").write_text("numpy==2.4\n", encoding="utf-8")
    found = sides._locked(locks, folder, ())
    assert {key: each.version for key, each in found.items()} == {
        "numpy": "2.5",
        f"{JAM}: numpy": "2.4",
    }
