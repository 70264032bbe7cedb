"""A rendered project for every backend, and its doctor on recorded machines."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hooks.new_project import machine_answers
from tests.envkeep.doctor.machines import Placed, place
from tests.support.copier_runs import render

BACKENDS = ["cpu", "cuda", "rocm", "xpu", "mps"]
MODULES = (
    *("backends", "catalog", "cli", "generations", "hardware", "probe", "project"),
    *("commands.doctor", "diagnosis.checks", "diagnosis.collect", "diagnosis.finding"),
    *("diagnosis.masking", "diagnosis.packages", "diagnosis.project_state", "diagnosis.report"),
    *("diagnosis.secret_forms", "diagnosis.situation", "diagnosis.torch_build"),
)


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor finds in one situation."""

    situation: Any
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
        tools: The project's modules.
        folder: The project.
        machine: The recorded machine that this process was put on, as files.
    """

    tools: SimpleNamespace
    folder: Path
    machine: Placed
    patched: pytest.MonkeyPatch

    def collect(self, *, full: bool = False) -> Any:
        """Look at the machine and the project as they are now."""
        found = self.tools.hardware.detect(self.machine.root)
        for module in (self.tools.project, self.tools.backends):
            self.patched.setattr(module, "machine", lambda: found)
        self.tools.backends.chosen.cache_clear()
        return self.tools.collect.collect(full=full, root=self.machine.root)

    def diagnose(self, *, full: bool = False, **changes: object) -> Diagnosis:
        """Run all checks; ``changes`` replace parts of the situation."""
        situation = replace(self.collect(full=full), **changes)
        return Diagnosis(situation, tuple(self.tools.checks.diagnose(situation)))

    def use(self, builds: Mapping[str, str]) -> None:
        """Let the project have only these backends, each with its build."""
        self.patched.setitem(self.tools.project.facts(), "builds", dict(builds))

    def build(self, backend: str) -> str:
        """Return the name of the project's build for a backend."""
        name: str = self.tools.project.facts()["builds"][backend]
        return name

    def environment(self, **facts: object) -> Any:
        """Return the facts of a development environment."""
        kind = self.tools.generations.DEVELOPMENT
        python = self.tools.project.python_version()
        return self.tools.situation.Environment(
            **{"kind": kind, "name": "0123456789ab", "python": python, **facts}
        )


@pytest.fixture(scope="session")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project for every backend that was never locked; nobody may change it."""
    answers = {**machine_answers(), "backends": BACKENDS}
    return render(template, tmp_path_factory.mktemp("doctor") / "project", answers)


@pytest.fixture(scope="session")
def tools(project: Path) -> Iterator[SimpleNamespace]:
    """Return the modules of the project's tools by the last part of their names."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(project)
        patched.setattr(sys, "dont_write_bytecode", True)
        names = {name.rpartition(".")[2]: name for name in MODULES}
        yield SimpleNamespace(
            **{short: importlib.import_module(f"tools.{name}") for short, name in names.items()}
        )
    for name in [name for name in sys.modules if name == "tools" or name.startswith("tools.")]:
        del sys.modules[name]


@pytest.fixture
def doctor_on(
    tools: SimpleNamespace, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Doctor]:
    """Return a function from a recorded machine's name to the doctor on it."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)

    def put(name: str) -> Doctor:
        placed = place(name, tmp_path / "machine", monkeypatch)
        return Doctor(tools, project, placed, monkeypatch)

    return put
