"""The pinned tools: made once, and again where they would not start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from envkeep.errors import CommandError, ToolError
from envkeep.paths import python
from envkeep.process import Completed
from envkeep.toolchain import pinned_tools
from envkeep.toolchain.pinned_tools import TOOLCHAIN, PinnedTools

Spoil = Callable[[Path, pytest.MonkeyPatch], None]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the environments that are made, each with nothing but an interpreter."""
    folders: list[Path] = []

    def make(tools: PinnedTools, target: Path) -> None:
        python(target).parent.mkdir(parents=True)
        python(target).touch()
        folders.append(target)

    lock = tmp_path / "toolchain.txt"
    lock.touch()
    monkeypatch.setattr(PinnedTools, "_make", make)
    monkeypatch.setattr(pinned_tools, "ENVIRONMENTS", tmp_path / ".venvs")
    monkeypatch.setattr(pinned_tools, "python_version", lambda: "3.12")
    return folders


@pytest.fixture
def tools(tmp_path: Path) -> PinnedTools:
    return PinnedTools("toolchain", tmp_path / "toolchain.txt", TOOLCHAIN.holds)


def moved(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target.parent.rename(target.parent.with_name("elsewhere"))
    monkeypatch.setattr(pinned_tools, "ENVIRONMENTS", target.parent.with_name("elsewhere"))


def without_python(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python(target).unlink()
    python(target).symlink_to("/nowhere/python3")


def interrupted(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target / pinned_tools.COMPLETE).unlink()


def test_they_are_made_once(made: list[Path], tools: PinnedTools) -> None:
    assert tools.ensure() == tools.ensure()
    assert len(made) == 1


@pytest.mark.parametrize("spoil", [moved, without_python, interrupted])
def test_they_are_made_again(
    spoil: Spoil, made: list[Path], tools: PinnedTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(tools.ensure(), monkeypatch)
    tools.ensure()
    assert len(made) == 2
    assert python(tools.ensure()).is_file()


def test_without_a_network_a_sentence_says_so(
    tools: PinnedTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: Sequence[object], *, mode: str = "show") -> Completed:
        if "pip" in command:
            raise CommandError("`python` failed with exit code 1; its message is above.")
        return Completed(0)

    tools.lock.touch()
    monkeypatch.setattr(pinned_tools, "run", run)
    monkeypatch.setattr(pinned_tools, "ENVIRONMENTS", tmp_path / ".venvs")
    monkeypatch.setattr(pinned_tools, "python_version", lambda: "3.12")
    monkeypatch.setattr(pinned_tools.interpreters, "find_interpreter", lambda: Path("python3"))
    with pytest.raises(ToolError, match="could not be fetched"):
        tools.ensure()


@pytest.mark.parametrize(
    ("major", "own"), [("26", True), ("23", True), ("22", False), ("", False), ("x", False)]
)
def test_the_interpreters_own_pip_fills_them_where_it_can(
    major: str, own: bool, tools: PinnedTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def run(command: Sequence[object], *, mode: str = "show") -> Completed:
        if mode == "probe":
            return Completed(0, major.encode())
        started.append([str(part) for part in command])
        return Completed(0)

    tools.lock.touch()
    monkeypatch.setattr(pinned_tools, "run", run)
    monkeypatch.setattr(pinned_tools, "ENVIRONMENTS", tmp_path / ".venvs")
    monkeypatch.setattr(pinned_tools, "python_version", lambda: "3.12")
    monkeypatch.setattr(pinned_tools.interpreters, "find_interpreter", lambda: Path("python3"))
    (tmp_path / ".venvs").mkdir()
    tools._make(tmp_path / "made")
    make, fill = started
    assert ("--without-pip" in make) == own
    assert (fill[:4] == ["python3", "-m", "pip", "--python"]) == own
    assert str(python(tmp_path / "made")) in fill
    assert {"--require-hashes", "--no-deps"} <= set(fill)
