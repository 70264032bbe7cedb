"""What ``doctor --fix`` does, and what it leaves to the user."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.envkeep.doctor.conftest import Doctor, run
from tests.envkeep.doctor.machines import without_shell
from tests.support.copier_runs import git

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]
NAME = "0123456789ab"
INSTALL = "make install"


@pytest.fixture
def doctor(doctor_on: DoctorOn) -> Doctor:
    return doctor_on("vm-without-gpu")


class Recorder:
    """Made-up fixes, and which of them were run."""

    def __init__(self, doctor: Doctor) -> None:
        """Run none yet."""
        self.ran: list[str] = []
        self._finding = doctor.envkeep.finding

    def finding(self, *commands: str, status: str = "error") -> Any:
        """Return a finding that some fixes are for; one with ``bad`` in its command fails."""
        return self._finding.Finding(status, "X.", remedy=tuple(map(self._fix, commands)))

    def _fix(self, command: str) -> Any:
        def apply() -> None:
            self.ran.append(command)
            print(f"output of {command}")
            if "bad" in command:
                raise RuntimeError("no more ideas")

        return self._finding.Fix(command, f"do {command}", apply)


@pytest.fixture
def made_up(doctor: Doctor) -> Recorder:
    return Recorder(doctor)


def test_each_fix_runs_once_and_in_order(doctor: Doctor, made_up: Recorder) -> None:
    findings = [made_up.finding("lock"), made_up.finding("lock", "install"), made_up.finding()]
    applied = doctor.envkeep.fixes.apply(findings)
    assert made_up.ran == ["lock", "install"]
    assert [(each.fix.command, each.error) for each in applied] == [("lock", ""), ("install", "")]


def test_what_needs_a_fix_that_failed_is_left_and_the_others_go_on(
    doctor: Doctor, made_up: Recorder
) -> None:
    findings = [
        made_up.finding("bad lock", "install"),
        made_up.finding("bad lock"),
        made_up.finding("hooks"),
    ]
    applied = doctor.envkeep.fixes.apply(findings)
    assert made_up.ran == ["bad lock", "hooks"]
    assert applied[0].error == "RuntimeError: no more ideas"


def test_a_remedy_that_is_the_users_is_only_named(doctor: Doctor) -> None:
    finding = doctor.envkeep.finding.Finding("error", "X.", remedy="sudo reboot")
    assert (finding.command, finding.fixes) == ("sudo reboot", ())
    assert doctor.envkeep.fixes.apply([finding]) == []


def command(doctor: Doctor, looks: Sequence[Sequence[Any]]) -> Any:
    """Run ``doctor --fix`` on made-up findings: those of the first look, then of the second."""
    module, left = doctor.envkeep.command, list(looks)
    doctor.patched.setattr(module, "collect", lambda full: doctor.collect(full=full))
    doctor.patched.setattr(module, "diagnose", lambda _: list(left.pop(0)))
    result = module.run(SimpleNamespace(backend=None, full=False, fix=True))
    assert not left, "it looks again, once"
    return result


def test_what_was_done_and_what_is_left(doctor: Doctor, made_up: Recorder) -> None:
    finding = doctor.envkeep.finding.Finding
    broken = [made_up.finding("install"), made_up.finding("bad hooks", status="warning")]
    left = [finding("warning", "Old driver.", remedy="sudo reboot"), finding("ok", "Fine.")]
    result = command(doctor, [broken, left])
    assert result.exit_code == 0
    lines = result.lines
    assert lines[lines.index("Done") :] == [
        "Done",
        "  ok     do install: install",
        "  error  do bad hooks: bad hooks",
        "         failed: RuntimeError: no more ideas",
        "",
        "Left for you",
        "  warn   Old driver.",
        "         fix: sudo reboot",
        "",
        "no errors, 1 warning, 1 ok.",
    ]


def test_an_error_that_is_left_fails(doctor: Doctor, made_up: Recorder) -> None:
    assert command(doctor, [[made_up.finding("x")], [made_up.finding("x")]]).exit_code == 1
    assert made_up.ran == ["x"], "nothing is tried twice"


def test_nothing_to_fix(doctor: Doctor, made_up: Recorder) -> None:
    result = command(doctor, [[made_up.finding()]])
    assert result.exit_code == 1
    assert "Nothing: no finding is safe to fix without you." in "\n".join(result.lines)


def test_json_holds_what_was_done(doctor: Doctor, made_up: Recorder) -> None:
    broken = [made_up.finding("install"), made_up.finding("bad hooks")]
    result = command(doctor, [broken, [made_up.finding("bad hooks")]])
    assert result.exit_code == 1
    report = result.data
    assert report["fixes"] == [
        {"command": "install", "effect": "do install", "error": None},
        {"command": "bad hooks", "effect": "do bad hooks", "error": "RuntimeError: no more ideas"},
    ]
    assert [each["fixable"] for each in report["findings"]] == [True]


@pytest.fixture
def launcher(doctor: Doctor, tmp_path: Path) -> Path:
    """Return where a script stands that is run in place of the project's launcher."""
    path = tmp_path / "keep.py"
    doctor.patched.setattr(doctor.envkeep.fixes, "ROOT", tmp_path)
    return path


def test_a_command_of_envkeep_is_run_and_its_sentence_kept(doctor: Doctor, launcher: Path) -> None:
    launcher.write_text("import sys\nprint('working')\nsys.exit(f'error: no {sys.argv[1]}.')\n")
    found = doctor.diagnose(environments=(doctor.environment(starts=False),), locks=None)
    (applied,) = doctor.envkeep.fixes.apply(found.of("environment"))
    assert (applied.fix.command, applied.error) == (INSTALL, "no install.")


@pytest.mark.parametrize(
    "facts",
    [{"starts": False}, {"fits_locks": False}, {"fits_project": False}, {"python": "2.7"}],
)
def test_an_environment_is_made_again(facts: dict[str, object], doctor: Doctor) -> None:
    state = doctor.envkeep.context.LockState()
    environments = (doctor.environment(**facts),)
    only = doctor.diagnose(locks=state, environments=environments).only("environment")
    assert [each.command for each in only.fixes] == [INSTALL]


def test_packages_that_came_by_hand_stay(doctor: Doctor) -> None:
    distribution = doctor.envkeep.installed.Distribution("toolz", "1.0", Path("toolz"))
    packages = doctor.envkeep.installed.InstalledPackages((distribution,))
    environments = (doctor.environment(packages=packages, locked={}),)
    only = doctor.diagnose(environments=environments).only("drift")
    assert (only.command, only.fixes) == (INSTALL, ())


@pytest.mark.parametrize(
    ("facts", "commands"),
    [
        ({}, ["make lock"]),
        ({"adds_only": False}, []),
        ({"deleted": ("requirements/locks/x/10.txt",), "adds_only": False}, []),
    ],
)
def test_locks_are_made_only_where_no_version_moves(
    facts: dict[str, object], commands: list[str], doctor: Doctor
) -> None:
    state = doctor.envkeep.context.LockState(there=False, missing=("10-torch",), **facts)
    found = doctor.diagnose(locks=state)
    assert [each.command for each in found.only("locks").fixes] == commands
    then = [*commands, INSTALL] if commands else []
    assert [each.command for each in found.only("environment").fixes] == then
    first = "git checkout -- requirements/locks/x/10.txt" if "deleted" in facts else "make lock"
    assert found.only("environment").command == f"{first} && make install"


def test_older_locks_are_the_users_to_compile(doctor: Doctor) -> None:
    state = doctor.envkeep.context.LockState(fresh=False)
    only = doctor.diagnose(locks=state).only("locks")
    assert (only.command, only.fixes) == ("make lock", ())


def lock_findings(folder: Path, **variables: str) -> dict[str, tuple[str, bool]]:
    """Return what the doctor would do about locks and environment of a project on the CPU."""
    done = run(folder, "keep.py", "doctor", "--json", BACKEND="cpu", **variables)
    rows = json.loads(done.stdout)["findings"]
    return {each["check"]: (each["command"], each["fixable"]) for each in rows}


def test_locks_that_git_has_come_from_git(copy: Path) -> None:
    assert lock_findings(copy)["locks"] == ("make lock BACKEND=cpu", True)
    git(copy, "init", "--quiet")
    machine = json.loads(run(copy, "keep.py", "doctor", "--json", BACKEND="cpu").stdout)["target"]
    lock = copy / "requirements" / "locks" / machine / "10-torch.txt"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    assert lock_findings(copy)["locks"] == ("make lock BACKEND=cpu", False), "one is there"
    git(copy, "add", "--all")
    lock.unlink()
    path = lock.relative_to(copy).as_posix()
    assert lock_findings(copy)["locks"] == (f"git checkout -- {path}", False)


def test_hooks_that_nobody_installed(copy: Path) -> None:
    assert lock_findings(copy)["git-hooks"] == (None, False), "git does not know this folder"
    git(copy, "init", "--quiet")
    assert lock_findings(copy)["git-hooks"] == ("make setup", True)
    assert lock_findings(copy, CI="true")["git-hooks"] == (None, False)
    (copy / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")
    assert lock_findings(copy)["git-hooks"] == (None, False), "a hook of one's own stays"
    (copy / ".git" / "hooks" / "pre-commit").unlink()
    git(copy, "config", "core.hooksPath", "elsewhere")
    assert lock_findings(copy)["git-hooks"] == (None, False), "git looks for them elsewhere"


def test_hooks_need_an_environment(doctor: Doctor) -> None:
    (applied,) = doctor.envkeep.fixes.apply(doctor.diagnose(lacks_hooks=True).of("git-hooks"))
    assert applied.error == "there is no pre-commit in .venv."


@pytest.fixture
def environments(doctor: Doctor, tmp_path: Path) -> Path:
    """Return a made-up folder of environments."""
    folder = tmp_path / ".venvs"
    (folder / NAME).mkdir(parents=True)
    for module in (doctor.envkeep.project_files, doctor.envkeep.store, doctor.envkeep.fixes):
        doctor.patched.setattr(module, "ENVIRONMENTS", folder)
    return folder


def test_half_made_environments_are_removed_and_nothing_else(
    doctor: Doctor, environments: Path
) -> None:
    (environments / "mine").mkdir()
    (environments / "aaaaaaaaaaaa").mkdir()
    (environments / "aaaaaaaaaaaa" / "complete").touch()
    (applied,) = doctor.envkeep.fixes.apply(doctor.diagnose().of("interrupted"))
    assert applied.error == ""
    assert doctor.diagnose().only("interrupted").status == "skipped"
    assert {each.name for each in environments.glob("*/")} == {"mine", "aaaaaaaaaaaa"}


def test_environments_of_another_place_stay(doctor: Doctor) -> None:
    moved = doctor.envkeep.context.Leftovers(moved=(NAME,))
    only = doctor.diagnose(leftovers=moved).only("interrupted")
    assert (only.status, only.fixes) == ("warning", ())


def test_nobody_else_may_write_afterwards(doctor: Doctor, environments: Path) -> None:
    file, folder = environments / NAME / "a.py", environments / NAME / "package"
    folder.mkdir()
    file.touch()
    (environments / NAME / "link").symlink_to("nowhere")
    for path in (file, folder):
        path.chmod(0o777)
    sample = doctor.envkeep.installed.Sample(2, "a.py")
    distribution = doctor.envkeep.installed.Distribution("toolz", "1.0", Path("toolz"))
    packages = doctor.envkeep.installed.InstalledPackages((distribution,), writable=sample)
    found = doctor.diagnose(environments=(doctor.environment(packages=packages),))
    (applied,) = doctor.envkeep.fixes.apply(found.of("permissions"))
    assert applied.error == ""
    assert [path.stat().st_mode & 0o777 for path in (file, folder)] == [0o775, 0o775]


def test_what_is_the_users_alone_has_no_fix(doctor: Doctor) -> None:
    context = doctor.envkeep.context
    host = replace(doctor.collect().host, disk_free=1, memory_free=1)
    found = doctor.diagnose(
        host=host,
        data=context.DataState(2, missing=("a",), changed=("b",)),
        secrets=(context.Secret("a.py:1", "a key"),),
        python_here=False,
        locks=context.LockState(others=("macos-arm64-mps",)),
    )
    for check in ("data", "secrets", "python", "other-locks", "disk", "memory", "gpu"):
        bad = found.of(check, "warning", "error")
        assert bad, check
        assert not [each for each in bad if each.fixes], check
