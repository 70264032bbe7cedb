"""What commands leave that are killed: the next command of the project removes or completes it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.engine import variables

WAIT = "print('here', flush=True); input()"
NEXT_COMMAND = "from envkeep.environments import store\nwith store.exclusive(): pass"
COPY = f"from envkeep.project import snapshot\nwith snapshot.of_now() as copy: print(copy); {WAIT}"
LOCKING = """
from envkeep.project import target as backends
from envkeep.locks import lock_set as locks
with locks.replaced_locks([backends.Target("linux-x86_64", "cpu")]) as top:
    for name in ("a.txt", "b.txt"):
        (top / "linux-x86_64-cpu" / name).write_text("new")
"""


@contextmanager
def at_work(project: Path, code: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Yield a command that has come to where it waits, and what it printed before; it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=project,
        env=variables(project),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout
        lines = list(iter(lambda: command.stdout.readline().strip(), "here"))
        try:
            yield command, lines
        finally:
            command.kill()


def killed(project: Path, code: str) -> list[str]:
    """Kill a command where it waits, and return what it printed before."""
    with at_work(project, code) as (_, lines):
        return lines


def run(project: Path, code: str = NEXT_COMMAND) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command,
        cwd=project,
        env=variables(project),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def locks_of(project: Path) -> list[str]:
    folder = project / "requirements" / "locks" / "linux-x86_64-cpu"
    return [path.read_text() for path in sorted(folder.iterdir())]


def test_a_copy_of_the_project_goes_at_the_next_start(project: Path) -> None:
    copy = Path(killed(project, COPY)[0])
    assert (copy / "keep.py").is_file()
    assert str(copy) in run(project)
    assert not copy.exists()
    assert run(project) == ""


def test_the_copy_of_a_command_at_work_stays(project: Path) -> None:
    with at_work(project, COPY) as (command, lines):
        assert run(project) == ""
        assert Path(lines[0], "keep.py").is_file()
        command.communicate("\n")
    assert not Path(lines[0]).exists()
    assert not list((project / ".cache" / "at-work").iterdir())


def test_a_half_made_environment_goes_at_the_next_start(project: Path) -> None:
    fill = f"""
from envkeep.environments import store
from envkeep.environments.store import Environment
def fill(folder):
    folder.mkdir()
    {WAIT}
wanted = Environment("0123456789ab", "development", "", "", "3.12", "", "make install", "")
with store.exclusive():
    store.create(wanted, fill)
"""
    killed(project, fill)
    (project / ".venvs" / "mine").mkdir()
    assert run(project).startswith("Removed .venvs/0123456789ab, ")
    assert {path.name for path in (project / ".venvs").iterdir()} == {"in-use", "mine"}


CLAIMED = """
from envkeep import temporary
from envkeep.paths import ENVIRONMENTS
environment = ENVIRONMENTS / "audit-0123456789ab"
with temporary.claimed(environment):
    environment.mkdir(parents=True, exist_ok=True)
    {}
"""


def test_half_made_tools_go_at_the_next_start(project: Path) -> None:
    with at_work(project, CLAIMED.format(WAIT)):
        assert run(project) == ""
    assert run(project).startswith("Removed .venvs/audit-0123456789ab, ")


def test_whole_tools_stay(project: Path) -> None:
    run(project, CLAIMED.format("(environment / 'complete').touch()"))
    assert run(project) == ""
    assert (project / ".venvs" / "audit-0123456789ab").is_dir()


def test_tools_that_another_command_makes_are_not_made_twice(project: Path) -> None:
    again = CLAIMED.format("print('made twice')").strip().replace("\n", "\n    ")
    refused = f"""
from envkeep.errors import ToolError
try:
    {again}
except ToolError as error:
    print(error)
"""
    with at_work(project, CLAIMED.format(WAIT)):
        said = run(project, refused)
    assert said == "another command makes audit-0123456789ab; wait until it has ended.\n"


def test_locks_that_were_not_all_made_stay_as_they_were(project: Path) -> None:
    killed(project, f"{LOCKING}    {WAIT}")
    assert locks_of(project) == ["old", "old"]
    run(project)
    assert locks_of(project) == ["old", "old"]
    assert not (project / ".cache" / "staged").exists()


def test_locks_that_were_all_made_are_put_in_place_by_the_next_command(project: Path) -> None:
    cut_off = f"""
from envkeep import transaction as staging
put = staging._put
def put_one(path, place):
    put(path, place)
    {WAIT}
staging._put = put_one
{LOCKING}
"""
    killed(project, cut_off)
    assert locks_of(project) == ["new", "old"]
    run(project)
    assert locks_of(project) == ["new", "new"]
    assert not (project / ".cache" / "staged").exists()


def test_locks_change_together_and_a_failure_changes_none(project: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(project, f"{LOCKING}    raise SystemExit(1)")
    assert locks_of(project) == ["old", "old"]
    run(project, LOCKING)
    assert locks_of(project) == ["new", "new"]


def test_the_work_tree_of_an_update_goes_at_the_next_start(project: Path) -> None:
    git = ["git", "-C", str(project)]
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    tree = f"""
from envkeep.project.git import Git
from envkeep.updates.worktree import worktree
from envkeep.paths import ROOT
with worktree(Git(ROOT)) as folder:
    {WAIT}
"""
    killed(project, tree)
    assert (project / ".cache" / "update-tree").is_dir()
    run(project)
    assert not (project / ".cache" / "update-tree").exists()
    listed = subprocess.run([*git, "worktree", "list"], check=True, stdout=subprocess.PIPE)
    assert len(listed.stdout.splitlines()) == 1
