"""What the doctor says of data, secrets, locks of other machines, and interrupted commands."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.envkeep.doctor.conftest import Doctor
from tests.envkeep.doctor.machines import without_shell

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]


@pytest.fixture
def doctor(doctor_on: DoctorOn) -> Doctor:
    return doctor_on("vm-without-gpu")


@pytest.fixture
def data(doctor: Doctor, tmp_path: Path) -> Path:
    """Return a folder with one data file and its manifest."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "digits.npz").write_bytes(b"1234")
    entry = {"sha256": hashlib.sha256(b"1234").hexdigest(), "bytes": 4}
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"files": {"digits.npz": entry}}))
    for module in (doctor.envkeep.project_files,):
        doctor.patched.setattr(module, "DATA_MANIFEST", manifest)
    return folder


def test_data_as_listed(doctor: Doctor, data: Path) -> None:
    assert doctor.diagnose().only("data").status == "ok"
    assert "by their content" in doctor.diagnose(full=True).only("data").message


def test_data_that_are_not_there(doctor: Doctor, data: Path) -> None:
    (data / "digits.npz").unlink()
    only = doctor.diagnose().only("data")
    assert (only.status, only.command, only.expected) == ("warning", "make data", "digits.npz")


def test_data_that_are_others(doctor: Doctor, data: Path) -> None:
    (data / "digits.npz").write_bytes(b"12345")
    assert doctor.diagnose().only("data").status == "error"
    (data / "digits.npz").write_bytes(b"4321")
    assert doctor.diagnose().only("data").status == "ok", "contents are compared with --full only"
    only = doctor.diagnose(full=True).only("data")
    assert (only.status, only.command) == ("error", "make data ARGS=--accept")


@pytest.mark.parametrize("text", ["", "[]", '{"files": 7}', '{"files": {"x": {}}}'])
def test_a_damaged_manifest(text: str, doctor: Doctor, data: Path) -> None:
    (data / "manifest.json").write_text(text)
    only = doctor.diagnose().only("data")
    assert (only.status, only.command) == ("error", "git checkout -- data/manifest.json")


def test_a_project_without_data(doctor: Doctor) -> None:
    assert doctor.diagnose().only("data").status == "skipped"


def joined(*parts: str) -> str:
    """Return a made-up secret; in parts, so that no check finds it in this file."""
    return "".join(parts)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (joined("-----BEGIN RSA PRI", "VATE KEY-----"), "private key"),
        (joined("aws = 'AK", "IA", "ABCDEFGHIJKLMNOP'"), "AWS"),
        (joined("gh", "p_", "a" * 36), "GitHub"),
        (joined("gl", "pat-", "a" * 20), "GitLab"),
        (joined("h", "f_", "a" * 34), "Hugging Face"),
        (joined("sk-", "proj-", "a" * 40), "OpenAI"),
    ],
)
def test_secrets_of_a_known_form(text: str, kind: str, doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(f"first\n{text}\n")
    found = tuple(doctor.envkeep.secret_scan.scan(tmp_path, ["notes.md", "deleted.md"]))
    only = doctor.diagnose(secrets=found).only("secrets")
    assert (only.status, only.found) == ("error", "notes.md:2")
    assert kind in only.message
    assert text not in str(only.as_row())


@pytest.mark.parametrize("name", [".env", "deploy/prod.env", "id_ed25519"])
def test_files_that_hold_secrets(name: str, doctor: Doctor, tmp_path: Path) -> None:
    (found,) = doctor.envkeep.secret_scan.scan(tmp_path, [name])
    assert found.place == name


def test_what_looks_like_a_secret_and_is_none(doctor: Doctor, tmp_path: Path) -> None:
    hashes = f"numpy==1 --hash=sha256:{'ab' * 32}\nAKIA is what keys of AWS begin with\n"
    encoded = base64.b64encode(bytes(range(256))).decode()
    (tmp_path / "notes.md").write_text(hashes + encoded)
    tracked = ["notes.md", ".env.example", "requirements/locks/x/10.txt"]
    found = tuple(doctor.envkeep.secret_scan.scan(tmp_path, tracked))
    assert doctor.diagnose(secrets=found).only("secrets").status == "ok"


def test_only_tracked_files_are_read(doctor: Doctor, tmp_path: Path) -> None:
    doctor.patched.undo()  # git must be found
    module = doctor.envkeep.project_files
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "ROOT", tmp_path)
        assert module.secrets() is None
        subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
        for name in ("tracked.pem", "own.pem"):
            (tmp_path / name).write_text(joined("-----BEGIN PRI", "VATE KEY-----\n"))
        subprocess.run(["git", "add", "tracked.pem"], cwd=tmp_path, check=True)
        assert [each.place for each in module.secrets()] == ["tracked.pem:1"]


def test_git_could_not_be_asked(doctor: Doctor) -> None:
    assert doctor.diagnose(secrets=None).only("secrets").status == "skipped"


def test_locks_of_other_machines(doctor: Doctor) -> None:
    state = doctor.envkeep.context.LockState
    assert doctor.diagnose(locks=state()).only("other-locks").status == "skipped"
    only = doctor.diagnose(locks=state(others=("macos-arm64-mps",))).only("other-locks")
    assert (only.status, only.command) == ("warning", "make lock-all")
    assert "macos-arm64-mps" in only.message


NAME = "0123456789ab"


@pytest.fixture
def environments(doctor: Doctor, tmp_path: Path) -> Path:
    """Return a folder of environments with one whole environment of tools."""
    folder = tmp_path / ".venvs"
    (folder / "toolchain-0").mkdir(parents=True)
    (folder / "toolchain-0" / "complete").touch()
    for module in (doctor.envkeep.project_files, doctor.envkeep.store):
        doctor.patched.setattr(module, "ENVIRONMENTS", folder)
    return folder


def test_nothing_was_interrupted(doctor: Doctor, environments: Path) -> None:
    assert doctor.diagnose().only("interrupted").status == "skipped"


def test_a_half_made_environment(doctor: Doctor, environments: Path) -> None:
    (environments / NAME).mkdir()
    (environments / "mine").mkdir()
    only = doctor.diagnose().only("interrupted")
    assert (only.status, only.found, only.command) == ("warning", NAME, "make prune")


def test_an_environment_that_is_being_made(doctor: Doctor, environments: Path) -> None:
    with doctor.envkeep.store.exclusive():
        (environments / NAME).mkdir()
        only = doctor.diagnose().only("interrupted")
    assert (only.status, only.found) == ("ok", NAME)


def test_an_environment_of_another_place(doctor: Doctor, environments: Path) -> None:
    (environments / NAME).mkdir()
    facts = {"name": NAME, "project_folder": "/elsewhere"}
    (environments / NAME / "generation.json").write_text(json.dumps(facts))
    only = doctor.diagnose().only("interrupted")
    assert (only.status, only.command) == ("warning", f"rm -r .venvs/{NAME}")
    assert "elsewhere" in only.message
