"""Repositories are adopted for real: their own environment before, ours after, and an update.

What each kind runs: all six are locked by the real resolver, with the real packages of PyPI and,
as PyTorch's index need not be in reach, stub wheels of torch. `requirements` and `poetry` are
installed and their tests run before and after, on this machine's torch for the CPU.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks.new_project import machine_answers
from maintain.stack.data import load_release
from tests.adopt.repository import KINDS, Adopted, make
from tests.infra.workflows.files import read, steps
from tests.infra.workflows.running import add_docker
from tests.lifecycle.projects import ENVIRONMENT, succeeded
from tests.lifecycle.test_update import next_release
from tests.support.copier_runs import ROOT, commit, files_of, git, release, stage
from tests.support.loopback import serving
from tests.support.torch_index import make_torch_index

pytestmark = [pytest.mark.slow, pytest.mark.network]
BEFORE, AFTER = "998.0.0", "999.0.0"
NOT_OURS_TO_HAVE = "torch=="
"""An override of torch: only the stack's torch can be had here. The command asks to check it."""
LINE_TO_ADD = re.compile(r"`(\S+<\S+)`")
TESTED = re.compile(r"^(?:=+ )?(\d+ passed\S*(?: \d+ \w+)*)", re.MULTILINE)
OWN_PACKAGES = {
    "requirements": ("numpy==1.26.4", "pandas==2.2.3", "tqdm>=4.60", "scikit-learn"),
    # Nothing of it imports torch or transformers.
    "poetry": ("numpy==1.26.4", "fastapi<0.116,>=0.115", "respx==0.21.1"),
}
OWN_PYTEST = {"requirements": "pytest==8.3.4", "poetry": "pytest==8.3.3"}


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, whatever its exit code."""
    kept = {name: value for name, value in ENVIRONMENT.items() if name not in ("COPIER", "PYTHON")}
    environment = {**kept, **variables}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def active(environment: Path) -> dict[str, str]:
    """Return the variables that an active environment sets."""
    return {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def counted(done: subprocess.CompletedProcess[str]) -> str:
    """Return what pytest counted in a run that succeeded."""
    (found,) = TESTED.findall(succeeded(done).stdout)
    return str(found)


def drop_override_of_torch(repository: Adopted) -> None:
    path = repository.folder / "requirements" / "overrides.txt"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(NOT_OURS_TO_HAVE)]
    path.write_text("".join(kept), encoding="utf-8")


def locked(repository: Adopted, *command: str) -> list[str]:
    """Lock, with the lines added that the command names; return those lines."""
    added: list[str] = []
    for _ in range(6):
        done = run(repository.folder, sys.executable, "keep.py", *command)
        lines = LINE_TO_ADD.findall(done.stderr) if done.returncode else []
        if not lines:
            break
        added += lines
        with (repository.folder / "requirements" / "overrides.txt").open("a") as overrides:
            overrides.writelines(f"{line}\n" for line in lines)
    succeeded(done)
    return added


@pytest.fixture(scope="module")
def torch_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve stub wheels in the place of PyTorch's index."""
    with serving(make_torch_index(tmp_path_factory.mktemp("index")).root) as address:
        yield address


@pytest.fixture(scope="module")
def toolchains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the pinned tools are kept for all repositories, one environment a Python."""
    return tmp_path_factory.mktemp("toolchains")


@pytest.mark.xdist_group("adopted-locks")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_locked(
    kind: str, template: Path, torch_address: str, toolchains: Path, tmp_path: Path
) -> None:
    made = make(kind, tmp_path / kind, template)
    trains = kind != "cookiecutter-data-science"
    index = ("--data", f"torch_index={torch_address}") if trains else ()
    assert made.adopt(*index) == 0
    made.switch()
    drop_override_of_torch(made)
    (made.folder / ".venvs").symlink_to(toolchains, target_is_directory=True)
    added = locked(made, "lock-all", "--platform", "linux-x86_64", "--backend", "cpu")
    older = {
        "conda": {"scipy"},
        "poetry": {"starlette", "huggingface-hub", "tokenizers"},
    }
    assert {line.partition("<")[0] for line in added} == older.get(kind, set())
    folder = made.folder / "requirements" / "locks" / "linux-x86_64-cpu"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*-*.txt"))
    wanted = [line for line in made.lines("requirements/overrides.txt") if "==" in line]
    for pin in wanted:
        assert f"\n{pin} \\\n" in text, pin
    assert ("\ntorch==" in text) == trains


@pytest.mark.parametrize("kind", sorted(OWN_PACKAGES))
def test_the_whole_way(kind: str, tmp_path: Path) -> None:
    template = stage(tmp_path / "template", BEFORE)
    made = make(kind, tmp_path / kind, template)
    own_file(made, kind)
    own = before_adoption(kind, tmp_path)
    command = (
        ("make", "test") if (made.folder / "Makefile").exists() else ("python", "-m", "pytest")
    )
    before = counted(run(made.folder, *command, **active(own)))
    here = {**machine_answers(), "backends": "[cpu]"}
    given = [part for name, answer in here.items() for part in ("--data", f"{name}={answer}")]
    assert made.adopt(*given) == 0
    made.switch()
    added = locked(made, "lock")
    assert bool(added) == (kind == "poetry")
    succeeded(run(made.folder, "make", "setup"))
    ours = active(made.folder / ".venv")
    assert counted(run(made.folder, "make", "test", **ours)) == before
    assert counted(run(made.folder, sys.executable, "keep.py", "test")) == before
    for target in ("status", "doctor", *(["train"] if kind == "requirements" else [])):
        succeeded(run(made.folder, "make", target, **ours))
    assert "no errors" in run(made.folder, "make", "doctor").stdout
    lint = run(made.folder, "make", "lint")
    assert "Nothing is checked" in lint.stdout if kind == "requirements" else "mypy" in lint.stderr
    assert lint.returncode == 0, lint.stdout + lint.stderr
    updated(made, template)


def test_every_push_is_green(template: Path, tmp_path: Path) -> None:
    """Every step of every job is run; of this kind, whose Makefile calls what is on the path.

    A stand-in for Docker builds and runs the image.
    """
    made = make("cookiecutter-data-science", tmp_path / "houses", template)
    assert made.adopt("--data", f"python_version={sys.version_info[0]}.{sys.version_info[1]}") == 0
    made.switch()
    succeeded(run(made.folder, sys.executable, "keep.py", "lock"))
    commit(made.folder, "Locks")
    add_docker(tmp_path / "programs")
    path = f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}"
    jobs = read(made.folder / ".github" / "workflows" / "checks.yml")["jobs"]
    assert jobs.keys() == {"locks", "lint", "test", "prod-image"}
    said = ""
    for job in jobs.values():
        for step in steps(job):
            done = succeeded(run(made.folder, "bash", "-e", "-c", step, PATH=path))
            said += done.stdout
    assert "Locking again gives the same" in said
    assert TESTED.search(said)
    assert "house-prices:prod works for anybody" in said


def before_adoption(kind: str, folder: Path) -> Path:
    """Make the environment that a repository had before: what can be had of its requirements."""
    environment = folder / "own-environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    torch = f"torch=={load_release(ROOT / 'stack').torch}"
    packages = [*OWN_PACKAGES[kind], OWN_PYTEST[kind], *([torch] if kind == "requirements" else [])]
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages]
    succeeded(run(folder, *pip))
    return environment


def own_file(made: Adopted, kind: str) -> None:
    """Give a repository a module with the name of one of the template's."""
    folder = made.folder / ("src/translator" if kind == "poetry" else "src")
    folder.mkdir(exist_ok=True)
    (folder / "errors.py").write_text('"""Our own errors."""\n', encoding="utf-8")
    commit(made.folder, "Errors")


def updated(made: Adopted, template: Path) -> None:
    """Update to a release that changes files of all owners: nothing of the user's is touched."""
    commit(made.folder, "Locks")
    tracked = set(git(made.folder, "ls-files", "-z").split("\0")) - {""}
    before = {path: each for path, each in files_of(made.folder).items() if path in tracked}
    next_release(template)
    release(template, AFTER)
    said = succeeded(run(made.folder, "make", "update", "ARGS=--in-place")).stdout
    assert f"Template {BEFORE} -> {AFTER}, " in said
    after = files_of(made.folder)
    changed = {path for path in before if after.get(path) != before[path]}
    assert changed == {
        *(".copier-answers.yml", ".gitignore", "docs/environment.md", "pyproject.toml"),
        *("requirements/stack/constraints.txt", "requirements/stack/envkeep.txt"),
        next(path for path in before if path.startswith("requirements/stack/wheels/envkeep-")),
    }
    for path in (".gitignore", "pyproject.toml"):
        kept = before[path].content.decode().partition("# Yours from here")[2]
        assert after[path].content.decode().endswith(kept)
    untracked = git(made.folder, "ls-files", "--others", "--exclude-standard").split()
    assert untracked == ["docs/new-page.md"]
