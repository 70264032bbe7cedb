"""The backends and builds of torch that are proposed for a machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envkeep.hardware.catalog import driver_serves
from envkeep.hardware.machine import Machine
from hooks.hardware_choice import Hardware, propose
from hooks.machine_answers import STACK, Found, Torch, choose, stack_torch
from maintain.stack.data import load_backends, load_builds
from maintain.stack.rows import Build

BUILDS = load_builds(STACK)
CUDA = [row for row in BUILDS if row.backend == "cuda"]
FLOORS = sorted({row.driver["linux"] for row in CUDA}, key=lambda text: int(text.split(".")[0]))
OLDEST, NEWEST = FLOORS[0], FLOORS[-1]


def hardware(
    machine: Machine, is_available: Callable[[Build], bool] = lambda build: True
) -> Hardware:
    """Return the proposal from the stack's catalog, where every build can be had by default."""
    return propose(machine, load_backends(STACK), BUILDS, is_available)


def test_a_new_driver_gets_the_default_build() -> None:
    answers = hardware(Machine("linux", "x86_64", nvidia_driver=f"{NEWEST}.65.06")).answers
    assert answers == {"backends": "[cpu, cuda]", "cuda_build": CUDA[0].build}


def test_an_older_driver_gets_the_first_build_that_it_serves() -> None:
    machine = Machine("linux", "x86_64", nvidia_driver=f"{int(NEWEST.split('.')[0]) - 1}.99")
    chosen = hardware(machine).answers["cuda_build"]
    first = next(row for row in CUDA if driver_serves(row.model_dump(), machine))
    assert chosen == first.build != CUDA[0].build


def test_a_driver_that_is_too_old_for_all_leaves_the_cpu() -> None:
    machine = Machine("linux", "x86_64", nvidia_driver=f"{int(OLDEST.split('.')[0]) - 1}.99")
    proposed = hardware(machine)
    assert proposed.answers == {}
    assert proposed.reason == (
        "CPU, as no build of torch that can be had here serves the NVIDIA GPU."
    )


@pytest.mark.parametrize(
    ("machine", "backend"),
    [
        (Machine("linux", "x86_64", amd=True), "rocm"),
        (Machine("linux", "x86_64", intel=True), "xpu"),
        (Machine("macos", "arm64"), "mps"),
    ],
    ids=["amd", "intel", "apple"],
)
def test_other_gpus_get_their_backend(machine: Machine, backend: str) -> None:
    proposed = hardware(machine)
    assert proposed.answers["backends"] == f"[cpu, {backend}]"
    asked = {"rocm_build"} if backend == "rocm" else set()
    assert proposed.answers.keys() == {"backends"} | asked


def test_a_machine_without_gpu_keeps_the_defaults() -> None:
    assert hardware(Machine("linux", "x86_64")) == Hardware({}, "CPU, as no GPU was found.")


def test_a_folder_that_holds_the_cpus_wheel_alone_leaves_the_cpu(tmp_path: Path) -> None:
    machine = Machine("linux", "x86_64", nvidia_driver=f"{NEWEST}.65.06")
    cpu = stack_torch(machine.platform)
    assert cpu is not None
    (tmp_path / f"torch-{cpu.version}-py3-none-any.whl").touch()
    found = found_with(machine, cpu, tmp_path)
    assert "backends" not in choose(found, {}).answers()
    cuda = stack_torch(machine.platform, CUDA[0])
    assert cuda is not None
    (tmp_path / f"torch-{cuda.version}-py3-none-any.whl").touch()
    assert choose(found, {}).answers()["backends"] == "[cpu, cuda]"


@pytest.mark.parametrize("given", [{"training": "none"}, {"backends": "[rocm]"}], ids=str)
def test_given_answers_are_kept(given: dict[str, str]) -> None:
    machine = Machine("linux", "x86_64", nvidia_driver=f"{NEWEST}.65.06")
    found = found_with(machine, None, None)
    assert not choose(found, given).hardware.answers
    assert choose(found, {}).hardware.answers


def found_with(machine: Machine, torch: Torch | None, folder: Path | None) -> Found:
    """Return a machine with one Python and perhaps a folder of wheels."""
    wheels = {"3.12": folder} if folder else {}
    return Found(machine, ("3.12",), {"3.12": Path("/usr/bin/python3.12")}, torch, wheels)
