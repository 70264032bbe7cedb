"""Environments of exporters: what is locked for them, when that is stale, what is refused."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from envkeep.commands import exporter as command
from envkeep.commands import project_tasks
from envkeep.environments import build, store
from envkeep.environments.store import DEVELOPMENT, Environment
from envkeep.errors import ToolError
from envkeep.locks import constraints, lock_set
from envkeep.locks.lock_set import Locks
from envkeep.project import metadata, requirements
from envkeep.project.target import Target, exporters_of

JAM = "exporters/jam"
CPU = Target("linux-x86_64", "cpu")
CUDA = Target("linux-x86_64", "cuda")
FILES = {
    "stack/30-prod.in": "numpy\n",
    "stack/constraints.txt": "numpy==2.5\n",
    "stack/exporters/jam.in": "numpy\nsugar\n",
    "stack/exporters/jam.txt": "numpy==2.4\nsugar==1.0\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the requirements of a small project without torch."""
    folder = tmp_path / "requirements"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(requirements, "ORDER", folder / "order.txt")
    for module in (requirements, constraints):
        monkeypatch.setattr(module, "REQUIREMENTS", folder)
        monkeypatch.setattr(module, "STACK", folder / "stack")
        monkeypatch.setattr(module, "OVERRIDES", folder / "overrides.txt")
    monkeypatch.setattr(constraints, "CONSTRAINTS", folder / "stack" / "constraints.txt")
    monkeypatch.setattr(lock_set, "LOCKS", folder / "locks")
    for module in (constraints, lock_set, build):
        monkeypatch.setattr(module, "python_version", lambda: "3.12")
    facts = {"package_name": "shop", "builds": {"cpu": "cpu", "cuda": "cu130"}}
    monkeypatch.setattr(metadata, "project_metadata", lambda: facts)
    monkeypatch.setattr("envkeep.locks.torch_builds.project_metadata", lambda: facts)
    return folder


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of environments; an exporter's is made with nothing in it."""
    made = tmp_path / ".venvs"
    monkeypatch.setattr(store, "ROOT", tmp_path)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(store, "ENVIRONMENTS", made)
    monkeypatch.setattr(store, "HISTORY", made / "history.json")
    monkeypatch.setattr(build, "_fill", lambda folder, *_: folder.mkdir())
    monkeypatch.setattr(build, "_check", lambda *_, **__: 0.0)
    monkeypatch.setattr(build.integrity, "problem", lambda *_, **__: None)
    monkeypatch.setattr(command.target, "for_cpu", lambda: CPU)
    return made


def lock(target: Target = CPU) -> None:
    """Write locks as if they had been compiled."""
    found = Locks(target)
    for name in found.names:
        found.file(name).parent.mkdir(parents=True, exist_ok=True)
        found.file(name).write_text("numpy==2.4\n", encoding="utf-8")
    header = f"{constraints.INPUTS}{constraints.inputs_hash(target)}\n"
    found.constraints.write_text(header, encoding="utf-8")


def test_they_are_locked_with_the_cpu_alone(folder: Path) -> None:
    assert exporters_of(CPU) == (JAM,)
    assert exporters_of(CUDA) == ()
    assert Locks(CPU).names == ("30-prod", JAM)
    assert Locks(CPU).file(JAM) == folder / "locks" / CPU.name / "exporters" / "jam.txt"


def test_one_of_the_teams_own_counts_too(folder: Path) -> None:
    (folder / "exporters").mkdir()
    (folder / "exporters" / "honey.in").write_text("bees\n", encoding="utf-8")
    assert exporters_of(CPU) == ("exporters/honey", JAM)
    assert "bees" not in constraints.constraints_of_exporter(CPU, "exporters/honey")


def test_neither_layers_nor_overrides_decide_about_an_exporter(folder: Path) -> None:
    (folder / "overrides.txt").write_text("numpy==2.6\n", encoding="utf-8")
    text = constraints.constraints_of_exporter(CPU, JAM)
    assert text.splitlines()[1:] == ["numpy==2.4", "sugar==1.0"]


def test_a_version_in_the_teams_own_file_takes_the_place_of_the_stacks(folder: Path) -> None:
    own = folder / "exporters" / "jam.in"
    own.parent.mkdir()
    own.write_text(
        "-r ../stack/exporters/jam.in\nsugar>=1.5\nnumpy; python_version>='3.11'\n",
        encoding="utf-8",
    )
    assert constraints.constraints_of_exporter(CPU, JAM).splitlines()[1:] == ["numpy==2.4"]
    assert requirements.direct_names([JAM], "cpu") == ["sugar", "numpy"]


@pytest.mark.parametrize("name", ["stack/exporters/jam.in", "stack/exporters/jam.txt"])
def test_a_change_of_an_exporter_makes_the_cpus_locks_stale(folder: Path, name: str) -> None:
    lock(CPU)
    lock(CUDA)
    assert Locks(CPU).are_fresh()
    assert Locks(CUDA).are_fresh()
    (folder / name).write_text("numpy\nsugar==2.0\n", encoding="utf-8")
    assert not Locks(CPU).are_fresh()
    assert Locks(CUDA).are_fresh()


def test_a_missing_lock_is_stale_and_refused(environments: Path) -> None:
    lock()
    Locks(CPU).file(JAM).unlink()
    assert not Locks(CPU).are_fresh()
    with pytest.raises(ToolError, match=r"exporters/jam\.txt is missing; run `make lock` first"):
        command.ensure(JAM)
    assert not environments.exists()


def test_an_unknown_one_is_refused_with_those_that_there_are(environments: Path) -> None:
    with pytest.raises(ToolError, match="the project has no exporter honey; it has jam"):
        command.run(argparse.Namespace(name="honey"))
    assert not list(environments.glob("export-*"))


def test_each_lock_has_its_environment_and_the_active_one_stays(
    environments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock()
    environments.mkdir()
    store._remember(DEVELOPMENT, ["abc"])
    first = command.ensure(JAM)
    link = store.of_exporter(JAM).link
    assert (link.name, link.resolve()) == (".venv-export-jam", first.resolve())
    capsys.readouterr()
    assert command.ensure(JAM) == first
    assert capsys.readouterr().out == ""  # nothing was done
    Locks(CPU).file(JAM).write_text("numpy==2.4\nsugar==2.0\n", encoding="utf-8")
    second = command.ensure(JAM)
    assert {path.name for path in environments.glob("export-jam-*")} == {first.name, second.name}
    assert store.history(store.of_exporter(JAM)) == [first.name, second.name]
    assert store.history(DEVELOPMENT) == ["abc"]
    assert store.active(DEVELOPMENT) is None
    made = store.load(second.name)
    assert isinstance(made, Environment)
    assert (made.kind, made.backend) == (JAM, "cpu")


def test_only_export_is_told_how_environments_are_made(folder: Path) -> None:
    told = project_tasks._environments_of_exporters("export")
    assert json.loads(told[project_tasks.MAKES_EXPORTERS])[1:] == ["keep.py", "exporter"]
    assert project_tasks._environments_of_exporters("train") == {}
    (folder / "stack" / "exporters" / "jam.in").unlink()
    assert project_tasks._environments_of_exporters("export") == {}
