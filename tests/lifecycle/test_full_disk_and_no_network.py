"""A full disk, a folder that may not be written to, no network: one sentence, nothing lost."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lifecycle.projects import (
    NEEDS_NAMESPACES,
    Checkpoint,
    Project,
    error_sentence,
    succeeded,
)

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.xdist_group("environment"),
    NEEDS_NAMESPACES,
]

UV_THAT_IS_KILLED = """\
#!/usr/bin/env python3
# Stands in for uv: the real one, which is killed once it has written some files of a lock.
import os, pathlib, signal, subprocess, sys

def written(interpreter):
    packages = pathlib.Path(interpreter).parent.parent.glob("lib/python3*/site-packages/mypy")
    return sum(1 for folder in packages for _ in folder.rglob("*"))

real = subprocess.Popen([sys.argv[0] + ".real", *sys.argv[1:]])
while real.poll() is None:
    if "--offline" in sys.argv and written(sys.argv[sys.argv.index("--python") + 1]) > 100:
        real.kill()
        real.wait()
        os.kill(os.getpid(), signal.SIGKILL)
sys.exit(real.returncode)
"""
TOOLS = f"{shlex.quote(sys.executable)} keep.py"


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    """Return the small project as it was right after ``make setup``."""
    return small_project.restore()


def in_a_namespace(project: Project, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may mount, where no network is."""
    return project.in_a_namespace(script)


def facts(project: Project) -> tuple[str | None, set[str], str]:
    return project.active(), project.environments(), project.git("status", "--short")


@pytest.mark.parametrize(
    "command", ["lock", "try tomli-w", "install", "save", "prune", "update", "rollback"]
)
def test_a_project_that_may_not_be_written_to(project: Project, command: str) -> None:
    before = facts(project)
    read_only = "mount --bind . . && mount -o remount,ro,bind . && cd ."
    done = in_a_namespace(project, f"{read_only} && cd {project.folder} && {TOOLS} {command}")
    assert "Read-only file system" in error_sentence(done)
    assert facts(project) == before


def test_trying_on_a_full_disk(project: Project, tmp_path: Path) -> None:
    before = facts(project)
    done = in_a_namespace(
        project,
        f"mount -t tmpfs -o size=100k tmpfs {tmp_path} && TMPDIR={tmp_path} {TOOLS} try tomli-w",
    )
    assert "No space left on device" in error_sentence(done)
    assert facts(project) == before


def test_saving_on_a_full_disk(project: Project, tmp_path: Path) -> None:
    before = facts(project)
    done = in_a_namespace(
        project, f"mount -t tmpfs -o size=3m tmpfs {tmp_path} && {TOOLS} save {tmp_path}/saved"
    )
    assert "has room for 3." in error_sentence(done)
    assert facts(project) == before


def test_an_install_that_fills_the_disk_leaves_nothing_half_made(
    project: Project, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    succeeded(project.tools("save", str(saved)))
    clone = tmp_path / "small-disk"
    clone.mkdir()
    done = in_a_namespace(
        project,
        f"mount -t tmpfs -o size=250m tmpfs {clone}; git clone -q . {clone}/project;"
        f"cd {clone}/project; {TOOLS} restore {saved} >&2 || code=$?;"
        "ls .venvs | grep -v -e toolchain -e envkeep; exit $code",
    )
    assert "nothing was switched" in error_sentence(done) or "uv" in error_sentence(done)
    assert done.stdout.split() == ["in-use"]


def test_an_install_whose_uv_is_killed_is_not_gone_on_with(project: Project) -> None:
    before = facts(project)
    with (project.locks / "50-lint.txt").open("a", encoding="utf-8") as lock:
        lock.write("# another lock\n")
    (uv,) = project.folder.glob(".venvs/toolchain-*/bin/uv")
    real = uv.rename(uv.with_name("uv.real"))
    try:
        uv.write_text(UV_THAT_IS_KILLED, encoding="utf-8")
        uv.chmod(0o755)
        # Files that are copied and not linked leave time to be killed in.
        done = project.tools("install", UV_LINK_MODE="copy")
    finally:
        real.replace(uv)
    assert f"{before[0]} stays active: `uv` was ended by SIGKILL" in error_sentence(done)
    assert (project.active(), project.environments()) == before[:2]
    succeeded(project.tools("install"))
    assert project.active() not in (before[0], None)
    assert "no errors" in succeeded(project.tools("doctor")).stdout


@pytest.mark.parametrize("command", ["lock", "try tomli-w"])
def test_without_network_nothing_is_locked(project: Project, command: str) -> None:
    before = facts(project)
    project.append("requirements/40-dev.in", "tomli\n")
    changed = facts(project)
    sentence = error_sentence(in_a_namespace(project, f"{TOOLS} {command}"))
    assert "the package index cannot be reached" in sentence
    assert facts(project) == changed
    project.git("restore", ".")
    assert facts(project) == before


def test_without_network_what_was_installed_before_is_installed_again(project: Project) -> None:
    active = project.active()
    with (project.locks / "50-lint.txt").open("a", encoding="utf-8") as lock:
        lock.write("# another lock\n")
    succeeded(in_a_namespace(project, f"{TOOLS} install"))
    assert project.active() not in (active, None)


def test_saving_without_network_goes_on_later(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    sentence = error_sentence(in_a_namespace(project, f"{TOOLS} save {folder}"))
    assert "check the network" in sentence
    assert "not saved to the end" in error_sentence(project.tools("restore", str(folder)))
    succeeded(project.tools("save", str(folder)))


def test_a_missing_interpreter_is_named(project: Project) -> None:
    shutil.copyfile(project.folder / ".python-version", project.folder / "python.before")
    (project.folder / ".python-version").write_text("3.99\n", encoding="utf-8")
    for command in ("install", "try tomli-w"):
        assert "Python 3.99" in error_sentence(project.tools(*command.split()))
