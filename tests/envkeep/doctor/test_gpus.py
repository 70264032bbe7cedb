"""What the doctor says of drivers, architectures and devices of recorded machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.envkeep.doctor.conftest import Doctor
from tests.envkeep.doctor.machines import without_shell

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]


def switch(row: Any) -> str | None:
    """Return the command that switches to a build."""
    return f'make update ARGS="--data {row["backend"]}_build={row["build"]}"' if row else None


def first_that_serves(doctor: Doctor, driver: str, targets: list[str]) -> Any:
    """Return the first other CUDA build for a driver on Linux and all of some GPUs, or None."""
    catalog = doctor.envkeep.catalog
    machine = doctor.envkeep.machine.Machine("linux", "x86_64", nvidia_driver=driver)
    for row in catalog.builds_of("cuda"):
        served = all(catalog.gpu_served(row, "linux-x86_64", target) for target in targets)
        if row["build"] != doctor.build("cuda") and served and catalog.driver_serves(row, machine):
            return row
    return None


def test_an_old_driver_comes_with_the_build_that_it_serves(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-two-generations")
    found = doctor.diagnose()
    build = doctor.envkeep.catalog.build(doctor.build("cuda"))
    floor = build["driver"]["linux"]
    finding = found.only("driver")
    assert found.context.target.backend == "cpu"
    assert (finding.status, finding.found) == ("error", "570.86.15")
    assert finding.expected == f"{floor} or newer"
    assert build["title"] in finding.message
    assert finding.command == switch(first_that_serves(doctor, "570.86.15", ["7.0", "8.9"]))


def test_a_driver_that_no_build_knows_can_only_be_updated(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("windows-gtx-1080-ti")
    finding = doctor.diagnose().only("driver")
    assert (finding.status, finding.found, finding.command) == ("error", "442.92", None)
    assert "update it to" in finding.message


def test_linux_in_windows_is_judged_by_the_driver_of_windows(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("wsl2")
    found = doctor.diagnose()
    windows = doctor.envkeep.catalog.build(doctor.build("cuda"))["driver"]["windows"]
    floors = {"linux": "1.0", "windows": "9999.0"}
    assert found.only("driver").expected.startswith(windows)
    row = {**doctor.envkeep.catalog.build(doctor.build("cuda")), "driver": floors}
    doctor.patched.setattr(doctor.envkeep.catalog, "build", lambda _: row)
    assert doctor.diagnose().only("driver").expected == "9999.0 or newer"


def test_a_new_driver_is_fine(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-dgx-spark")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    found = doctor.diagnose()
    assert found.context.target.backend == "cuda"
    assert found.only("driver").status == "ok"
    assert found.only("architecture").status == "ok"
    assert "NVIDIA GB10" in found.only("gpu").message


def test_one_gpu_of_two_without_code_is_left_out(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-two-generations")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    no_code, code = sorted(doctor.diagnose().of("architecture"), key=lambda each: each.found)
    assert (no_code.status, no_code.found, code.status) == ("warning", "7.0", "ok")
    assert "Volta" in no_code.message
    assert no_code.command == "export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=1"


def test_a_gpu_without_code_comes_with_the_build_that_has_some(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-two-generations")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    doctor.machine.program("nvidia-smi", "echo '7.0, 12288, 12000, NVIDIA TITAN V'")
    finding = doctor.diagnose().only("architecture")
    other = first_that_serves(doctor, "9999.10", ["7.0"])
    assert finding.status == "error"
    assert finding.command == switch(other)
    assert (other["title"] if other else "no build") in finding.message


def test_a_gpu_that_no_build_knows(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-two-generations")
    doctor.machine.program("nvidia-smi", "echo '3.5, 11441, 11000, Tesla K40m'")
    finding = doctor.diagnose().only("architecture")
    assert (finding.status, finding.command) == ("error", None)
    assert "no build of this torch has" in finding.message


def test_nvidia_smi_that_does_not_know_architectures(doctor_on: DoctorOn) -> None:
    found = doctor_on("nvidia-old-nvidia-smi").diagnose()
    assert found.only("architecture").status == "skipped"
    assert found.only("gpu").status == "ok"


def test_a_half_updated_driver_wants_a_restart(doctor_on: DoctorOn) -> None:
    finding = doctor_on("nvidia-driver-mismatch").diagnose().only("gpu")
    assert (finding.status, finding.command) == ("error", "sudo reboot")
    assert "Driver/library version mismatch" in finding.message


@pytest.mark.parametrize("board", ["jetson-orin", "jetson-orin-nx"])
def test_a_board_is_not_judged_like_a_server(board: str, doctor_on: DoctorOn) -> None:
    found = doctor_on(board).diagnose()
    assert found.only("jetson").status == "warning"
    assert found.only("driver").status == found.only("architecture").status == "skipped"


def test_a_board_that_the_build_has_code_for(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("jetson-thor")
    build = dict(doctor.envkeep.catalog.build(doctor.build("cuda")))
    build["gpu_targets"] = {"linux-arm64": ["11.0"]}
    doctor.patched.setattr(doctor.envkeep.catalog, "build", lambda _: build)
    found = doctor.diagnose()
    assert found.only("jetson").status == "skipped"
    assert found.only("architecture").status == "ok"


def test_a_gpu_without_driver(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nouveau-laptop")
    warnings = doctor.diagnose().of("gpu", "warning")
    assert len(warnings) == 2
    assert all("no driver" in each.message for each in warnings)
    doctor.patched.setenv("BACKEND", "cuda")
    finding = doctor.diagnose().only("gpu")
    assert (finding.status, finding.expected) == ("error", "NVIDIA GPU")


def test_no_gpu_at_all(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("vm-without-gpu")
    finding = doctor.diagnose().only("gpu")
    assert finding.status == "warning"
    assert finding.message.startswith("No NVIDIA GPU or AMD GPU or ")
    assert "CPU instead" in finding.message
    doctor.use({"cpu": doctor.build("cpu")})
    assert doctor.diagnose().only("gpu").status == "skipped"


@pytest.mark.parametrize(("variable", "value"), [("CI", "true"), ("BACKEND", "cpu")])
def test_gpus_are_not_missed_where_the_cpu_was_asked_for(
    variable: str, value: str, doctor_on: DoctorOn
) -> None:
    doctor = doctor_on("nvidia-two-generations")
    doctor.patched.setenv(variable, value)
    found = doctor.diagnose()
    for check in ("gpu", "driver", "architecture"):
        assert found.only(check).status == "skipped"


def test_amd_server(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("amd-mi210")
    found = doctor.diagnose()
    assert found.context.target.backend == "rocm"
    assert "AMD GPU (gfx90a, 64 GiB)" in found.only("gpu").message
    assert [each.status for each in found.of("architecture")] == ["ok", "ok"]
    assert found.only("devices").status == "ok"


def test_a_processors_graphics_beside_a_card(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("amd-rx-7900-xtx")
    found = doctor.diagnose()
    (finding,) = found.of("architecture", "warning", "error")
    assert (finding.status, finding.found) == ("warning", "gfx1036")
    assert finding.command == "export HIP_VISIBLE_DEVICES=0"
    assert found.only("override").status == "skipped"


def test_a_gpu_that_passes_for_another(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("amd-rx-7900-xtx")
    doctor.patched.setenv("HSA_OVERRIDE_GFX_VERSION", "10.3.0")
    found = doctor.diagnose()
    (finding,) = found.of("architecture", "warning", "error")
    assert "passes for a gfx1030" in finding.message
    assert finding.status == "warning"
    override = found.only("override")
    assert (override.status, override.command) == ("warning", "unset HSA_OVERRIDE_GFX_VERSION")


def test_an_old_kernel_does_not_tell_the_gfx_name(doctor_on: DoctorOn) -> None:
    found = doctor_on("amd-mi25").diagnose()
    assert found.only("gpu").status == "ok"
    assert found.only("architecture").status == "skipped"


def test_intel_names_what_its_build_is_for(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("intel-arc-a770")
    found = doctor.diagnose()
    finding = found.only("intel")
    assert found.context.target.backend == "xpu"
    assert finding.status == "ok"
    assert "0x56a0" in finding.message
    assert "Arc A" in finding.expected


def test_macos_is_compared_with_the_wheel(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("macbook-m1")
    tag = doctor.envkeep.catalog.build(doctor.build("mps"))["wheels"]["macos-arm64"]["wheel_tag"]
    old = doctor.diagnose().only("wheel-tag")
    assert (old.status, old.found) == ("error", "11.2.3")
    assert old.expected == ".".join(tag.split("_")[1:3])


def test_a_mac_that_is_new_enough(doctor_on: DoctorOn) -> None:
    found = doctor_on("macbook-m1-pro").diagnose()
    assert found.only("wheel-tag").status == "ok"
    assert "Apple M1 Pro" in found.only("gpu").message


@pytest.mark.parametrize(("libc", "status"), [("2.17", "error"), ("2.99", "ok"), (None, "warning")])
def test_glibc_is_compared_with_the_wheel(
    libc: str | None, status: str, doctor_on: DoctorOn
) -> None:
    doctor = doctor_on("vm-without-gpu")
    host = replace(doctor.collect().host, libc=libc)
    assert doctor.diagnose(host=host).only("wheel-tag").status == status


def test_devices_that_the_user_may_not_open(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("amd-mi210")
    host = doctor.collect().host
    closed = tuple(replace(each, open=False, group="render") for each in host.devices)
    finding = doctor.diagnose(host=replace(host, devices=closed)).only("devices")
    assert finding.status == "error"
    assert finding.command == "sudo usermod --append --groups render $USER"
    inside = replace(host, devices=closed, in_container=True)
    finding = doctor.diagnose(host=inside).only("devices")
    assert "--group-add=render" in finding.message


def test_a_container_without_the_gpus_devices(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-dgx-spark")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    host = replace(doctor.collect().host, in_container=True)
    finding = doctor.diagnose(host=host).only("devices")
    (flag,) = doctor.envkeep.catalog.backend("cuda")["container"]["device_flags"]
    assert finding.status == "error"
    assert flag in finding.message
    doctor.machine.write("dev/nvidiactl", "")
    assert doctor.diagnose().only("devices").status == "ok"


@pytest.mark.parametrize(
    ("machine", "variable"),
    [
        ("nvidia-dgx-spark", "CUDA_VISIBLE_DEVICES"),
        ("amd-mi210", "HIP_VISIBLE_DEVICES"),
        ("amd-mi210", "ROCR_VISIBLE_DEVICES"),
        ("intel-arc-a770", "ZE_AFFINITY_MASK"),
    ],
)
def test_a_variable_that_hides_every_gpu(machine: str, variable: str, doctor_on: DoctorOn) -> None:
    doctor = doctor_on(machine)
    if machine.startswith("nvidia"):
        doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    assert doctor.diagnose().only("visible").status == "skipped"
    doctor.patched.setenv(variable, "")
    finding = doctor.diagnose().only("visible")
    assert (finding.status, finding.command) == ("warning", f"unset {variable}")
    doctor.patched.setenv(variable, "0")
    assert doctor.diagnose().only("visible").status == "skipped"


def test_libraries_of_another_cuda(doctor_on: DoctorOn, tmp_path: Path) -> None:
    doctor = doctor_on("nvidia-dgx-spark")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    other, harmless = tmp_path / "other-cuda", tmp_path / "harmless"
    other.mkdir()
    harmless.mkdir()
    (other / "libcudart.so.11.0").touch()
    doctor.patched.setenv("LD_LIBRARY_PATH", f"{harmless}:/missing:")
    assert doctor.diagnose().only("libraries").status == "skipped"
    doctor.patched.setenv("LD_LIBRARY_PATH", f"{harmless}:{other}")
    finding = doctor.diagnose().only("libraries")
    assert (finding.found, finding.command) == (str(other), "unset LD_LIBRARY_PATH")


def test_hints_for_linux_in_windows(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("wsl2-without-driver")
    finding = doctor.diagnose().only("wsl")
    assert (finding.status, finding.command) == ("warning", "wsl.exe --update")
    slow, _ = doctor.diagnose(folder=Path("/mnt/c/Users/me/project")).of("wsl")
    assert (slow.status, slow.expected) == ("warning", "a folder under ~")


def test_linux_in_windows_with_its_gpu(doctor_on: DoctorOn) -> None:
    assert doctor_on("wsl2").diagnose().only("wsl").status == "ok"


def test_container_toolkit(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-two-generations")
    assert doctor.diagnose().only("container-toolkit").status == "skipped"
    doctor.machine.program("docker", "")
    finding = doctor.diagnose().only("container-toolkit")
    assert (finding.status, finding.command) == ("warning", None)
    doctor.machine.program("nvidia-ctk", "")
    finding = doctor.diagnose().only("container-toolkit")
    assert finding.status == "warning"
    assert finding.command.startswith("sudo nvidia-ctk runtime configure --runtime=docker")
    doctor.machine.write("etc/cdi/nvidia.yaml", "")
    assert doctor.diagnose().only("container-toolkit").status == "ok"
    inside = replace(doctor.collect().host, in_container=True)
    assert doctor.diagnose(host=inside).only("container-toolkit").status == "skipped"


def test_disk_for_another_environment(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("amd-mi210")
    host = replace(doctor.collect().host, disk_free=5 * 10**9)
    finding = doctor.diagnose(host=host).only("disk")
    assert (finding.status, finding.found) == ("error", "5 GB free")
    ready = (doctor.environment(),)
    assert doctor.diagnose(host=host, environments=ready).only("disk").status == "warning"
    doctor.patched.setenv("BACKEND", "cpu")
    assert doctor.diagnose(host=host).only("disk").status == "ok"


def test_memory(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("vm-without-gpu")
    assert doctor.diagnose().only("memory").status == "ok"
    little = replace(doctor.collect().host, memory_free=10**9)
    assert doctor.diagnose(host=little).only("memory").status == "warning"
    unknown = replace(doctor.collect().host, memory=None, memory_free=None)
    assert doctor.diagnose(host=unknown).only("memory").status == "skipped"


def test_memory_of_a_gpu_that_others_use(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("nvidia-old-nvidia-smi")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    assert doctor.diagnose().only("gpu-memory").status == "ok"
    doctor.machine.program("nvidia-smi", "echo '9.0, 81559, 300, NVIDIA H100 80GB HBM3'")
    finding = doctor.diagnose().only("gpu-memory")
    assert (finding.status, finding.command) == ("warning", "nvidia-smi")
