"""An environment that is not what was made: named, made anew beside, and never switched to."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from envkeep.commands import install, project_tasks, status
from envkeep.environments import build, faulty_wheels, health, integrity, links, pip_stub, store
from envkeep.environments.integrity import NotWholeError, Problem
from envkeep.environments.store import Environment, Kind
from envkeep.errors import CommandError, ToolError
from envkeep.locks import constraints, lock_set
from envkeep.locks.lock_set import Locks
from envkeep.process import run
from envkeep.project import metadata
from envkeep.project import requirements as of_project
from envkeep.project import target as backends
from envkeep.project.target import Choice, Target
from envkeep.staging import stage
from tests.envkeep.doctor.environments import Written

TARGET = Target("linux-x86_64", "cpu")
HERE = ".".join(map(str, sys.version_info[:2]))
LAYER = "30-prod"
JAM = {"jam/__init__.py": b"jam = 1\n", "jam/red.py": b"red = 1\n"}


@dataclass
class StandIn:
    """Stands in for a package manager: it writes a package of two files.

    Attributes:
        spoil: What it does to the environment at the end, as an installer that lies does.
        made: What it was asked to make.
    """

    spoil: Callable[[Written], object] = lambda _: None
    made: list[Path] = field(default_factory=list)

    def create(self, environment: Path, interpreter: Path) -> None:
        self.made.append(environment)
        Written.make(environment, environment.parent, HERE)
        (environment / "pyvenv.cfg").unlink()
        (environment / "bin").mkdir()
        (environment / "bin" / "python").symlink_to(sys.executable)

    def install(self, environment: Path, lock_files: Sequence[Path], target: Target) -> None:
        written = Written(environment, HERE)
        written.add("jam", "1.0", JAM)
        self.spoil(written)


@dataclass(frozen=True)
class Shop:
    """A small project.

    Attributes:
        kind: Of its environments.
        manager: What makes them.
    """

    kind: Kind
    manager: StandIn

    def install(self) -> Environment:
        install.install(self.kind, [LAYER], reason="test", manager=self.manager)
        return self.active

    @property
    def active(self) -> Environment:
        found = store.active(self.kind)
        assert found is not None
        return found

    @property
    def packages(self) -> Path:
        return Written(self.active.folder, HERE).packages


def no_network(command: Sequence[object], *, mode: str) -> None:
    raise CommandError("`python` failed with exit code 1; its message is above.")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Return a project with one locked layer, and without an environment."""
    requirements = tmp_path / "requirements"
    (requirements / "stack").mkdir(parents=True)
    (requirements / "stack" / f"{LAYER}.in").write_text("jam\n", encoding="utf-8")
    monkeypatch.setattr(of_project, "ORDER", requirements / "order.txt")
    for module in (of_project, constraints):
        monkeypatch.setattr(module, "REQUIREMENTS", requirements)
        monkeypatch.setattr(module, "STACK", requirements / "stack")
        monkeypatch.setattr(module, "OVERRIDES", requirements / "overrides.txt")
    monkeypatch.setattr(lock_set, "LOCKS", requirements / "locks")
    monkeypatch.setattr(store, "ROOT", tmp_path)
    monkeypatch.setattr(store, "ENVIRONMENTS", tmp_path / ".venvs")
    monkeypatch.setattr(store, "HISTORY", tmp_path / ".venvs" / "history.json")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(store, "project_hash", lambda kind: "0" * 64)
    monkeypatch.setattr(build, "_check", lambda *_, **__: 0.0)
    monkeypatch.setattr(build.interpreters, "find_interpreter", lambda: Path(sys.executable))
    monkeypatch.setattr(build.locking_tools, "uses_uv", lambda: False)
    monkeypatch.setattr(build.locking_tools, "ensure", lambda: tmp_path)
    monkeypatch.setattr(faulty_wheels, "run", no_network)
    monkeypatch.setattr(
        metadata, "project_metadata", lambda: {"package_name": "shop", "builds": {}}
    )
    for module in (build, lock_set, constraints, pip_stub):
        monkeypatch.setattr(module, "python_version", lambda: HERE)
    monkeypatch.setattr(Locks, "are_fresh", lambda _: True)
    monkeypatch.setattr(backends, "chosen", lambda: Choice(TARGET, "test"))
    lock = Locks(TARGET).file(LAYER)
    lock.parent.mkdir(parents=True)
    lock.write_text("jam==1.0\n", encoding="utf-8")
    kind = Kind("development", tmp_path / ".venv", "", "editable")
    for module in (project_tasks, status, health):
        monkeypatch.setattr(module, "DEVELOPMENT", kind)
    monkeypatch.setattr(health, "SEEN_WHOLE", tmp_path / "seen")
    monkeypatch.setattr(health, "layers", lambda: (LAYER,))
    monkeypatch.setattr(health, "machine", lambda: TARGET)
    return Shop(kind, StandIn())


def without_python(shop: Shop) -> None:
    interpreter = shop.active.folder / "bin" / "python"
    interpreter.unlink()
    interpreter.symlink_to("/nowhere/python3")


def with_another_version(shop: Shop) -> None:
    shutil.rmtree(shop.packages / "jam-1.0.dist-info")
    Written(shop.active.folder, HERE).add("jam", "0.9", JAM)


def with_another_package(shop: Shop) -> None:
    Written(shop.active.folder, HERE).add("honey", "2.0")


def without_a_file(shop: Shop) -> None:
    (shop.packages / "jam" / "red.py").unlink()


def with_half_a_file(shop: Shop) -> None:
    (shop.packages / "jam" / "red.py").write_bytes(b"red")


def without_metadata(shop: Shop) -> None:
    shutil.rmtree(shop.packages / "jam-1.0.dist-info")


SPOILT = [
    (without_python, "its Python is gone"),
    (with_another_version, "jam 0.9 (locked: 1.0)"),
    (with_another_package, "it has honey 2.0, which no lock has"),
    (without_a_file, "1 file of jam"),
    (with_half_a_file, "1 file of jam"),
    (without_metadata, "it lacks jam"),
]


def test_what_is_as_it_was_made_is_up_to_date(shop: Shop) -> None:
    first = shop.install()
    again = install.install(shop.kind, [LAYER], reason="test", manager=shop.manager)
    assert shop.active == first
    assert (again.data["environment"], again.data["is_new"]) == (first.name, False)
    assert "is up to date" in again.lines[0]
    assert len(shop.manager.made) == 1


@pytest.mark.parametrize(("spoil", "words"), SPOILT)
def test_install_names_what_is_wrong_and_makes_it_anew_beside(
    spoil: Callable[[Shop], None], words: str, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    first = shop.install()
    spoil(shop)
    active_meanwhile: list[str] = []
    shop.manager.spoil = lambda _: active_meanwhile.append(shop.active.name)
    second = shop.install()
    assert words in capsys.readouterr().out
    assert active_meanwhile == [first.name]
    assert second.name == f"{first.name}-2"
    assert first.folder.is_dir()
    assert shop.install() == second, "it is up to date now"
    assert len(shop.manager.made) == 2
    spoil(shop)
    assert shop.install().name == f"{first.name}-3"


def test_one_that_cannot_be_made_anew_leaves_what_there_is(shop: Shop) -> None:
    first = shop.install()
    with_another_package(shop)
    shop.manager.spoil = lambda written: (written.packages / "jam" / "red.py").unlink()
    with pytest.raises(ToolError, match=f"was not made, {first.name} stays active: 1 file of jam"):
        shop.install()
    assert shop.active == first
    assert {path.name for path in first.folder.parent.iterdir() if path.is_dir()} == {first.name}


@pytest.mark.parametrize("file", ["jam/red.py", "jam-1.0.dist-info/RECORD"])
def test_what_an_installer_left_out_is_never_switched_to(file: str, shop: Shop) -> None:
    shop.manager.spoil = lambda written: (written.packages / file).unlink()
    with pytest.raises(ToolError, match="nothing was switched"):
        shop.install()
    assert store.complete() == []
    assert not os.path.lexists(shop.kind.link)


@pytest.mark.parametrize(
    ("in_wheel", "good"),
    [({"jam/__init__.py": b"jam = 1\n"}, True), (JAM, False)],
    ids=["its makers left it out", "it got lost here"],
)
def test_what_a_wheel_itself_lacks_is_no_damage(
    in_wheel: dict[str, bytes], shop: Shop, monkeypatch: pytest.MonkeyPatch, *, good: bool
) -> None:
    def fetch(command: Sequence[object], *, mode: str) -> None:
        folder = Path(str(command[command.index("--dest") + 1]))
        with zipfile.ZipFile(folder / "jam-1.0-py3-none-any.whl", "w") as wheel:
            for name, content in in_wheel.items():
                wheel.writestr(name, content)

    monkeypatch.setattr(faulty_wheels, "run", fetch)
    shop.manager.spoil = lambda written: (written.packages / "jam" / "red.py").unlink()
    if not good:
        with pytest.raises(ToolError, match="1 file of jam gone or not whole"):
            shop.install()
        return
    first = shop.install()
    assert shop.install() == first
    assert len(shop.manager.made) == 1


def test_whoever_makes_an_environment_has_every_file_looked_at(shop: Shop) -> None:
    wanted = shop.install()

    def fill(folder: Path) -> None:
        written = Written.make(folder, folder.parent, HERE)
        written.add("jam", "1.0", JAM)
        (written.packages / "jam" / "red.py").write_bytes(b"red")

    with pytest.raises(NotWholeError, match="1 file of jam"):
        store.create(wanted, fill)
    assert store.complete() == [wanted]


def test_rollback_passes_over_one_that_is_damaged(shop: Shop) -> None:
    lock = Locks(TARGET).file(LAYER)
    found = []
    for text in ("jam==1.0\n", "jam==1.0\n# second\n", "jam==1.0\n# third\n"):
        lock.write_text(text, encoding="utf-8")
        found.append(shop.install())
    (Written(found[1].folder, HERE).packages / "jam" / "red.py").unlink()
    with pytest.raises(ToolError, match=r"is damaged: 1 file of jam.*; nothing was switched"):
        store.roll_back(shop.kind, found[1].name)
    assert shop.active == found[2]
    assert store.roll_back(shop.kind) == found[0]


def test_a_folder_in_the_place_of_the_link_is_named_before_anything_is_made(shop: Shop) -> None:
    shop.kind.link.mkdir()
    with pytest.raises(ToolError, match=r"\(`mv .*\.venv .*\.venv-old`\)"):
        shop.install()
    with pytest.raises(ToolError, match="move it away"):
        project_tasks.python_of(shop.kind)
    assert "mv " in status._environment(shop.kind, (LAYER,))
    assert shop.manager.made == []
    shop.kind.link.with_name(".venv-old").mkdir()
    assert links.out_of_the_way(shop.kind.link).endswith(".venv-old-2")


@pytest.mark.parametrize(("spoil", "words"), [SPOILT[0], SPOILT[5]])
def test_commands_of_the_project_do_not_start_in_a_damaged_one(
    spoil: Callable[[Shop], None], words: str, shop: Shop
) -> None:
    shop.install()
    spoil(shop)
    with pytest.raises(ToolError, match=f"is damaged: {words}; `make install` rebuilds it"):
        project_tasks.python_of(shop.kind)
    assert words in status._environment(shop.kind, (LAYER,))


def test_nothing_is_compared_with_one_whose_python_is_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "DEVELOPMENT", shop.kind)
    made = shop.install()
    assert stage.active() == made
    without_python(shop)
    with pytest.raises(ToolError, match="its Python is gone; `make install` rebuilds it"):
        stage.active()


@pytest.mark.parametrize(("spoil", "words"), [SPOILT[0], SPOILT[1], SPOILT[2], SPOILT[5]])
def test_what_was_seen_whole_before_is_seen_when_it_is_not_any_more(
    spoil: Callable[[Shop], None], words: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = shop.install()

    def problem() -> Problem | None:
        return health.problem_with(active, shop.kind, health.locks_of(active, shop.kind))

    assert problem() is None
    with monkeypatch.context() as patched:
        patched.setattr(integrity, "problem", lambda *_, **__: 1 / 0)
        assert problem() is None  # nothing is read again
    spoil(shop)
    found = problem()
    assert found is not None
    assert words in found.text


@pytest.mark.parametrize(("spoil", "words"), [SPOILT[1], SPOILT[2]])
def test_what_came_by_hand_is_noted_by_the_projects_commands(
    spoil: Callable[[Shop], None], words: str, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.install()
    assert project_tasks.python_of(shop.kind)
    assert capsys.readouterr().err == ""
    spoil(shop)
    assert project_tasks.python_of(shop.kind)
    assert words in capsys.readouterr().err
    assert words in status._environment(shop.kind, (LAYER,))


def test_pip_says_what_to_do_instead(shop: Shop) -> None:
    folder = shop.install().folder
    for name in ("pip", "pip3", f"pip{HERE}"):
        done = run([folder / "bin" / name, "install", "x"], cwd=folder, mode="capture", check=False)
        assert (done.code, done.output) == (1, b"")
        assert done.errors.count("\n") == 1
        assert 'make try CHANGE="NAME==VERSION"' in done.errors


def test_a_real_pip_stays(shop: Shop) -> None:
    def with_pip(written: Written) -> None:
        written.add("pip", "26.0", {"../../../bin/pip": b"real"})
        Locks(TARGET).file(LAYER).write_text("jam==1.0\npip==26.0\n", encoding="utf-8")

    shop.manager.spoil = with_pip
    assert (shop.install().folder / "bin" / "pip").read_bytes() == b"real"
