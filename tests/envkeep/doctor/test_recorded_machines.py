"""What is detected on recorded machines of all vendors."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.hardware import gpu, host
from envkeep.hardware import machine as hardware
from envkeep.hardware.gpu import Gpu
from envkeep.hardware.host import Device
from envkeep.hardware.machine import Machine
from tests.envkeep.doctor.machines import NAMES, place, recording, without_shell

pytestmark = without_shell()
LINUX, ARM = Machine("linux", "x86_64"), Machine("linux", "arm64")
GIB = 1024**3
MIB = 1024**2
MI210 = 68702699520
EXPECTED: dict[str, tuple[Machine, tuple[Gpu, ...]]] = {
    "amd-mi210": (
        Machine("linux", "x86_64", amd=True),
        (
            Gpu("rocm", "AMD GPU", "gfx90a", MI210, MI210 - 10485760),
            Gpu("rocm", "AMD GPU", "gfx90a"),
        ),
    ),
    "amd-mi25": (
        Machine("linux", "x86_64", amd=True),
        (Gpu("rocm", "AMD GPU", None, 17163091968),),
    ),
    "amd-rx-7900-xtx": (
        Machine("linux", "x86_64", amd=True),
        (Gpu("rocm", "AMD GPU", "gfx1100"), Gpu("rocm", "AMD GPU", "gfx1036")),
    ),
    "intel-arc-a770": (
        Machine("linux", "x86_64", intel=True),
        (Gpu("xpu", "Intel graphics 0x56a0"),),
    ),
    "jetson-orin": (
        Machine("linux", "arm64", "540.4.0", jetson=True),
        (Gpu("cuda", "Orin (nvgpu)", "8.7"),),
    ),
    "jetson-orin-nx": (Machine("linux", "arm64", jetson=True), ()),
    "jetson-thor": (
        Machine("linux", "arm64", "580.00", jetson=True),
        (Gpu("cuda", "NVIDIA Thor", "11.0"),),
    ),
    "macbook-m1": (Machine("macos", "arm64", macos="11.2.3"), (Gpu("mps", "Apple M1"),)),
    "macbook-m1-pro": (Machine("macos", "arm64", macos="26.0"), (Gpu("mps", "Apple M1 Pro"),)),
    "nouveau-laptop": (LINUX, ()),
    "nvidia-dgx-spark": (
        Machine("linux", "arm64", "580.173.02"),
        (Gpu("cuda", "NVIDIA GB10", "12.1"),),
    ),
    "nvidia-driver-mismatch": (Machine("linux", "x86_64", "580.173.02"), ()),
    "nvidia-old-nvidia-smi": (
        Machine("linux", "x86_64", "580.95.05"),
        (Gpu("cuda", "NVIDIA RTX PRO ...", None, 8151 * MIB, 7693 * MIB),),
    ),
    "nvidia-two-generations": (
        Machine("linux", "x86_64", "570.86.15"),
        (
            Gpu("cuda", "NVIDIA TITAN V", "7.0"),
            Gpu("cuda", "NVIDIA RTX 5880 Ada Generation", "8.9"),
        ),
    ),
    "vm-without-gpu": (LINUX, ()),
    "windows-gtx-1080-ti": (
        Machine("windows", "x86_64", "442.92"),
        (Gpu("cuda", "GeForce GTX 1080 Ti", "6.1", 11264 * MIB, 10900 * MIB),),
    ),
    "wsl2": (
        Machine("linux", "x86_64", "573.24", wsl=True),
        (Gpu("cuda", "NVIDIA RTX A1000 6GB Laptop GPU", "8.6", 6144 * MIB, 5900 * MIB),),
    ),
    "wsl2-without-driver": (Machine("linux", "x86_64", wsl=True), ()),
}


def test_every_recording_says_where_it_comes_from() -> None:
    assert sorted(EXPECTED) == NAMES
    for name in NAMES:
        assert {"recorded", "constructed"} & recording(name)["source"].keys(), name


@pytest.mark.parametrize("name", NAMES)
def test_machine_and_gpus(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = place(name, tmp_path, monkeypatch)
    machine = hardware.detect(placed.root)
    assert (machine, hardware.gpus(machine, placed.root)) == EXPECTED[name]


def test_graphics_of_other_vendors_are_seen_without_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("nouveau-laptop", tmp_path, monkeypatch)
    assert gpu.display_vendors(placed.root) == {"cuda", "xpu"}


def test_why_nvidia_smi_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = place("nvidia-driver-mismatch", tmp_path, monkeypatch)
    complaint = gpu.nvidia_complaint(placed.root)
    assert complaint and complaint.startswith("Failed to initialize NVML: Driver/library version")


def test_a_warning_between_the_gpus_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("nvidia-dgx-spark", tmp_path, monkeypatch)
    warning = "WARNING: infoROM is corrupted at gpu 0000:02:00.0"
    placed.program("nvidia-smi", f"echo '9.0, 81559, 81004, NVIDIA H100'; echo '{warning}'")
    machine = hardware.detect(placed.root)
    assert [each.name for each in hardware.gpus(machine, placed.root)] == ["NVIDIA H100"]


def test_nvidia_smi_of_windows_need_not_be_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("windows-gtx-1080-ti", tmp_path, monkeypatch)
    folder = tmp_path / "Windows" / "System32"
    folder.mkdir(parents=True)
    (placed.programs / "nvidia-smi").rename(folder / "nvidia-smi.exe")
    assert hardware.detect(placed.root).nvidia_driver is None
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path / "Windows"))
    assert hardware.detect(placed.root).nvidia_driver == "442.92"


@pytest.mark.parametrize(
    ("number", "name"),
    [(90402, "gfx942"), (90010, "gfx90a"), (100306, "gfx1036"), (110501, "gfx1151"), (0, None)],
)
def test_gfx_names(number: int, name: str | None) -> None:
    # The pairs are those of ROCm's own code: ROCm/TheRock, test of its GPU selection
    assert gpu.gfx_name(number) == name


@pytest.mark.parametrize(
    ("name", "memory", "free"),
    [
        ("vm-without-gpu", 24684084 * 1024, 23958528 * 1024),
        ("nvidia-dgx-spark", 127600748 * 1024, 118566368 * 1024),
        ("macbook-m1", 8 * GIB, None),
        ("nouveau-laptop", None, None),
    ],
)
def test_memory(
    name: str,
    memory: int | None,
    free: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placed = place(name, tmp_path, monkeypatch)
    found = host.look(hardware.detect(placed.root), tmp_path, placed.root)
    assert (found.memory, found.memory_free) == (memory, free)


def test_a_container_has_no_more_memory_than_it_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("vm-without-gpu", tmp_path, monkeypatch)
    placed.write("sys/fs/cgroup/memory.max", "4294967296\n")
    found = host.look(hardware.detect(placed.root), tmp_path, placed.root)
    assert (found.memory, found.memory_free) == (4 * GIB, 4 * GIB)
    assert found.in_container


def test_containers_and_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = place("amd-mi210", tmp_path, monkeypatch)
    machine = hardware.detect(placed.root)
    bare = host.look(machine, tmp_path, placed.root)
    assert (bare.in_container, bare.engines, bare.nvidia_toolkit) == (False, (), False)
    group = (placed.root / "dev/kfd").group()
    devices = [Device(f"/dev/{name}", group, True) for name in ("dri/renderD128", "dri/renderD129")]
    assert bare.devices == (*devices, Device("/dev/kfd", group, True))
    placed.program("podman", "")
    placed.program("nvidia-ctk", "")
    placed.write("etc/docker/daemon.json", '{"runtimes": {"nvidia": {"path": "x"}}}')
    full = host.look(machine, tmp_path, placed.root)
    assert (full.engines, full.nvidia_toolkit, full.nvidia_in_containers) == (
        ("podman",),
        True,
        True,
    )


def test_a_program_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("vm-without-gpu", tmp_path, monkeypatch)
    placed.program("nvidia-smi", "exec /bin/sleep 600")
    monkeypatch.setattr(gpu, "PATIENCE", 0.1)
    assert hardware.detect(placed.root).nvidia_driver is None
    assert gpu.nvidia_complaint(placed.root) == "nvidia-smi did not answer within 0.1 seconds"


@pytest.mark.parametrize(
    "script", ["exit 3", "kill -9 $$", "echo '\\377\\376, [], ,'", ":", "echo 7"]
)
def test_nonsense_of_programs_is_nothing(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("macbook-m1", tmp_path, monkeypatch)
    for name in ("nvidia-smi", "sysctl"):
        placed.program(name, script)
    machine = hardware.detect(placed.root)
    assert [
        each.backend for each in hardware.gpus(machine, placed.root) if each.backend != "mps"
    ] == []
    host.look(machine, tmp_path, placed.root)


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe\x00\x01", b"nan, 580.x\n" * 3, b"-1 -1\n"])
def test_nonsense_in_files_is_nothing(
    garbage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("amd-mi210", tmp_path, monkeypatch)
    for name in NAMES:
        for path in recording(name).get("files", {}):
            placed.write(path, garbage)
    machine = hardware.detect(placed.root)
    assert (machine.nvidia_driver, machine.intel, machine.wsl) == (None, False, False)
    assert hardware.gpus(machine, placed.root) == ()
    assert gpu.display_vendors(placed.root) == frozenset()
    found = host.look(machine, tmp_path, placed.root)
    assert (found.memory, found.memory_free) == (None, None)


def test_a_folder_where_a_file_should_be_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place("vm-without-gpu", tmp_path, monkeypatch)
    for name in gpu.NVIDIA_DRIVER_FILES:
        (placed.root / name).mkdir(parents=True)
    assert hardware.detect(placed.root).nvidia_driver is None
