"""What the doctor says of the project's Python, locks, environments and installed torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.envkeep.doctor.conftest import Doctor
from tests.envkeep.doctor.machines import without_shell

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]


@pytest.fixture
def doctor(doctor_on: DoctorOn) -> Doctor:
    """Return the doctor on a machine that takes the project's CUDA build."""
    doctor = doctor_on("nvidia-dgx-spark")
    doctor.machine.write("sys/module/nvidia/version", "9999.10\n")
    return doctor


@pytest.fixture
def torch(doctor: Doctor) -> str:
    """Return the version of torch that the machine takes."""
    version: str = doctor.collect().torch
    return version


def locked(doctor: Doctor, torch: str | None = None, **facts: object) -> Any:
    """Return the state of complete locks."""
    return doctor.envkeep.context.LockState(torch=torch, **facts)


def test_a_fresh_clone(doctor: Doctor) -> None:
    found = doctor.diagnose()
    assert found.only("python").status == "ok"
    assert found.only("locks").command == "make lock"
    assert found.only("environment").command == "make lock && make install"
    assert found.only("torch-build").status == found.only("torch-device").status == "skipped"


def test_a_backend_that_was_asked_for_stands_in_the_commands(doctor: Doctor) -> None:
    doctor.patched.setenv("BACKEND", "cpu")
    command = doctor.diagnose().only("environment").command
    assert command == "make lock BACKEND=cpu && make install BACKEND=cpu"


def test_a_project_in_order(doctor: Doctor, torch: str) -> None:
    found = doctor.diagnose(
        locks=locked(doctor, torch),
        environments=(doctor.environment(torch=torch),),
    )
    for check in ("python", "locks", "environment", "torch-build"):
        assert found.only(check).status == "ok", check


def test_requirements_newer_than_the_locks(doctor: Doctor) -> None:
    finding = doctor.diagnose(locks=locked(doctor, fresh=False)).only("locks")
    assert (finding.status, finding.command) == ("warning", "make lock")


def test_some_locks_are_missing(doctor: Doctor) -> None:
    finding = doctor.diagnose(locks=locked(doctor, missing=("30-prod",))).only("locks")
    assert (finding.status, finding.expected) == ("error", "30-prod")
    assert "30-prod" in finding.message


@pytest.mark.parametrize(
    ("facts", "status", "command"),
    [
        ({"starts": False}, "error", "make install"),
        ({"python_problem": "its Python was 3.12.1"}, "warning", "make install"),
        ({"python": "2.7"}, "error", "make install"),
        ({"fits_locks": False}, "warning", "make install"),
        ({"fits_project": False}, "warning", "make install"),
    ],
)
def test_an_environment_that_does_not_fit(
    facts: dict[str, object], status: str, command: str, doctor: Doctor, torch: str
) -> None:
    environments = (doctor.environment(torch=torch, **facts),)
    found = doctor.diagnose(locks=locked(doctor, torch), environments=environments)
    finding = found.only("environment")
    assert (finding.status, finding.command) == (status, command)


def test_the_production_environment_is_judged_too(doctor: Doctor) -> None:
    kind = doctor.envkeep.store.PRODUCTION
    environments = (doctor.environment(), doctor.environment(kind=kind, fits_locks=False))
    found = doctor.diagnose(locks=locked(doctor), environments=environments)
    development, production = found.of("environment")
    assert (development.status, production.status) == ("ok", "warning")
    assert production.command == "make install-prod"


def test_a_python_that_torch_has_no_wheel_for(doctor: Doctor) -> None:
    build = doctor.envkeep.catalog.build(doctor.build("cuda"))
    served = build["wheels"]["linux-arm64"]["pythons"]
    finding = doctor.diagnose(python="3.99").only("python")
    assert finding.status == "error"
    assert finding.command == f'make update ARGS="--data python_version={served[-1]}"'


def test_a_python_that_is_not_here(doctor: Doctor) -> None:
    finding = doctor.diagnose(python_here=False).only("python")
    assert finding.status == "warning"
    assert finding.command == f"uv python install {finding.expected}"


def test_torch_for_the_cpu_on_a_machine_with_a_gpu(doctor: Doctor, torch: str) -> None:
    cpu = f"{torch.partition('+')[0]}+cpu"
    environments = (doctor.environment(torch=cpu, fits_locks=False),)
    found = doctor.diagnose(locks=locked(doctor, torch), environments=environments)
    finding = found.only("torch-build")
    assert (finding.status, finding.found, finding.expected) == ("error", cpu, torch)
    assert finding.command == "make install"
    assert "NVIDIA GPU" in finding.message


def test_torch_replaced_by_hand_needs_the_environment_made_again(
    doctor: Doctor, torch: str
) -> None:
    environments = (doctor.environment(torch="1.0+cpu"),)
    found = doctor.diagnose(locks=locked(doctor, torch), environments=environments)
    finding = found.only("torch-build")
    assert finding.command == "make install"


def test_torch_is_gone(doctor: Doctor, torch: str) -> None:
    found = doctor.diagnose(locks=locked(doctor, torch), environments=(doctor.environment(),))
    assert (found.only("torch-build").status, found.only("torch-build").found) == ("error", "none")


OWN = (
    "from typing import Optional\n\n__version__ = '{}'\ndebug = False\ncuda: Optional[str] = None\n"
)


@pytest.mark.parametrize("packages", ["lib/python3.12/site-packages", "Lib/site-packages"])
@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"torch-2.0.dist-info/METADATA": ""}, "2.0"),
        # as in the wheels: PyPI's has no label in its name, torch itself knows its build
        ({"torch-2.0.dist-info/METADATA": "", "torch/version.py": OWN.format("2.0+x1")}, "2.0+x1"),
        ({"torchvision-2.0.dist-info/METADATA": ""}, None),
        ({"torch/version.py": "\x00 __version__ = 7\n"}, None),
    ],
)
def test_installed_torch_is_read_without_importing_it(
    packages: str, files: dict[str, str], version: str | None, doctor: Doctor, tmp_path: Path
) -> None:
    for name, text in files.items():
        path = tmp_path / "venv" / packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert doctor.envkeep.installed.torch_version(tmp_path / "venv") == version


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("""echo noise; echo '{"name": "NVIDIA H100", "count": 8}'""", "ok", "the first of 8"),
        ("""echo '{"name": "NVIDIA H100", "count": 1}'; echo 7""", "ok", "on NVIDIA H100."),
        ("""echo '{"error": "RuntimeError: no kernel image"}'""", "error", "no kernel image."),
        ("echo 'Segmentation fault'; kill -9 $$", "error", "Segmentation fault"),
        ("exit 1", "error", "without a word"),
        ("exec /bin/sleep 600", "error", "did not answer within 0.1 seconds"),
    ],
)
def test_torch_on_the_device(
    script: str, status: str, words: str, doctor: Doctor, torch: str, tmp_path: Path
) -> None:
    doctor.machine.program("/venv/bin/python", script)
    module = doctor.envkeep.torch
    doctor.patched.setattr(module, "python", lambda _: doctor.machine.root / "venv/bin/python")
    doctor.patched.setattr(module, "PATIENCE", 0.1 if "sleep" in script else 60)
    finding = doctor.diagnose(environments=(doctor.environment(torch=torch),)).only("torch-device")
    assert finding.status == status
    assert words in finding.message


def test_torch_is_started_on_the_cpu_only_when_asked_for(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("vm-without-gpu")
    doctor.machine.program("/venv/bin/python", """echo '{"name": "cpu", "count": 1}'""")
    module = doctor.envkeep.torch
    doctor.patched.setattr(module, "python", lambda _: doctor.machine.root / "venv/bin/python")
    environments = (doctor.environment(torch=doctor.collect().torch),)
    assert doctor.diagnose(environments=environments).only("torch-device").status == "skipped"
    found = doctor.diagnose(full=True, environments=environments)
    assert found.only("torch-device").status == "ok"
