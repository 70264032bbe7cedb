"""An installation from uv's cache that ends half-way is not gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.environments.managers import pip_tools
from envkeep.environments.managers.pip_tools import PipTools
from envkeep.errors import CommandError, ToolError
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools
from tests.envkeep.doctor.environments import Written

TARGET = Target("linux-x86_64", "cpu")
WRITE = 'mkdir "$(dirname "$0")/venv/lib/python3.12/site-packages/jam"'
UV = """\
#!/bin/sh
echo "$@" >> "$0.calls"
case "$*" in
*--offline*) {offline} ;;
*) {online} ;;
esac
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Return an empty environment, beside which a stand-in for uv is to lie."""
    monkeypatch.setattr(locking_tools, "uses_uv", lambda: True)
    monkeypatch.setattr(locking_tools, "uv_settings", dict)
    monkeypatch.setattr(locking_tools, "tool", lambda name: tmp_path / name)
    monkeypatch.setattr(pip_tools.torch_wheels, "fetch_locked", lambda *_: None)
    return Written.make(tmp_path / "venv")


def install(made: Written, *, offline: str, online: str = "exit 0") -> list[str]:
    """Install two locks and return the arguments of each call of uv."""
    uv = made.folder.parent / "uv"
    uv.write_text(UV.format(offline=offline, online=online), encoding="utf-8")
    uv.chmod(0o755)
    PipTools().install(made.folder, [Path("30-prod.txt"), Path("40-dev.txt")], TARGET)
    return calls(made)


def calls(made: Written) -> list[str]:
    return (made.folder.parent / "uv.calls").read_text(encoding="utf-8").splitlines()


def test_what_the_cache_holds_asks_no_index(made: Written) -> None:
    found = install(made, offline=f"{WRITE}-$$")
    assert len(found) == 2
    assert all("--offline" in each for each in found)


def test_what_the_cache_lacks_comes_from_an_index(
    made: Written, capfd: pytest.CaptureFixture[str]
) -> None:
    found = install(made, offline="echo jam was not found in the cache >&2; exit 1")
    assert ["--offline" in each for each in found] == [True, False, True, False]
    assert "not found in the cache" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("offline", "words"),
    [
        (
            f"{WRITE}; echo 'error: No space left on device (os error 28)' >&2; exit 2",
            r"`uv` failed with exit code 2, the disk is full \(No space left on device\): error",
        ),
        (
            f"{WRITE}; echo 'Input/output error' >&2; exit 2",
            "`uv` failed with exit code 2: Input/",
        ),
        (f"{WRITE}; kill -9 $$", "`uv` was ended by SIGKILL, as the system does when memory"),
        ("kill -9 $$", "`uv` was ended by SIGKILL"),
    ],
)
def test_what_ended_half_way_is_an_error_with_its_reason(
    offline: str, words: str, made: Written, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=words):
        install(made, offline=offline)
    assert len(calls(made)) == 1
    if "echo" in offline:
        assert "error" in capfd.readouterr().err


def test_of_a_download_that_filled_the_disk_it_is_said(
    made: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip_tools.shutil, "disk_usage", lambda _: type("", (), {"free": 4096}))
    with pytest.raises(ToolError, match=r"exit code 2.*the disk is full, 4\.1 kB are left"):
        install(made, offline="exit 1", online="exit 2")


def test_a_download_that_fails_for_another_reason_does_not_blame_the_disk(made: Written) -> None:
    with pytest.raises(CommandError, match="exit code 2; its message is above"):
        install(made, offline="exit 1", online="exit 2")


def test_a_damaged_cache_is_named_and_no_index_is_asked(made: Written) -> None:
    said = "Failed to install: jam-1.0.whl (jam==1.0); cause: Missing .dist-info directory"
    with pytest.raises(ToolError, match=r"damaged copy of jam, .* run `.*uv cache clean jam`"):
        install(made, offline=f"echo '{said}' >&2; exit 2")
    assert len(calls(made)) == 1
