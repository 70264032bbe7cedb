"""Which lock a machine takes, and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envkeep.errors import ToolError
from envkeep.hardware.gpu import Gpu
from envkeep.hardware.machine import Machine
from envkeep.project import target as backends
from envkeep.project.target import Target
from tests.support.catalog import rows, torch_version

CUDA = next(row for row in rows("builds") if row["backend"] == "cuda")
ROCM = next(row for row in rows("builds") if row["backend"] == "rocm")
FLOOR = CUDA["driver"]["linux"]
LINUX = ("linux", "x86_64")
TORCH = {"torch": {"version": torch_version()}}
BUILDS = {"cpu": "cpu", "cuda": CUDA["build"], "rocm": ROCM["build"], "mps": "mps"}

Choose = Callable[..., backends.Choice]


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Choose:
    """Return a function that chooses for a machine and a project's backends."""

    def choose_for(machine: Machine, *names: str) -> backends.Choice:
        builds = {name: BUILDS[name] for name in ("cpu", *names)}
        monkeypatch.setattr(backends, "machine", lambda: machine)
        monkeypatch.setattr(backends, "project_metadata", lambda: {"builds": builds, **TORCH})
        backends.chosen.cache_clear()
        return backends.chosen()

    return choose_for


def older_than(version: str) -> str:
    return f"{int(version.split('.')[0]) - 1}.99"


@pytest.mark.parametrize(
    ("machine", "names", "target", "reason"),
    [
        (Machine(*LINUX), [], "linux-x86_64-cpu", "nothing else is in use here"),
        (Machine(*LINUX), ["cuda", "mps"], "linux-x86_64-cpu", "no NVIDIA GPU was found"),
        (
            Machine(*LINUX, nvidia_driver=f"{FLOOR}.65.06"),
            ["cuda"],
            "linux-x86_64-cuda",
            f"NVIDIA driver {FLOOR}.65.06 was found, {CUDA['title']} needs {FLOOR} or newer",
        ),
        (
            Machine(*LINUX, nvidia_driver=older_than(FLOOR)),
            ["cuda"],
            "linux-x86_64-cpu",
            f"NVIDIA driver {older_than(FLOOR)} is too old, {CUDA['title']} needs {FLOOR} or "
            "newer: see `make doctor`",
        ),
        (Machine(*LINUX, amd=True), ["cuda", "rocm"], "linux-x86_64-rocm", "an AMD GPU was found"),
        (Machine("macos", "arm64"), ["cuda", "mps"], "macos-arm64-mps", "an Apple GPU was found"),
        (Machine("macos", "arm64"), ["cuda"], "macos-arm64-cpu", "nothing else is in use here"),
        (
            Machine(*LINUX, nvidia_driver=FLOOR, amd=True),
            ["rocm"],
            "linux-x86_64-rocm",
            "an AMD GPU was found",
        ),
    ],
    ids=["cpu", "no-gpu", "nvidia", "old-driver", "amd", "apple", "apple-cpu", "only-declared"],
)
def test_a_machine_takes_the_first_backend_that_it_has(
    machine: Machine, names: list[str], target: str, reason: str, choose: Choose
) -> None:
    choice = choose(machine, *names)
    assert (choice.target.name, choice.reason) == (target, reason)


@pytest.mark.parametrize(
    ("capability", "backend"), [("8.7", "cpu"), ("11.0", "cuda"), (None, "cpu")]
)
def test_a_jetson_takes_cuda_only_if_the_build_has_code_for_its_own_gpu(
    capability: str | None, backend: str, monkeypatch: pytest.MonkeyPatch, choose: Choose
) -> None:
    """The builds for ARM are for servers; a board of the same major does not run their code."""
    monkeypatch.setattr(backends, "gpus", lambda machine: (Gpu("cuda", "board", capability),))
    board = Machine("linux", "arm64", nvidia_driver=f"{FLOOR}.00", jetson=True)
    assert choose(board, "cuda").target.backend == backend


def test_the_driver_of_windows_counts_in_linux_inside_windows(choose: Choose) -> None:
    inside = Machine(*LINUX, nvidia_driver=CUDA["driver"]["windows"], wsl=True)
    assert choose(inside, "cuda").target.backend == "cuda"


def test_continuous_integration_takes_the_cpu(
    monkeypatch: pytest.MonkeyPatch, choose: Choose
) -> None:
    monkeypatch.setenv("CI", "true")
    machine = Machine(*LINUX, nvidia_driver=f"{FLOOR}.1")
    assert choose(machine, "cuda").target.backend == "cpu"
    monkeypatch.setenv("CI", "false")
    assert choose(machine, "cuda").target.backend == "cuda"


def test_backend_overrides_detection_and_continuous_integration(
    monkeypatch: pytest.MonkeyPatch, choose: Choose
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("BACKEND", "cuda")
    assert choose(Machine(*LINUX), "cuda") == backends.Choice(
        Target("linux-x86_64", "cuda"), "as BACKEND says"
    )


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            "rocm",
            r"^rocm is not among this project's backends \(cpu, cuda, mps\); take one of them",
        ),
        ("mps", r"^torch has no mps build for linux-x86_64; it has for macos-arm64\.$"),
    ],
)
def test_a_backend_that_cannot_be_is_refused(
    wanted: str, sentence: str, monkeypatch: pytest.MonkeyPatch, choose: Choose
) -> None:
    monkeypatch.setenv("BACKEND", wanted)
    with pytest.raises(ToolError, match=sentence):
        choose(Machine(*LINUX), "cuda", "mps")


def test_a_platform_without_torch_is_refused(choose: Choose) -> None:
    with pytest.raises(ToolError, match=r"^torch has no cpu build for macos-x86_64; it has for "):
        choose(Machine("macos", "x86_64"))


def test_targets_are_the_platforms_that_the_builds_have_wheels_for(choose: Choose) -> None:
    choose(Machine(*LINUX), "cuda", "mps")
    expected = {
        f"{platform}-{name}"
        for name in ("cpu", "cuda", "mps")
        for row in rows("builds")
        if row["build"] == BUILDS[name]
        for platform in row["wheels"]
    }
    assert {target.name for target in backends.targets()} == expected
    assert len(backends.targets()) == len(expected)


def test_a_machine_locks_for_the_cpu_and_its_own_backend(choose: Choose) -> None:
    choose(Machine(*LINUX, amd=True), "cuda", "rocm")
    assert [target.name for target in backends.targets_here()] == [
        "linux-x86_64-cpu",
        "linux-x86_64-rocm",
    ]
    choose(Machine(*LINUX), "cuda", "rocm")
    assert [target.name for target in backends.targets_here()] == ["linux-x86_64-cpu"]


def test_without_torch_every_platform_can_be_locked(
    monkeypatch: pytest.MonkeyPatch, choose: Choose
) -> None:
    monkeypatch.setattr(backends, "machine", lambda: Machine("freebsd", "x86_64"))
    monkeypatch.setattr(backends, "project_metadata", lambda: {"builds": {"cpu": "cpu"}})
    backends.chosen.cache_clear()
    assert backends.chosen().target.name == "freebsd-x86_64-cpu"
    assert len(backends.targets()) == len(rows("platforms"))
