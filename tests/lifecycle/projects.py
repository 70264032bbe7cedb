"""A rendered project on disk and the commands that people run in it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from envkeep.hardware.machine import detect
from tests.support.copier_runs import Answers, render
from tests.support.inherited_variables import INHERITED_VARIABLES
from tests.support.poetry_source import add_source

PLATFORM_LOCKS = "requirements/locks"
BASE_COMMIT = "base"
# A shell that runs the tests in the background hands down that Ctrl-C is to be ignored.
TOOLS_THAT_HEAR_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_path("keep.py", run_name="__main__")
"""
UNLIKE_A_USERS = {"BACKEND", "CI", "PYTHONDONTWRITEBYTECODE", *INHERITED_VARIABLES}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in UNLIKE_A_USERS}
if any(map(detect().drives, ("cuda", "mps"))):
    ENVIRONMENT["BACKEND"] = "cpu"  # only the CPU's wheel may be at hand
# Stubs of torch's wheels and indexes of a test are nothing for the user's own folder.
ENVIRONMENT["TORCH_WHEELS"] = ".cache/wheels"


APART = ("unshare", "--user", "--map-root-user", "--mount", "--net")
"""What starts a program in namespaces of its own: without network, and free to mount."""


def can_be_apart() -> bool:
    """Tell whether this machine lets this user make namespaces."""
    try:
        return subprocess.run([*APART, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


NEEDS_NAMESPACES = pytest.mark.skipif(
    not can_be_apart(), reason="this machine does not let anybody make namespaces"
)


@dataclass(frozen=True)
class Project:
    """A rendered project."""

    folder: Path

    def tools(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``keep.py`` and return what it printed, whatever its exit code."""
        return self._start([sys.executable, "keep.py", *arguments], variables)

    def tools_without_network(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``keep.py`` where no network device is, not even loopback."""
        return self._start([*APART, sys.executable, "keep.py", *arguments], {})

    def in_a_namespace(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script of a shell that may mount, where no network is."""
        return self._start([*APART, "sh", "-ec", script], {})

    def interrupted_tools(self, *arguments: str, after: str, by: signal.Signals) -> tuple[int, str]:
        """Send a signal to a command and all that it started once it prints a certain text.

        Returns:
            Its exit code, and what it printed afterwards.
        """
        with subprocess.Popen(
            [sys.executable, "-c", TOOLS_THAT_HEAR_CTRL_C, *arguments],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as command:
            assert command.stdout is not None
            assert any(after in line for line in command.stdout), f"it never printed {after!r}"
            os.killpg(command.pid, by)
            rest = command.stdout.read()
        return command.returncode, rest

    def make(self, target: str, arguments: str = "") -> subprocess.CompletedProcess[str]:
        """Run a target of make that must succeed."""
        command = ["make", f"PYTHON={shlex.quote(sys.executable)}", target, f"ARGS={arguments}"]
        return succeeded(self._start(command, {}))

    def python(self, *arguments: str, link: str = ".venv") -> str:
        """Run the interpreter of the active environment; it must succeed."""
        return succeeded(self._start([str(self.python_path(link)), *arguments], {})).stdout

    def python_path(self, link: str = ".venv") -> Path:
        """Return the interpreter of the active environment."""
        return self.folder / link / "bin" / "python"

    def command(self, *arguments: str, link: str = ".venv") -> dict[str, Any]:
        """Run a command of the project's package with ``--json`` and return what it says."""
        summary: dict[str, Any] = json.loads(
            self.python("-m", self.package, *arguments, "--json", link=link)
        )
        return summary

    @property
    def package(self) -> str:
        """The name of the project's package."""
        return next(path.parent.name for path in self.folder.glob("src/*/__init__.py"))

    @property
    def locks(self) -> Path:
        """The one folder of locks."""
        (folder,) = (self.folder / PLATFORM_LOCKS).iterdir()
        return folder

    def lock_texts(self) -> dict[str, str]:
        """Return the content of every lock by layer, in order."""
        return {path.stem: path.read_text() for path in sorted(self.locks.glob("[0-9]*.txt"))}

    def active(self, link: str = ".venv") -> str | None:
        """Return the name of the active environment."""
        path = self.folder / link
        return path.readlink().name if path.is_symlink() else None

    def environments(self) -> set[str]:
        """Return the names of the environments on disk, without envkeep and the tools' own."""
        folders = [path for path in (self.folder / ".venvs").iterdir() if path.is_dir()]
        tools = ("envkeep", "poetry", "toolchain")
        return {path.name for path in folders if not path.name.startswith(tools)}

    def packages(self, link: str = ".venv") -> dict[str, str]:
        """Return the installed distributions and their versions."""
        code = (
            "import importlib.metadata as m, json;"
            "print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
        )
        found: dict[str, str] = json.loads(self.python("-c", code, link=link))
        return found

    def append(self, path: str, text: str) -> None:
        """Add text to the end of a file."""
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def git(self, *arguments: str) -> str:
        """Run git; it must succeed."""
        return succeeded(self._start(["git", *arguments], {})).stdout

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def _start(
        self, command: list[str], variables: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**ENVIRONMENT, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def new_project(template: Path, folder: Path, answers: Answers) -> Project:
    """Render a project whose package manager finds packages on this machine."""
    render(template, folder, answers)
    if answers.get("package_manager") == "poetry":
        add_source(folder)
    return Project(folder)


def succeeded(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Return a finished command, or fail the test with what it printed."""
    if done.returncode:
        message = f"{done.args} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
        raise AssertionError(message)
    return done


def error_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of a command that had to fail, which must be one sentence."""
    assert done.returncode != 0, done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: "), done.stderr
    assert last.endswith("."), last
    assert "Traceback" not in done.stderr
    return last


def pins_of(lock: str) -> dict[str, str]:
    """Return the versions in the text of a lock by package name."""
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", lock, re.MULTILINE))


MADE = ("data", "experiments", "models")
"""Folders of a project in which git ignores most."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a project to which tests that change it go back."""

    project: Project
    active: str
    production: str | None
    known: frozenset[str]

    @classmethod
    def of(cls, project: Project) -> Checkpoint:
        """Commit a project's present state, and remember its environments and what git ignores."""
        _kept(project).mkdir(exist_ok=True)
        for name in MADE:
            if (project.folder / name).is_dir():
                shutil.copytree(project.folder / name, _kept(project) / name, dirs_exist_ok=True)
        project.commit(BASE_COMMIT)
        project.git("tag", "--force", BASE_COMMIT)
        active = project.active()
        assert active is not None
        return cls(project, active, project.active(".venv-prod"), frozenset(project.environments()))

    def restore(self) -> Project:
        """Undo every change to files, links and environments, and to what was trained."""
        folder = self.project.folder
        for kept in _kept(self.project).iterdir():
            shutil.rmtree(folder / kept.name, ignore_errors=True)
            shutil.copytree(kept, folder / kept.name)
        self.project.git("reset", "--quiet", "--hard", BASE_COMMIT)
        self.project.git("clean", "--quiet", "-fd")
        for name in self.project.environments() - self.known:
            shutil.rmtree(folder / ".venvs" / name)
        for link in (".venv", ".venv-prod"):
            _remove(folder / link)
        (folder / ".venvs" / "history.json").unlink(missing_ok=True)
        succeeded(self.project.tools("install"))
        if self.production:
            succeeded(self.project.tools("install-prod"))
        assert self.project.active() == self.active
        assert self.project.active(".venv-prod") == self.production
        return self.project


def _kept(project: Project) -> Path:
    """Return the folder with copies of what git ignores in a project."""
    return project.folder.with_name(f"{project.folder.name}-kept")


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
