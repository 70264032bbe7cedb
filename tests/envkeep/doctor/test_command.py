"""The command as people run it: what it prints, its exit code, and that nothing makes it crash."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from envkeep.hardware import machine
from tests.envkeep.doctor.conftest import Doctor, run
from tests.envkeep.doctor.machines import NAMES, without_shell
from tests.support.copier_runs import git

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]
KEYS = ["group", "check", "status", "message", "found", "expected", "command", "fixable"]
STATUSES = {"ok", "warning", "error", "skipped"}
WATCHED = """
import runpy, sys
seen = []
def tell(event, arguments):
    if event == "subprocess.Popen":
        seen.append("starts " + str(arguments[0]))
sys.addaudithook(tell)
sys.argv = ["keep.py", *sys.argv[1:]]
try:
    runpy.run_path("keep.py", run_name="__main__")
finally:
    roots = {name.partition(".")[0] for name in sys.modules}
    seen += ["imports " + name for name in roots & {"torch", "pip", "numpy"}]
    print("\\n".join(seen), file=sys.stderr)
"""

DOCTOR_ALONE = """
import sys
from types import SimpleNamespace
from envkeep.cli.output import show
from envkeep.commands import doctor
result = doctor.run(SimpleNamespace(backend=None, full=False, fix=False))
sys.exit(show(result, as_json=True))
"""

INSTALL = """
import sys
from envkeep.project import target
from envkeep.environments import store
from envkeep.project import metadata
from envkeep.environments.store import DEVELOPMENT, Environment
from envkeep.locks.lock_set import Locks
from envkeep.paths import python
from envkeep.project.requirements import layers

torch = "1.0+own"
locks = Locks(target.chosen().target)
locks.folder.mkdir(parents=True)
for layer in layers():
    locks.file(layer).write_text(f"torch=={torch}\\n" if layer == "10-torch" else "")

def fill(folder):
    python(folder).parent.mkdir(parents=True)
    python(folder).symlink_to(sys.executable)
    own = folder / "lib" / "python3" / "site-packages" / "torch" / "version.py"
    own.parent.mkdir(parents=True)
    own.write_text(f"__version__ = '{torch}'\\n")

environment = Environment(
    name="0123456789ab",
    kind=DEVELOPMENT.name,
    lock_sha256=locks.sha256(layers()),
    project_sha256=metadata.editable_install_hash(),
    python=metadata.python_version(),
    created="",
    reason="test",
    project_folder=str(metadata.ROOT),
)
store.create(environment, fill)
store.activate(DEVELOPMENT, environment)
"""
"""Make locks, and an environment that holds nothing but torch's version."""


@pytest.fixture
def restored(envkeep: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the command does to this process's variables."""
    monkeypatch.setenv("BACKEND", "")


@pytest.mark.parametrize("name", NAMES)
def test_no_machine_makes_a_check_fail(name: str, doctor_on: DoctorOn) -> None:
    found = doctor_on(name).diagnose()
    assert not [each for each in found.findings if "could not be" in each.message]
    for each in found.findings:
        assert each.status in STATUSES
        assert each.message.endswith(".") or each.message.endswith("`"), each.message
        assert "\n" not in each.message


def test_it_starts_no_program_and_imports_no_framework(project: Path) -> None:
    done = run(project, "-c", WATCHED, "doctor", "--json", "--backend", "cpu")
    assert done.stderr.split("\n") == ["", ""]
    assert done.returncode == 1, "a project without locks is not in order"
    report = json.loads(done.stdout)
    assert list(report) == ["machine", "target", "reason", "counts", "findings", "packages"]
    assert report["target"].endswith("-cpu")
    assert set(report["counts"]) == STATUSES
    assert sum(report["counts"].values()) == len(report["findings"])
    assert all(list(finding) == KEYS for finding in report["findings"])
    assert {each["status"] for each in report["findings"]} <= STATUSES


def test_in_a_fresh_clone_it_asks_git_alone_and_seldom(copy: Path) -> None:
    git(copy, "init", "--quiet")
    done = run(copy, "-c", WATCHED, "doctor", "--json", "--backend", "cpu")
    started = done.stderr.split()
    assert set(started) == {"starts", "git"}
    assert started.count("git") <= 4, "each takes as long as reading all tracked files"


def test_every_check_leaves_a_finding_on_every_machine(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("vm-without-gpu")
    names = {check.identifier for check in doctor.envkeep.checks.CHECKS}
    assert {each.check for each in doctor.diagnose().findings} == names


def test_text_for_people(project: Path) -> None:
    done = run(project, "keep.py", "doctor", "--backend", "cpu")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert done.stderr == ""
    assert "\033" not in done.stdout
    assert lines[0].startswith("Machine  ")
    assert "         fix: make lock BACKEND=cpu" in lines
    errors = [line for line in lines if line.lstrip().startswith("error ")]
    assert len(errors) >= 2
    assert lines[-1].startswith(f"{len(errors)} errors, ")
    assert lines[-1].endswith(" ok. `make doctor ARGS=--fix` takes care of 2 of them.")


def test_warnings_do_not_fail(doctor_on: DoctorOn, restored: None) -> None:
    doctor = doctor_on("vm-without-gpu")
    finding = doctor.envkeep.finding.Finding
    module = doctor.envkeep.command
    doctor.patched.setattr(module, "collect", lambda full: doctor.collect(full=full))
    arguments = SimpleNamespace(backend=None, full=False, fix=False)
    for status, code in (("warning", 0), ("ok", 0), ("error", 1)):
        doctor.patched.setattr(module, "diagnose", lambda _, status=status: [finding(status, "X.")])
        result = module.run(arguments)
        assert result.exit_code == code
    assert result.lines[-1] == "1 error, no warnings, 0 ok."


def test_colors_are_for_terminals_alone(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("vm-without-gpu")
    found = doctor.diagnose()
    as_text = doctor.envkeep.report.as_text
    plain = as_text(found.context, found.findings, colors=False)
    colored = as_text(found.context, found.findings, colors=True)
    assert "\033[31merror\033[0m" in colored
    assert plain == re.sub("\033\\[\\d+m", "", colored)
    doctor.patched.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    assert doctor.envkeep.command._has_colors()
    doctor.patched.setenv("NO_COLOR", "1")
    assert not doctor.envkeep.command._has_colors()


def test_a_backend_that_the_project_does_not_have(project: Path) -> None:
    done = run(project, "keep.py", "doctor", "--backend", "abacus")
    assert done.returncode == 1
    assert "abacus is not among this project's backends" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_check_that_raises_is_named(doctor_on: DoctorOn) -> None:
    doctor = doctor_on("vm-without-gpu")

    def broken(context: object) -> None:
        raise RuntimeError("no more ideas")

    checks = doctor.envkeep.checks
    bad = checks.Check("broken", "Broken", broken)
    doctor.patched.setattr(checks, "CHECKS", (bad, *checks.CHECKS))
    found = doctor.diagnose()
    assert found.only("broken").status == "warning"
    assert "broken could not be made (RuntimeError: no more ideas)" in found.only("broken").message
    assert "disk" in {each.check for each in found.findings}


def statuses(folder: Path) -> dict[str, str]:
    """Return the status of each check in a project on the CPU."""
    report = json.loads(run(folder, "keep.py", "doctor", "--json", BACKEND="cpu").stdout)
    return {each["check"]: each["status"] for each in report["findings"]}


def test_an_environment_on_disk(copy: Path) -> None:
    assert run(copy, "-c", INSTALL, BACKEND="cpu").stderr == ""
    environment = copy / ".venvs" / "0123456789ab"
    found = statuses(copy)
    assert (found["environment"], found["torch-build"]) == ("ok", "ok")
    assert found["drift"] == "error", "torch is locked, and no metadata are there"
    (lock,) = copy.glob("requirements/locks/*/50-lint.txt")
    lock.write_text("ruff==0\n")
    assert statuses(copy)["environment"] == "warning"
    (environment / "lib/python3/site-packages/torch/version.py").unlink()
    assert statuses(copy)["torch-build"] == "error"
    (environment / "bin/python").unlink()
    assert statuses(copy)["environment"] == "error"


@pytest.mark.parametrize(
    "name",
    [
        ".python-version",
        "pyproject.toml",
        "requirements/overrides.txt",
        "requirements/locks/{target}/10-torch.txt",
        "requirements/locks/{target}/constraints.txt",
        "requirements/stack/constraints.txt",
        "requirements/stack/catalog.json",
        "requirements/stack/project.toml",
        ".venvs/0123456789ab/generation.json",
    ],
)
@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00garbage", b"{}\n"], ids=["bytes", "braces"])
def test_garbage_in_the_projects_files(name: str, garbage: bytes, copy: Path) -> None:
    path = copy / name.format(target=f"{machine.detect().platform}-cpu")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(garbage)
    if ".venvs" in name:
        (copy / ".venv").symlink_to(".venvs/0123456789ab", target_is_directory=True)
    done = run(copy, "-c", DOCTOR_ALONE)
    assert done.stderr == ""
    assert "error" in {each["status"] for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
