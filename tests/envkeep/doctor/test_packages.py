"""What the doctor says of the packages in an environment: each check finds, and finds nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.envkeep.doctor.conftest import Diagnosis, Doctor
from tests.envkeep.doctor.environments import Written
from tests.envkeep.doctor.machines import without_shell

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]
AGAIN = "make install"


@pytest.fixture
def doctor(doctor_on: DoctorOn) -> Doctor:
    return doctor_on("vm-without-gpu")


@pytest.fixture
def written(tmp_path: Path, doctor: Doctor) -> Written:
    """Return an environment with three distributions that are in order."""
    home = tmp_path / "python"
    home.mkdir()
    found = Written.make(tmp_path / "venv", home, doctor.envkeep.metadata.python_version())
    found.add("numpy", "2.4.6", {"numpy/__init__.py": b"", "../../../bin/f2py": b"#!"})
    found.add("some-tool", "1.0")
    found.add("demo-project", "0.1.0", {})
    return found


def examined(doctor: Doctor, written: Written, **facts: object) -> Diagnosis:
    """Run all checks on an environment as an install of its locks would have made it."""
    own = {"packages": doctor.envkeep.installed.look(written.folder), "own": {"demo-project"}}
    locked = {"numpy": "2.4.6", "some-tool": "1.0"}
    environment = doctor.environment(**{**own, "locked": locked, **facts})
    return doctor.diagnose(environments=(environment,))


def finding(found: Diagnosis, check: str, status: str, *words: str) -> Any:
    """Return the only finding of a check, which has a status and says some words."""
    only = found.only(check)
    assert only.status == status, only
    for each in words:
        assert each in only.message
    return only


def test_an_environment_in_order(doctor: Doctor, written: Written) -> None:
    found = examined(doctor, written)
    for check in ("interpreter", "drift", "metadata", "files"):
        assert found.only(check).status == "ok", found.only(check)
    for check in ("shared-files", "variants", "permissions"):
        assert found.only(check).status == "skipped", found.only(check)


def test_a_version_other_than_the_locked_one(doctor: Doctor, written: Written) -> None:
    found = examined(doctor, written, locked={"numpy": "2.5.0", "some-tool": "1.0"})
    words = ("numpy 2.4.6 (locked: 2.5.0)",)
    assert finding(found, "drift", "error", *words).command == AGAIN


def test_spellings_of_a_version_are_no_drift(doctor: Doctor, written: Written) -> None:
    written.add("certifi", "2026.1.2")
    locked = {"numpy": "2.4.6", "some-tool": "1.0", "certifi": "2026.01.02"}
    finding(examined(doctor, written, locked=locked), "drift", "ok")


def test_a_locked_package_that_is_not_there(doctor: Doctor, written: Written) -> None:
    shutil.rmtree(written.packages / "some_tool-1.0.dist-info")
    assert finding(examined(doctor, written), "drift", "error", "lacks some-tool").command == AGAIN


def test_a_package_installed_by_hand(doctor: Doctor, written: Written) -> None:
    written.add("left-pad", "3.0")
    found = examined(doctor, written)
    assert finding(found, "drift", "warning", "left-pad 3.0", "by hand").command == AGAIN


def test_what_conda_brings_is_not_by_hand(doctor: Doctor, written: Written) -> None:
    written.add("pip", "26.3", installer="conda")
    finding(examined(doctor, written), "drift", "ok")


def test_an_environment_of_older_locks_needs_an_install_only(
    doctor: Doctor, written: Written
) -> None:
    locked = {"numpy": "2.5.0", "some-tool": "1.0"}
    found = examined(doctor, written, locked=locked, fits_locks=False)
    assert finding(found, "drift", "warning", "numpy 2.4.6").command == "make install"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "METADATA").unlink(), "has no METADATA"),
        (lambda folder: (folder / "RECORD").unlink(), "has no RECORD"),
        (lambda folder: (folder / "METADATA").write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda folder: (folder / "RECORD").write_bytes(b""), "has an empty RECORD"),
        (lambda folder: (folder / "METADATA").write_text("Summary: x\n"), "without name or ver"),
        (
            lambda folder: (folder / "METADATA").write_text("Name: scipy\nVersion: 1.0\n"),
            "holds the metadata of scipy",
        ),
        (
            lambda folder: folder.with_name("~umpy-2.4.5.dist-info").mkdir(),
            "~umpy-2.4.5.dist-info",
        ),
    ],
)
def test_broken_metadata(
    spoil: Callable[[Path], object], words: str, doctor: Doctor, written: Written
) -> None:
    spoil(written.packages / "numpy-2.4.6.dist-info")
    found = examined(doctor, written).of("metadata")
    assert {each.status for each in found} == {"error"}
    assert any(words in each.message for each in found), found
    assert found[0].command == AGAIN


def test_two_versions_of_one_package(doctor: Doctor, written: Written) -> None:
    written.add("numpy", "1.26.4", {})
    found = examined(doctor, written).of("metadata")
    assert {each.found for each in found} == {"numpy-1.26.4.dist-info", "numpy-2.4.6.dist-info"}
    assert "one of 2 that numpy has" in found[0].message


def test_files_that_are_gone(doctor: Doctor, written: Written) -> None:
    (written.packages / "numpy" / "__init__.py").unlink()
    (written.folder / "bin" / "f2py").unlink()
    found = examined(doctor, written)
    assert finding(found, "files", "error", "2 files of numpy", "bin/f2py").command == AGAIN


def test_byte_code_may_be_gone_and_names_be_quoted(doctor: Doctor, written: Written) -> None:
    folder = written.add("quoted", "1.0", {'a "b", c.txt': b"x"})
    record = folder / "RECORD"
    lines = record.read_text().splitlines()
    lines[0] = '"a ""b"", c.txt",' + lines[0].split(",", 2)[2]
    record.write_text("\n".join([*lines, "__pycache__/quoted.cpython-312.pyc,,", ""]))
    finding(examined(doctor, written), "files", "ok")
    (written.packages / 'a "b", c.txt').unlink()
    finding(examined(doctor, written), "files", "error", 'a "b", c.txt')


def test_two_distributions_that_own_one_file(doctor: Doctor, written: Written) -> None:
    library, empty = "nvidia/cudnn/lib/libcudnn.so.9", "nvidia/__init__.py"
    written.add("nvidia-cudnn-cu12", "9.1", {library: b"for 12", empty: b""})
    written.add("nvidia-cudnn-cu13", "9.2", {library: b"for 13", empty: b""})
    found = examined(doctor, written)
    only = finding(found, "shared-files", "warning", "1 file", library)
    assert only.found == "nvidia-cudnn-cu12, nvidia-cudnn-cu13"
    assert "the one there is that of nvidia-cudnn-cu13" in only.message
    assert "nvidia-cudnn-cu12|nvidia-cudnn-cu13" in only.command


def test_the_same_bytes_of_two_distributions_are_no_harm(doctor: Doctor, written: Written) -> None:
    for number in ("12", "13"):
        written.add(f"nvidia-cudnn-cu{number}", "9.1", {"nvidia/__init__.py": b""})
    assert examined(doctor, written).only("shared-files").status == "skipped"


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("onnxruntime", "onnxruntime-gpu"), 1),
        (("onnxruntime-openvino", "onnxruntime-migraphx"), 1),
        (("opencv-python", "opencv-contrib-python-headless"), 1),
        (("onnxruntime", "onnxruntime-genai"), 0),
        (("onnxruntime-gpu", "opencv-python"), 0),
    ],
)
def test_packages_that_exclude_each_other(
    names: tuple[str, ...], count: int, doctor: Doctor, written: Written
) -> None:
    for name in names:
        written.add(name, "1.0", {})
    found = examined(doctor, written).of("variants", "error")
    assert len(found) == count
    if found:
        assert found[0].found == ", ".join(sorted(names))
        assert found[0].command.startswith("grep ")


def test_packages_for_another_python(doctor: Doctor, written: Written) -> None:
    other = written.packages.parent.with_name("python3.10")
    written.packages.parent.rename(other)
    found = examined(doctor, written)
    assert finding(found, "interpreter", "error", "Python 3.10").command == AGAIN


def test_the_python_that_it_was_made_with_is_gone(
    doctor: Doctor, written: Written, tmp_path: Path
) -> None:
    (tmp_path / "python").rmdir()
    found = examined(doctor, written)
    assert finding(found, "interpreter", "error", "is gone").found == str(tmp_path / "python")


def test_files_that_everybody_may_change(doctor: Doctor, written: Written) -> None:
    (written.folder / ".lock").touch()
    (written.folder / ".lock").chmod(0o666)  # as uv makes it
    assert examined(doctor, written).only("permissions").status == "skipped"
    (written.packages / "some_tool.py").chmod(0o666)
    only = finding(examined(doctor, written), "permissions", "error", "1 file", "some_tool.py")
    assert only.command == "chmod -R o-w .venvs/0123456789ab"


def test_files_of_another_user(doctor: Doctor, written: Written) -> None:
    user = os.getuid() or written.folder.stat().st_uid
    doctor.patched.setattr(doctor.envkeep.installed, "_expected_owner", lambda _: user + 1)
    only = finding(examined(doctor, written), "permissions", "warning", "Another user owns")
    assert only.command == 'sudo chown -R "$(id -u):$(id -g)" .venvs/0123456789ab'


def test_root_expects_the_owner_of_the_folder(doctor: Doctor, written: Written) -> None:
    doctor.patched.setattr(os, "getuid", lambda: 0)
    owner = doctor.envkeep.installed._expected_owner(written.folder)
    assert owner == written.folder.stat().st_uid
    doctor.patched.setattr(os, "getuid", lambda: 4711)
    assert doctor.envkeep.installed._expected_owner(written.folder) == 4711


def test_an_exporters_environment_is_made_by_its_own_command(
    doctor: Doctor, written: Written
) -> None:
    kind = doctor.envkeep.store.of_exporter("exporters/openvino-int8")
    found = examined(doctor, written, kind=kind, fits_locks=False)
    command = "python keep.py exporter openvino-int8"
    assert found.of("environment", "warning")[0].command.endswith(command)
    locked = {"numpy": "2.5.0"}
    again = examined(doctor, written, kind=kind, locked=locked).of("drift", "error")[0]
    assert again.command == command
    assert ".venv-export-openvino-int8" in again.message


def test_long_lists_are_cut(doctor: Doctor, written: Written) -> None:
    for number in range(6):
        written.add(f"extra-{number}", "1.0")
        (written.packages / f"extra_{number}.py").unlink()
    found = examined(doctor, written)
    assert "extra-0 1.0, extra-1 1.0, extra-2 1.0 and 3 more" in found.only("drift").message
    assert [each.status for each in found.of("files")] == ["error"] * 4
    assert "3 more distributions" in found.of("files")[-1].message


def test_nothing_at_all_is_no_reason_to_fail(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor.envkeep.installed.look(tmp_path / "nowhere")
    assert found == doctor.envkeep.installed.InstalledPackages()
