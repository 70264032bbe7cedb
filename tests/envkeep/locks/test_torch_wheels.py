"""Where torch's wheels lie, for all projects of a user; the wheels here are stubs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from envkeep.files import sha256_of
from envkeep.locks import torch_wheels, wheel_folders
from envkeep.locks.torch_builds import TorchBuild
from envkeep.project.target import Target
from tests.support.stub_wheels import StubWheel

BUILD = TorchBuild(
    Target("linux-x86_64", "cpu"), {"torch": "2.0+cpu"}, ("pair",), "https://mirror/cpu"
)
STUBS = (StubWheel("torch", "2.0+cpu", requires=("pair==1.0",)), StubWheel("pair", "1.0"))
ENVIRONMENT = Path(sys.executable).parent

Enter = Callable[[str], Path]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of what the user caches."""
    monkeypatch.delenv("TORCH_WHEELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(wheel_folders, "os", SimpleNamespace(**{**vars(os), "name": "posix"}))
    monkeypatch.setattr(wheel_folders.platform, "system", lambda: "Linux")
    return tmp_path / "cache"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was downloaded; the index has stubs."""
    found: list[str] = []

    def download(_: TorchBuild, wanted: Sequence[str], target: Path) -> None:
        found.extend(wanted)
        for stub in STUBS:
            if f"{stub.name}=={stub.version}" in wanted:
                stub.write(target)

    monkeypatch.setattr(torch_wheels, "_download", download)
    return found


@pytest.fixture
def enter(tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Return what makes a project and goes there."""

    def enter(name: str) -> Path:
        project = tmp_path / name
        project.mkdir(parents=True, exist_ok=True)
        (project / "keep.py").touch()
        monkeypatch.setattr(wheel_folders, "ROOT", project)
        monkeypatch.setattr(wheel_folders, "LOCKS", project / "requirements" / "locks")
        monkeypatch.setattr(torch_wheels, "LOCKS", project / "requirements" / "locks")
        monkeypatch.setattr(wheel_folders, "WHEELS", project / ".cache" / "wheels")
        for module in (torch_wheels, wheel_folders):
            monkeypatch.setattr(module, "python_version", lambda: "3.12")
        return project

    return enter


def lock_in(project: Path, wheel: Path) -> None:
    """Write a lock of a project that names a wheel's hash."""
    path = project / "requirements" / "locks" / "linux-x86_64-cpu" / "10-torch.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"torch==2.0+cpu \\\n    --hash=sha256:{sha256_of(wheel)}\n")


def used_a_week_ago(folder: Path) -> None:
    for entry in (folder / wheel_folders.PROJECTS).iterdir():
        os.utime(entry, (0, time.time() - 7 * wheel_folders.A_DAY))


def torch_in(folder: Path) -> Path:
    (wheel,) = folder.glob("torch-*.whl")
    return wheel


def test_the_second_project_fetches_nothing(enter: Enter, fetched: list[str], user: Path) -> None:
    enter("first")
    first = torch_wheels.fetch_torch(BUILD)
    enter("second")
    assert torch_wheels.fetch_torch(BUILD) == first
    assert first.is_relative_to(user)
    assert fetched == ["torch==2.0+cpu", "pair==1.0"]
    assert {path.name for path in first.glob("*.whl")} == {stub.filename for stub in STUBS}


def test_the_second_project_costs_no_room_in_uvs_cache(
    enter: Enter, fetched: list[str], tmp_path: Path
) -> None:
    """With a stub; torch's own wheel took 0.7 GB for each project before."""

    def installed(project: str) -> set[Path]:
        enter(project)
        folder = torch_wheels.fetch_torch(BUILD)
        target = tmp_path / f"environment-of-{project}"
        options = ["--no-deps", "--no-index", "--find-links", str(folder), "--target", str(target)]
        subprocess.run(
            [str(ENVIRONMENT / "uv"), "pip", "install", "--quiet", *options, "torch==2.0+cpu"],
            env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv")},
            check=True,
        )
        return set((tmp_path / "uv" / "archive-v0").iterdir())

    first = installed("first")
    assert len(first) == 1
    assert installed("second") == first


@pytest.mark.parametrize(
    "other",
    [
        replace(BUILD, index="https://other/cpu"),
        replace(BUILD, pins={"torch": "2.1+cpu"}),
        replace(BUILD, target=Target("linux-arm64", "cpu")),
    ],
    ids=["index", "version", "platform"],
)
def test_what_differs_has_a_folder_of_its_own(other: TorchBuild, enter: Enter) -> None:
    enter("first")
    assert wheel_folders.of(BUILD) != wheel_folders.of(other)


def test_a_name_and_a_password_make_no_other_folder(enter: Enter) -> None:
    enter("first")
    private = replace(BUILD, index="https://me:secret@mirror/cpu")
    assert wheel_folders.of(private) == wheel_folders.of(BUILD)


def test_a_variable_names_the_place(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    project = enter("first")
    monkeypatch.setenv("TORCH_WHEELS", ".cache/wheels")
    assert wheel_folders.top() == project / ".cache" / "wheels"
    monkeypatch.setenv("TORCH_WHEELS", str(project.parent / "team"))
    assert wheel_folders.top() == project.parent / "team"


def test_where_the_users_folder_cannot_be_written_the_project_has_them(
    enter: Enter, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = enter("first")
    user.write_text("a file is in the way")
    assert wheel_folders.top() == project / ".cache" / "wheels"

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert wheel_folders.top() == project / ".cache" / "wheels"


@pytest.mark.parametrize(
    ("system", "name", "variables", "place"),
    [
        ("Linux", "posix", {}, "home/.cache"),
        ("Linux", "posix", {"XDG_CACHE_HOME": "relative"}, "home/.cache"),
        ("Darwin", "posix", {}, "home/Library/Caches"),
        ("Windows", "nt", {"LOCALAPPDATA": "{0}/local"}, "local"),
    ],
)
def test_each_system_has_its_place(
    system: str,
    name: str,
    variables: dict[str, str],
    place: str,
    tmp_path: Path,
    user: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    for key, value in variables.items():
        monkeypatch.setenv(key, value.format(tmp_path))
    monkeypatch.setattr(wheel_folders.platform, "system", lambda: system)
    monkeypatch.setattr(wheel_folders.os, "name", name)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert wheel_folders.top().is_relative_to(tmp_path / place)


def test_wheels_of_an_older_project_are_taken_over(enter: Enter, fetched: list[str]) -> None:
    project = enter("first")
    before = wheel_folders.before(BUILD)
    before.mkdir(parents=True)
    lock_in(project, STUBS[0].write(before))
    folder = torch_wheels.fetch_torch(BUILD)
    assert torch_in(folder).exists()
    assert fetched == ["pair==1.0"]
    assert not before.exists()


def test_a_wheel_that_no_lock_names_is_not_taken_over(enter: Enter, fetched: list[str]) -> None:
    enter("first")
    before = wheel_folders.before(BUILD)
    before.mkdir(parents=True)
    replace(STUBS[0], requires=("strange",)).write(before)
    assert "strange" not in torch_in(torch_wheels.fetch_torch(BUILD)).read_bytes().decode("latin-1")
    assert fetched[0] == "torch==2.0+cpu"


def test_a_download_that_fails_leaves_nothing(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter("first")

    def half(_: TorchBuild, __: Sequence[str], target: Path) -> None:
        (target / STUBS[0].filename).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch_wheels, "_download", half)
    with pytest.raises(KeyboardInterrupt):
        torch_wheels.fetch_torch(BUILD)
    assert not list(wheel_folders.of(BUILD).rglob("*.whl"))


def test_two_projects_that_fetch_at_once_fetch_once(
    enter: Enter, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    enter("first")
    folder = wheel_folders.of(BUILD)
    folder.mkdir(parents=True)
    waits = threading.Event()
    monkeypatch.setattr(wheel_folders, "say", lambda _: waits.set())
    monkeypatch.setattr(wheel_folders, "PATIENCE", 0.01)
    with FileLock(folder / wheel_folders.IN_USE):
        second = threading.Thread(target=torch_wheels.fetch_torch, args=[BUILD])
        second.start()
        assert waits.wait(timeout=60)
        for stub in STUBS:
            stub.write(folder)
    second.join()
    assert fetched == []


def test_a_folder_that_may_only_be_read_serves_too(enter: Enter, fetched: list[str]) -> None:
    enter("first")
    folder = torch_wheels.fetch_torch(BUILD)
    (folder / wheel_folders.IN_USE).unlink()
    for path in (folder / wheel_folders.PROJECTS).iterdir():
        path.unlink()
    (folder / wheel_folders.PROJECTS).rmdir()
    (folder / wheel_folders.PROJECTS).touch()  # nothing can be noted there
    assert torch_wheels.fetch_torch(BUILD) == folder
    assert len(fetched) == 2


def test_what_this_projects_locks_name_no_more_is_unneeded(
    enter: Enter, fetched: list[str]
) -> None:
    project = enter("first")
    folder = torch_wheels.fetch_torch(BUILD)
    lock_in(project, torch_in(folder))
    assert wheel_folders.unneeded() == []
    lock_in(project, Path(__file__))
    assert wheel_folders.unneeded() == [folder]


def test_what_another_project_locks_is_needed_as_long_as_it_is_there(
    enter: Enter, fetched: list[str]
) -> None:
    other = enter("other")
    folder = torch_wheels.fetch_torch(BUILD)
    lock_in(other, torch_in(folder))
    enter("first")
    torch_wheels.fetch_torch(BUILD)
    used_a_week_ago(folder)
    assert wheel_folders.unneeded() == []
    other.rename(other.with_name("moved"))
    assert wheel_folders.unneeded() == [folder]


def test_what_another_project_has_just_fetched_is_needed(enter: Enter, fetched: list[str]) -> None:
    enter("other")
    folder = torch_wheels.fetch_torch(BUILD)
    enter("first")
    assert wheel_folders.unneeded() == []
    used_a_week_ago(folder)
    assert wheel_folders.unneeded() == [folder]


def test_folders_of_somebody_else_are_never_unneeded(enter: Enter, user: Path) -> None:
    enter("first")
    (wheel_folders.top() / "torch-2.0-python-3.12-mine").mkdir(parents=True)
    assert wheel_folders.unneeded() == []


def test_what_lies_in_the_project_from_before_is_unneeded(enter: Enter) -> None:
    enter("first")
    before = wheel_folders.before(BUILD)
    before.mkdir(parents=True)
    assert wheel_folders.unneeded() == [before]
