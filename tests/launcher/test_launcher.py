"""keep.py runs envkeep from its wheels, wherever the project lies and whoever runs it."""

from __future__ import annotations

import ast
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.launcher.launched import (
    HASHES,
    HELPER,
    LAUNCHER,
    WHEELS,
    Launched,
    envkeep,
    hashes,
    sentence,
)
from tests.lifecycle.projects import APART, NEEDS_NAMESPACES
from tests.support.copier_runs import commit, git

LONGEST, WIDEST = 120, 100
AS_AN_OLD_PYTHON = """
import runpy, sys
sys.hexversion = 0x030A0000
runpy.run_path("keep.py", run_name="__main__")
"""
KILLED_AT = """
import os, runpy, signal, sys
left = [int(sys.argv.pop(1))]

def count(event, arguments):
    if event in ("os.mkdir", "os.rename", "open") and ".venvs" in str(arguments[0]):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
runpy.run_path("keep.py", run_name="__main__")
"""


@pytest.fixture
def launched(tmp_path: Path) -> Launched:
    """Return a project whose path has blanks and umlauts."""
    return Launched.of(tmp_path / "Ein schönes Projekt")


def test_it_is_one_page_of_the_standard_library() -> None:
    lines = LAUNCHER.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST
    assert max(map(len, lines)) <= WIDEST
    tree = ast.parse("\n".join(lines), feature_version=(3, 8))
    names = {
        name.partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    assert names <= sys.stdlib_module_names


def test_an_older_python_gets_one_sentence(launched: Launched) -> None:
    python = (sys.executable, "-c", AS_AN_OLD_PYTHON)
    assert "Python 3.11 or newer" in sentence(launched.keep("status", python=python))


def test_the_first_call_unpacks_and_later_ones_run_what_is_there(launched: Launched) -> None:
    told = launched.told(launched.keep("status", "--json"))
    assert told["arguments"] == ["status", "--json"]
    (folder,) = launched.unpacked()
    assert told["path"][0] == str(folder)
    assert str(launched.folder) not in told["path"]
    made = (folder / "complete").stat()
    launched.told(launched.keep())
    assert (folder / "complete").stat() == made
    assert launched.unpacked() == [folder]


def test_other_wheels_are_unpacked_beside_them(launched: Launched) -> None:
    launched.told(launched.keep())
    launched.carry(envkeep("2.0"), HELPER)
    assert launched.told(launched.keep())["version"] == "2.0"
    assert len(launched.unpacked()) == 2


def test_modules_of_the_project_and_of_the_python_do_not_come_before(launched: Launched) -> None:
    (launched.folder / "helper.py").write_text("raise ImportError")
    (launched.home / "envkeep").mkdir()
    (launched.home / "envkeep" / "__init__.py").write_text("raise ImportError")
    launched.told(launched.keep(PYTHONPATH=str(launched.home)))


@pytest.mark.parametrize("options", [("-I",), ("-P",), ("-S", "-E"), ("-O", "-B")])
def test_options_of_python_change_nothing(launched: Launched, options: tuple[str, ...]) -> None:
    launched.told(launched.keep(python=(sys.executable, *options)))


def test_from_a_subfolder(launched: Launched) -> None:
    folder = launched.folder / "src" / "package"
    folder.mkdir(parents=True)
    assert launched.told(launched.keep("status", folder=folder))["arguments"] == ["status"]
    assert not (folder / ".venvs").exists()


def test_in_a_worktree(launched: Launched, tmp_path: Path) -> None:
    (launched.folder / ".gitignore").write_text(".venvs/\n")
    commit(launched.folder, "first")
    launched.told(launched.keep())
    git(launched.folder, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    tree = Launched(tmp_path / "tree", launched.home)
    assert tree.told(tree.keep())["path"][0] == str(tree.unpacked()[0])


def test_calls_at_once_unpack_it_once(launched: Launched) -> None:
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda _: launched.keep(), range(6)))
    paths = {launched.told(done)["path"][0] for done in ended}
    assert paths == {str(path) for path in launched.unpacked()}
    assert len(paths) == 1


def test_nothing_half_unpacked_is_run(launched: Launched) -> None:
    """The first call is killed at each moment at which it opens, makes or moves something."""
    for moment in count():
        launched.keep(python=(sys.executable, "-c", KILLED_AT, str(moment)))
        in_place = [path for path in launched.unpacked() if path.name.startswith("envkeep-")]
        launched.told(launched.keep())
        if in_place:
            break
        shutil.rmtree(launched.folder / ".venvs")
    assert moment > len(envkeep().modules)


def test_a_folder_that_is_half_deleted_is_not_run(launched: Launched) -> None:
    launched.told(launched.keep())
    (folder,) = launched.unpacked()
    (folder / "complete").unlink()
    (folder / "helper.py").unlink()
    told = launched.told(launched.keep())
    assert Path(told["path"][0]).is_relative_to(launched.home / ".cache")


@pytest.mark.parametrize("variables", [{}, {"XDG_CACHE_HOME": "{home}/elsewhere"}])
def test_where_the_project_cannot_be_written_the_users_cache_is_taken(
    launched: Launched, variables: dict[str, str]
) -> None:
    (launched.folder / ".venvs").write_text("in the way")
    given = {name: value.format(home=launched.home) for name, value in variables.items()}
    cache = Path(given.get("XDG_CACHE_HOME", launched.home / ".cache"))
    told = launched.told(launched.keep(**given))
    assert Path(told["path"][0]).parent == cache / "envkeep"
    made = (Path(told["path"][0]) / "complete").stat()
    assert launched.told(launched.keep(**given)) == told
    assert (Path(told["path"][0]) / "complete").stat() == made


def test_where_the_cache_cannot_be_written_either_nothing_is_left(
    launched: Launched, tmp_path: Path
) -> None:
    (launched.folder / ".venvs").write_text("in the way")
    (launched.home / ".cache").write_text("in the way")
    (tmp_path / "temporary").mkdir()
    told = launched.told(launched.keep(TMPDIR=str(tmp_path / "temporary")))
    assert Path(told["path"][0]).is_relative_to(tmp_path / "temporary")
    assert not [*(tmp_path / "temporary").iterdir()]


@NEEDS_NAMESPACES
def test_on_a_read_only_checkout_without_network(launched: Launched) -> None:
    script = f"mount --bind '{launched.folder}' '{launched.folder}' && "
    script += f"mount -o remount,ro,bind '{launched.folder}' && cd '{launched.folder}' && "
    python = (*APART, "sh", "-c", f'{script} exec {shlex.quote(sys.executable)} "$@"', "sh")
    told = launched.told(launched.keep(python=python))
    assert Path(told["path"][0]).parent == launched.home / ".cache" / "envkeep"
    assert not launched.unpacked()


def test_the_sources_of_a_checkout(launched: Launched, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    for name, text in envkeep("of the checkout").modules:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    told = launched.told(launched.keep(ENVKEEP="../checkout"))
    assert told["version"] == "of the checkout"
    assert told["path"] == [str(folder), str(launched.unpacked()[0])]


def test_a_wrong_checkout_is_refused(launched: Launched) -> None:
    said = sentence(launched.keep(ENVKEEP="src"))
    assert f"ENVKEEP={launched.folder / 'src'} holds no envkeep" in said


@pytest.mark.parametrize("after_a_call", [False, True])
@pytest.mark.parametrize("how", ["gone", "cut off", "of another release"])
def test_a_wheel_that_differs_from_its_hash_is_never_run(
    launched: Launched, how: str, after_a_call: bool
) -> None:
    if after_a_call:
        launched.told(launched.keep())
    wheel = launched.folder / WHEELS / envkeep().filename
    content = wheel.read_bytes()
    wheel.unlink()
    if how == "cut off":
        wheel.write_bytes(content[:-1])
    elif how == "of another release":
        envkeep("2.0").write(launched.home).rename(wheel)
    said = sentence(launched.keep())
    assert str(wheel) in said
    assert "git checkout -- requirements/stack" in said
    assert bool(launched.unpacked()) == after_a_call


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        (b"", "name each wheel once"),
        (b"envkeep==1.0\n", "name each wheel once"),
        (b"{without envkeep}", "name each wheel once"),
        (b"{all}<<<<<<< HEAD\n", "name each wheel once"),
        (b"{all}{all}", "name each wheel once"),
        (b"envkeep==../../1.0 --hash=sha256:" + 64 * b"0", "name each wheel once"),
        (b"\xff", "utf-8"),
    ],
)
def test_hashes_that_nobody_understands(
    launched: Launched, text: bytes | None, reason: str
) -> None:
    path = launched.folder / HASHES
    wheels = sorted((launched.folder / WHEELS).iterdir())
    everything, others = hashes(wheels).encode(), hashes(wheels[1:]).encode()
    path.unlink()
    if text is not None:
        path.write_bytes(text.replace(b"{all}", everything).replace(b"{without envkeep}", others))
    assert reason in sentence(launched.keep())
    assert not launched.unpacked()


def test_line_ends_of_windows_change_nothing(launched: Launched) -> None:
    launched.told(launched.keep())
    path = launched.folder / HASHES
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    launched.told(launched.keep())
    assert len(launched.unpacked()) == 1


def test_a_copy_of_the_project_shares_what_is_unpacked(launched: Launched, tmp_path: Path) -> None:
    """As try, bisect and update make them: they lend the copy what `.venvs` holds."""
    from tests.support.engine import variables

    launched.told(launched.keep())
    copy = Launched.of(tmp_path / "copy")
    lend = "import pathlib, sys; from envkeep.staging import prepare; "
    lend += "prepare.lend(pathlib.Path(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", lend, str(copy.folder)], env=variables(launched.folder), check=True
    )
    path = Path(copy.told(copy.keep())["path"][0])
    assert path.is_symlink()
    assert path.resolve() == launched.unpacked()[0]
