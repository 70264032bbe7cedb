"""A rendered project for every backend, and its doctor on recorded machines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hooks.new_project import machine_answers
from tests.envkeep.doctor.machines import Placed, place
from tests.support import engine
from tests.support.copier_runs import render

BACKENDS = ["cpu", "cuda", "rocm", "xpu", "mps"]
MODULES = {
    "catalog": "hardware.catalog",
    "checks": "doctor.checks",
    "collect": "doctor.collect",
    "command": "commands.doctor",
    "context": "doctor.context",
    "finding": "doctor.finding",
    "fixes": "doctor.fixes",
    "installed": "doctor.installed",
    "machine": "hardware.machine",
    "metadata": "project.metadata",
    "project_files": "doctor.project_files",
    "report": "doctor.report",
    "secret_scan": "doctor.secret_scan",  # pragma: allowlist secret
    "store": "environments.store",
    "target": "project.target",
    "torch": "doctor.checks.torch",
}


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor finds in one context."""

    context: Any
    findings: tuple[Any, ...]

    def of(self, check: str, *statuses: str) -> list[Any]:
        """Return the findings of a check, if statuses are given only those with one of them."""
        found = [each for each in self.findings if each.check == check]
        return [each for each in found if not statuses or each.status in statuses]

    def only(self, check: str) -> Any:
        """Return the one finding of a check."""
        (finding,) = self.of(check)
        return finding


@dataclass(frozen=True)
class Doctor:
    """The doctor of a rendered project, in this process.

    Attributes:
        envkeep: Modules of the envkeep that cares for the project.
        folder: The project.
        machine: The recorded machine that this process was put on, as files.
    """

    envkeep: SimpleNamespace
    folder: Path
    machine: Placed
    patched: pytest.MonkeyPatch

    def collect(self, *, full: bool = False) -> Any:
        """Look at the machine and the project as they are now."""
        found = self.envkeep.machine.detect(self.machine.root)
        for module in (self.envkeep.metadata, self.envkeep.target):
            self.patched.setattr(module, "machine", lambda: found)
        self.envkeep.target.chosen.cache_clear()
        return self.envkeep.collect.collect(full=full, root=self.machine.root)

    def diagnose(self, *, full: bool = False, **changes: object) -> Diagnosis:
        """Run all checks; ``changes`` replace parts of the context."""
        context = replace(self.collect(full=full), **changes)
        return Diagnosis(context, tuple(self.envkeep.checks.diagnose(context)))

    def use(self, builds: Mapping[str, str]) -> None:
        """Let the project have only these backends, each with its build."""
        self.patched.setitem(self.envkeep.metadata.project_metadata(), "builds", dict(builds))

    def build(self, backend: str) -> str:
        """Return the name of the project's build for a backend."""
        name: str = self.envkeep.metadata.project_metadata()["builds"][backend]
        return name

    def environment(self, **facts: object) -> Any:
        """Return the facts of a development environment."""
        kind = self.envkeep.store.DEVELOPMENT
        python = self.envkeep.metadata.python_version()
        return self.envkeep.context.ExaminedEnvironment(
            **{"kind": kind, "name": "0123456789ab", "python": python, **facts}
        )


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project as a machine without continuous integration does."""
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=folder,
        env=engine.variables(folder, **{"CI": "", "BACKEND": "", **more}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project for every backend that was never locked; nobody may change it."""
    answers = {**machine_answers(), "backends": BACKENDS}
    return render(template, tmp_path_factory.mktemp("doctor") / "project", answers)


@pytest.fixture(scope="session")
def imported(project: Path) -> engine.Imported:
    """Return envkeep, imported a second time for the project; not in force yet."""
    return engine.Imported.for_project(project, MODULES.values())


@pytest.fixture
def envkeep(imported: engine.Imported) -> Iterator[SimpleNamespace]:
    """Return the modules of the project's envkeep by short names; imports find them meanwhile."""
    with imported.in_force() as modules:
        yield SimpleNamespace(**{short: modules[name] for short, name in MODULES.items()})


@pytest.fixture
def doctor_on(
    envkeep: SimpleNamespace, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Doctor]:
    """Return a function from a recorded machine's name to the doctor on it."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)

    def put(name: str) -> Doctor:
        placed = place(name, tmp_path / "machine", monkeypatch)
        return Doctor(envkeep, project, placed, monkeypatch)

    return put


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    """Return a copy of the project that a test may damage."""
    return shutil.copytree(project, tmp_path / "copy")
