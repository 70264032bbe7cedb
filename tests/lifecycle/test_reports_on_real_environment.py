"""What the tools say of a real environment and its locks: doctor, licences, SBOM, differences."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.projects import Checkpoint, Project, error_sentence, succeeded
from tests.support.advisories import ADVISORY, SUMMARY, Advisories
from tests.support.loopback import answering

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.xdist_group("environment")]

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(repr(error) if error else 0)
"""
"""The library's own check, which needs the jsonschema that this repository has."""

NOBODY = "http://127.0.0.1:1"


class Others(Advisories):
    """Stands for an index too, whose answers have its form: an old numpy was yanked."""

    def do_GET(self) -> None:
        """Answer a question about the files of a package."""
        name = "numpy-1.0-py3-none-any.whl"
        facts = {"hashes": {"sha256": "0" * 64}, "size": 1_500_000, "yanked": "made in a hurry"}
        files = [{"filename": name, "url": name, **facts}] if "/numpy/" in self.path else []
        self.answer({"files": files}, "application/vnd.pypi.simple.v1+json")

    def knows(self, package: str, version: str) -> bool:
        """Tell whether the advisory is about a version: only about the old one."""
        return (package, version) == ("numpy", "1.0")


@pytest.fixture(scope="module")
def others() -> Iterator[str]:
    with answering(Others) as address:
        yield address


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    return small_project.restore()


def run_in(project: Project, *command: str) -> None:
    """Run a program in a project; it must succeed."""
    subprocess.run(command, cwd=project.folder, check=True, capture_output=True)


def statuses(project: Project) -> dict[str, str]:
    """Return what the doctor finds by check; it changes nothing."""
    report = json.loads(project.tools("doctor", "--json").stdout)
    return {each["check"]: each["status"] for each in report["findings"]}


def test_the_doctor_finds_nothing_wrong_and_then_what_is_done_by_hand(project: Project) -> None:
    found = statuses(project)
    for check in ("interpreter", "drift", "metadata", "files", "secrets"):
        assert found[check] == "ok", check
    for check in ("shared-files", "variants", "permissions", "interrupted", "other-locks"):
        assert found[check] == "skipped", check
    uv = next(project.folder.glob(".venvs/toolchain-*/bin/uv"))
    python = str(project.python_path())
    by_hand = ["pip", "install", "--quiet", "--python", python, "attrs==22.1.0", "toolz==1.0.0"]
    run_in(project, str(uv), *by_hand)
    messages = project.tools("doctor").stdout
    assert re.search(r"other versions than the locks: attrs 22\.1\.0 \(locked: ", messages)
    assert "toolz 1.0.0 came into .venv by hand" in messages
    # What the finding says fixes it.
    active = project.active()
    assert "fix: make install" in messages
    done = project.make("install")
    assert "other versions than the locks: attrs 22.1.0" in done.stdout
    assert project.active() == f"{active}-2"
    assert statuses(project)["drift"] == "ok"
    run_in(project, "rm", "-r", f".venvs/{active}")  # others are to find it as it was made


def test_licences_and_those_that_are_denied(project: Project) -> None:
    done = succeeded(project.tools("licences"))
    assert re.search(r"^BSD-3-Clause AND .*\n  numpy ", done.stdout, re.MULTILINE)
    count = len({name for lock in project.lock_texts().values() for name in pins(lock)})
    assert done.stdout.splitlines()[-1].startswith(f"{count} packages, ")
    project.append("pyproject.toml", 'denied-licenses = ["0BSD", "Apache-*"]\n')
    sentence = error_sentence(project.tools("licences"))
    assert "requests" in sentence
    assert "numpy" in sentence, "all of its licences hold together"
    assert "packaging" not in sentence, "it may be had by another licence as well"


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE))


def test_the_sbom_is_valid_and_the_same_again(project: Project, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    for path in (first, second):
        succeeded(project.tools("sbom", "--output", str(path)))
    assert first.read_bytes() == second.read_bytes()
    content = json.loads(first.read_text(encoding="utf-8"))
    assert content["specVersion"] == "1.6"
    found = {each["name"]: each for each in content["components"]}
    locked = {name for lock in project.lock_texts().values() for name in pins(lock)}
    assert set(found) == locked
    assert found["numpy"]["purl"] == f"pkg:pypi/numpy@{found['numpy']['version']}"
    assert found["numpy"]["licenses"][0]["acknowledgement"] == "declared"
    assert len(found["numpy"]["hashes"]) > 1
    needed = {each["ref"]: each.get("dependsOn", []) for each in content["dependencies"]}
    onnxruntime = found["onnxruntime"]["bom-ref"]
    assert found["numpy"]["bom-ref"] in needed[onnxruntime]
    (library,) = project.folder.glob(".venvs/audit-*/lib/python*/site-packages")
    done = subprocess.run(
        [sys.executable, "-c", VALIDATE],
        input=first.read_text(encoding="utf-8"),
        env={"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_production_alone_is_smaller(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    succeeded(project.tools("sbom", "--production", "--output", str(path)))
    names = {each["name"] for each in json.loads(path.read_text())["components"]}
    assert "onnxruntime" in names
    assert not names & {"pytest", "ruff"}


@pytest.fixture
def older(project: Project, tmp_path: Path) -> Path:
    """Return a folder with the project's locks, but for an older numpy."""
    folder = shutil.copytree(project.locks, tmp_path / "older")
    for path in folder.glob("*.txt"):
        old = f"numpy==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"^numpy==.*\n(    --hash.*\n)+", old, text, flags=re.MULTILINE))
    return folder


def test_what_changed_between_two_locks(project: Project, older: Path, others: str) -> None:
    succeeded(project.tools("sbom"))  # makes the environment of the tools that ask
    asked = {"PIP_INDEX_URL": f"{others}/simple"}
    options = ("--service", others)
    text = succeeded(project.tools("diff", str(older), *options, **asked)).stdout
    (version,) = re.findall(r"^numpy==(\S+)", project.lock_texts()["30-prod"], re.MULTILINE)
    row = rf"^Major versions\n  numpy  1\.0 -> {re.escape(version)}  30-prod  1\.5 MB -> not known$"
    assert re.search(row, text, re.MULTILINE), text
    assert f"that it fixes\n  numpy 1.0: {ADVISORY}, open. {SUMMARY}" in text
    assert "Yanked" not in text, "the withdrawn one is gone"
    back = succeeded(project.tools("diff", "HEAD", str(older), *options, "--json", **asked))
    report = json.loads(back.stdout)
    (change,) = report["changes"]
    assert (change["kinds"], change["older"]) == (["major"], True)
    assert change["to"]["yanked"] == "made in a hurry"
    assert len(report["vulnerabilities"]["brought"]) == 1
    assert report["notes"] == []


def test_without_a_network_the_rest_is_still_said(project: Project, older: Path) -> None:
    succeeded(project.tools("sbom"))
    done = project.tools("diff", str(older), "--service", NOBODY, PIP_INDEX_URL=NOBODY)
    assert "  numpy  1.0 -> " in succeeded(done).stdout
    notes = re.findall(r"^note: (.*)$", done.stdout, re.MULTILINE)
    assert [note.partition(" about ")[0] for note in notes] == ["nobody could be asked"] * 2


def test_both_sides_can_be_named_as_variables(project: Project, older: Path) -> None:
    done = succeeded(project.tools("diff", "--offline", A="HEAD", B=str(older)))
    assert re.search(r"^From HEAD \(\w+\) to the locks in .*older: 1 major\b", done.stdout)


def test_an_environment_holds_what_its_locks_say(project: Project) -> None:
    active = project.active()
    assert active is not None
    for arguments in ((active,), ("HEAD", active), ("HEAD",)):
        assert "nothing changed" in succeeded(project.tools("diff", *arguments)).stdout
    sentence = error_sentence(project.tools("diff", "nowhere"))
    assert "neither a commit, nor a folder of locks, nor an environment" in sentence
