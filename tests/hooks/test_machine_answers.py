"""What is found on recorded machines, and the answers that follow from it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from envkeep.hardware import machine as hardware
from envkeep.hardware.machine import Machine
from hooks import machine_answers
from hooks.errors import HookError
from hooks.machine_answers import (
    Choice,
    Found,
    Torch,
    choose,
    find_links,
    find_python,
    find_wheels,
    stack_torch,
    wheel_folders,
)
from maintain.stack.data import load_release

# /proc/driver/nvidia/version of real machines, from public reports of their users.
RECORDED_DRIVERS = {
    # truenas-nvidia-drivers issue 19: TrueNAS, closed kernel module
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.173.02  Tue Jun 23 08:38:17 UTC 2026\n"
    "GCC version:  gcc version 14.2.0 (Ubuntu 14.2.0-4ubuntu2~24.04.1)\n": "580.173.02",
    # nixGL issue 186: Ubuntu 24.04, open kernel module
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build  "
    "(dvs-builder@U16-A24-9-2)  Thu Oct 10 12:15:00 UTC 2024\n"
    "GCC version:  gcc version 13.3.0 (Ubuntu 13.3.0-6ubuntu2~24.04)\n": "565.57.01",
    # nixGL issue 121: Arch Linux, built without a date
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  525.60.11  Release Build  "
    "(archlinux-builder@localhost)  \nGCC version:  gcc version 12.2.0 (GCC) \n": "525.60.11",
    # Hyprland pull request 6715: Gentoo, a version of two parts (its date was in Russian)
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  555.58  Release Build  "
    "(portage@localhost)  Sat Jun 29 14:36:22 MSK 2024\n": "555.58",
}
OFFERED = ("3.12", "3.13", "3.11")
TORCH = Torch("2.13.0+cpu", ("torch",), "https://example.org/whl")
LINUX = Machine("linux", "x86_64")


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty root of a Linux machine that has no program to ask for its driver."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    """Write a recorded file, its folders included."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def found(*, here: tuple[str, ...], wheels: dict[str, Path] | None = None) -> Found:
    """Return what a machine with some Pythons and some wheels of torch would give."""
    pythons = {version: Path(f"/usr/bin/python{version}") for version in OFFERED if version in here}
    return Found(LINUX, OFFERED, pythons, TORCH, wheels or {})


@pytest.mark.parametrize(("text", "version"), RECORDED_DRIVERS.items())
def test_nvidia_driver_of_recorded_machines(linux: Path, text: str, version: str) -> None:
    write(linux, "proc/driver/nvidia/version", text)
    assert hardware.detect(linux) == Machine("linux", "x86_64", nvidia_driver=version)


def test_nvidia_driver_as_the_kernel_module_states_it(linux: Path) -> None:
    write(linux, "sys/module/nvidia/version", "580.65.06\n")
    assert hardware.detect(linux).nvidia_driver == "580.65.06"


def test_a_jetson_whose_number_is_no_driver_version_is_not_taken_for_one(linux: Path) -> None:
    # nixGL issue 139: Jetson Orin NX; 35.3.1 is the release of its own Linux
    text = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  Release Build\n"
    write(linux, "proc/driver/nvidia/version", text)
    assert hardware.detect(linux).nvidia_driver is None


def test_amd_and_intel_devices(linux: Path) -> None:
    write(linux, "dev/kfd", "")
    write(linux, "sys/class/drm/renderD128/device/vendor", "0x8086\n")
    machine = hardware.detect(linux)
    assert (machine.amd, machine.intel, machine.nvidia_driver) == (True, True, None)
    assert machine.describe() == "linux-x86_64, AMD GPU and Intel graphics"


def test_a_graphics_device_of_somebody_else_is_not_intels(linux: Path) -> None:
    write(linux, "sys/class/drm/renderD128/device/vendor", "0x1002\n")
    assert hardware.detect(linux).describe() == "linux-x86_64, no GPU found"


def test_the_torch_of_the_stack_follows_its_data() -> None:
    release = load_release(machine_answers.STACK)
    linux, macos = stack_torch("linux-x86_64"), stack_torch("macos-arm64")
    assert linux == Torch(f"{release.torch}+cpu", ("torch",), release.torch_index)
    assert macos == Torch(release.torch, ("torch",), release.torch_index)
    assert stack_torch("freebsd-x86_64") is None


def test_find_links_of_all_sections_of_pip_are_read() -> None:
    configuration = (
        ":env:.cert='/etc/certificates.crt'\n"
        ":env:.find-links='/a /b'\n"
        "global.find-links='\\n/c\\nhttps://example.org/wheels'\n"
        'install.find-links="/it\'s"\n'
        "global.index-url='https://example.org/simple'\n"
    )
    assert find_links(configuration) == ["/a", "/b", "/c", "https://example.org/wheels", "/it's"]


def test_folders_come_from_pips_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} {tmp_path / 'missing'} https://example.org")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert wheel_folders() == [tmp_path]
    monkeypatch.setenv("PIP_FIND_LINKS", f"file://{tmp_path}")
    assert wheel_folders() == [tmp_path]


def test_the_override_of_this_machine_is_the_only_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/whl")
    assert wheel_folders() == []
    monkeypatch.setenv("TORCH_INDEX", str(tmp_path / ".."))
    assert wheel_folders() == [tmp_path / ".."]


@pytest.mark.skipif(platform.system() != "Linux", reason="the names are those of Linux wheels")
@pytest.mark.parametrize(
    ("wheel", "versions"),
    [
        ("torch-2.13.0+cpu-cp311-cp311-{platform}.whl", ["3.11"]),
        ("torch-2.13.0+cpu-cp313-cp313-{platform}.whl", ["3.13"]),
        ("torch-2.13.0+cpu-py3-none-any.whl", list(OFFERED)),
        ("torch-2.13.0-cp311-cp311-{platform}.whl", []),
        ("torch-2.12.1+cpu-cp311-cp311-{platform}.whl", []),
        ("torch-2.13.0+cpu-cp311-cp311-win_amd64.whl", []),
        ("torchvision-2.13.0+cpu-cp311-cp311-{platform}.whl", []),
        ("not-a-wheel.whl", []),
    ],
)
def test_only_a_wheel_that_fits_counts(tmp_path: Path, wheel: str, versions: list[str]) -> None:
    (tmp_path / wheel.format(platform=f"linux_{platform.machine()}")).touch()
    assert list(find_wheels(TORCH, OFFERED, [tmp_path])) == versions


def test_every_package_of_the_layer_must_be_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "torch-2.13.0+cpu-py3-none-any.whl").touch()
    torch = Torch(TORCH.version, ("torch", "triton"), TORCH.index)
    assert find_wheels(torch, OFFERED, [tmp_path]) == {}


def test_the_preferred_python_is_chosen() -> None:
    expected = Choice("3.12", None, "Python 3.12 is the template's default.")
    assert choose(found(here=("3.11", "3.12", "3.13")), {}) == expected


@pytest.mark.parametrize(
    ("here", "chosen", "reason"),
    [
        (("3.11", "3.13"), "3.13", "Python 3.13, as 3.12 is not on this machine."),
        (("3.11",), "3.11", "Python 3.11, as 3.12 and 3.13 are not on this machine."),
    ],
)
def test_the_next_python_takes_the_place_of_a_missing_one(
    here: tuple[str, ...], chosen: str, reason: str
) -> None:
    assert choose(found(here=here), {}) == Choice(chosen, None, reason)


def test_a_python_with_a_wheel_of_torch_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    choice = choose(found(here=OFFERED, wheels={"3.11": Path("/wheels")}), {})
    assert choice.answers() == {"python_version": "3.11", "torch_index": "/wheels"}
    assert choice.reason == "Python 3.11, as /wheels holds torch 2.13.0+cpu for it."


def test_a_wheel_for_a_python_that_is_missing_decides_nothing() -> None:
    choice = choose(found(here=("3.12",), wheels={"3.11": Path("/wheels")}), {})
    assert choice.answers() == {"python_version": "3.12"}


def test_the_override_of_this_machine_stays_out_of_the_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCH_INDEX", "/wheels")
    choice = choose(found(here=OFFERED, wheels={"3.11": Path("/wheels")}), {})
    assert choice.answers() == {"python_version": "3.11"}


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({"python_version": "3.13"}, "3.13"),
        ({"torch_index": "https://example.org"}, "3.12"),
        ({"training": "none"}, "3.12"),
    ],
)
def test_given_answers_win_over_a_folder_of_wheels(given: dict[str, str], chosen: str) -> None:
    choice = choose(found(here=OFFERED, wheels={"3.11": Path("/wheels")}), given)
    assert (choice.python_version, choice.torch_index) == (chosen, None)


@pytest.mark.parametrize(
    ("here", "given", "sentence"),
    [
        ((), {}, r"^no Python that the template offers \(3\.12, 3\.13, 3\.11\) is .*pyenv install"),
        (("3.12",), {"python_version": "3.13"}, r"^Python 3\.13 is not on this machine: install"),
        (("3.12",), {"python_version": "3.9"}, r"^Python 3\.9 is not offered: set python_version"),
    ],
)
def test_no_python_is_refused(here: tuple[str, ...], given: dict[str, str], sentence: str) -> None:
    with pytest.raises(HookError, match=sentence):
        choose(found(here=here), given)


@pytest.mark.skipif(os.name == "nt", reason="the fake programs are shell scripts")
def test_a_shim_that_fails_is_no_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def program(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    program("bin/python3.98", "echo 'pyenv: python3.98: command not found' >&2; exit 127")
    assert find_python("3.98") is None
    behind = program("pyenv/versions/3.98.1/bin/python", 'echo "3.98 $0"')
    assert find_python("3.98") == behind
    program("bin/python3.98", "echo '3.97 /another/version'")
    assert find_python("3.98") == behind
