"""Locks, environments and their failures, in a project that is small because it does not train."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.lifecycle.projects import Checkpoint, Project, error_sentence, pins_of, succeeded

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("environment")]


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    """Return the small project as it was right after ``make setup``."""
    return small_project.restore()


def change_lock(project: Project) -> None:
    """Make another lock with the same packages, so that `install` has something to do."""
    with (project.locks / "50-lint.txt").open("a") as lock:
        lock.write("# another lock\n")


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and modification time of everything in a folder."""
    found = {}
    for path in folder.rglob("*"):
        facts = path.lstat()
        found[str(path.relative_to(folder))] = (facts.st_ino, facts.st_mtime_ns)
    return found


def test_setup_leaves_nothing_to_do(project: Project) -> None:
    status = succeeded(project.tools("status")).stdout
    assert re.search(r"^locks .*, fresh$", status, re.MULTILINE)
    assert re.search(r"^development .* fits the locks$", status, re.MULTILINE)
    again = succeeded(project.tools("setup")).stdout
    assert "is up to date" in again


def test_second_install_touches_nothing(project: Project) -> None:
    before = state_of(project.folder / ".venvs")
    assert "is up to date" in succeeded(project.tools("install")).stdout
    assert "is up to date" in project.make("install").stdout
    assert state_of(project.folder / ".venvs") == before


def test_every_locked_requirement_is_exact_and_hashed(project: Project) -> None:
    locks = project.lock_texts()
    assert list(locks) == ["30-prod", "40-dev", "50-lint"]
    for layer, text in locks.items():
        requirements = re.findall(r"^[^\s#-].*(?:\n    --hash=.*)*", text, re.MULTILINE)
        assert requirements, layer
        for requirement in requirements:
            assert re.match(r"[a-z0-9._-]+==\S+", requirement), requirement
            assert "--hash=sha256:" in requirement, requirement
        assert "://" not in text, "a lock must not say which index it came from"


def test_locking_again_changes_nothing(project: Project) -> None:
    succeeded(project.tools("lock"))
    assert project.git("status", "--short") == ""


def test_a_later_layer_cannot_move_an_earlier_one(project: Project) -> None:
    before = project.lock_texts()
    project.append("requirements/40-dev.in", f"numpy!={pins_of(before['30-prod'])['numpy']}\n")
    refused = project.tools("lock")
    sentence = error_sentence(refused)
    assert "requirements/40-dev.in" in sentence
    assert "locks were left as they were" in sentence
    assert "numpy" in refused.stderr
    assert project.lock_texts() == before
    assert project.git("status", "--short").split() == ["M", "requirements/40-dev.in"]


def test_a_requirement_that_no_hash_can_hold_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "adhoc"\nversion = "1.0"\n')
    (tmp_path / "adhoc.py").touch()
    before = project.lock_texts()
    project.append("requirements/40-dev.in", f"adhoc @ {tmp_path.as_uri()}\n")
    sentence = error_sentence(project.tools("lock"))
    assert "adhoc in requirements/40-dev.in has no hash" in sentence
    assert project.lock_texts() == before


@pytest.mark.parametrize("arguments", [(), ("--fast",)])
def test_torch_does_not_come_from_pypi(project: Project, arguments: tuple[str, ...]) -> None:
    before = project.lock_texts()
    project.append("requirements/30-prod.in", "torchmetrics\n")
    sentence = error_sentence(project.tools("lock", *arguments))
    assert "requirements/30-prod.in" in sentence
    assert "asks for torch, or for what needs it" in sentence
    assert "training=pytorch" in sentence
    assert project.lock_texts() == before


def test_a_wheel_of_torch_that_is_named_is_taken(project: Project, answers: dict[str, str]) -> None:
    wheels = sorted(Path(answers.get("torch_index", "no folder")).glob("torch-*.whl"))
    if not wheels:
        pytest.skip("this machine has no folder of torch's wheels")
    project.append("requirements/30-prod.in", f"torch @ {wheels[0].as_uri()}\n")
    succeeded(project.tools("lock"))
    assert "torch @ file:" in project.lock_texts()["30-prod"]


def test_own_package_and_override_come_with_a_new_generation(
    project: Project, small_project: Checkpoint
) -> None:
    old = pins_of(project.lock_texts()["30-prod"])["protobuf"]
    project.append("requirements/overrides.txt", f"protobuf<{old}\n")
    project.append("requirements/40-dev.in", "tomli-w\n")
    old_environment = state_of(project.folder / ".venvs" / small_project.active)
    assert "older than the requirements" in succeeded(project.tools("status")).stdout

    succeeded(project.tools("lock"))
    locks = {layer: pins_of(text) for layer, text in project.lock_texts().items()}
    assert locks["30-prod"]["protobuf"] != old
    assert locks["40-dev"]["protobuf"] == locks["30-prod"]["protobuf"]
    succeeded(project.tools("install"))
    new = project.active()
    assert new != small_project.active
    assert project.packages()["protobuf"] == locks["30-prod"]["protobuf"]
    project.python("-c", "import tomli_w")
    assert state_of(project.folder / ".venvs" / small_project.active) == old_environment

    succeeded(project.tools("rollback"))
    assert project.active() == small_project.active
    assert "tomli-w" not in project.packages()
    assert "differs from the locks" in succeeded(project.tools("status")).stdout
    assert "no earlier development environment" in error_sentence(project.tools("rollback"))

    made = state_of(project.folder / ".venvs" / str(new))
    succeeded(project.tools("install"))
    assert project.active() == new
    assert state_of(project.folder / ".venvs" / str(new)) == made, (
        "it was there, only the link moves"
    )


def test_own_packages_stay_until_they_are_upgraded(project: Project) -> None:
    project.append("requirements/40-dev.in", "tomli-w==1.1.0\n")
    succeeded(project.tools("lock"))
    requirements = project.folder / "requirements" / "40-dev.in"
    requirements.write_text(requirements.read_text().replace("tomli-w==1.1.0", "tomli-w"))
    succeeded(project.tools("lock"))
    assert pins_of(project.lock_texts()["40-dev"])["tomli-w"] == "1.1.0"
    before = pins_of(project.lock_texts()["40-dev"])
    succeeded(project.tools("lock-upgrade"))
    after = pins_of(project.lock_texts()["40-dev"])
    assert after["tomli-w"] != "1.1.0"
    assert {name for name in after if after[name] != before[name]} == {"tomli-w"}


def test_a_failing_smoke_test_leaves_the_active_environment(
    project: Project, small_project: Checkpoint
) -> None:
    change_lock(project)
    broken = project.folder / "tests" / "test_broken.py"
    broken.write_text("import pytest\n\n\n@pytest.mark.smoke\ndef test_it():\n    raise OSError\n")
    sentence = error_sentence(project.tools("install"))
    assert "smoke test" in sentence
    assert f"{small_project.active} stays active" in sentence
    assert project.active() == small_project.active
    assert project.environments() == small_project.known
    project.make("install", "--without-smoke-test")
    assert project.active() != small_project.active


def test_broken_tests_keep_nobody_from_an_environment(project: Project) -> None:
    (project.folder / "tests" / "test_broken.py").write_text("import nowhere\n")
    change_lock(project)
    said = succeeded(project.tools("install")).stdout
    assert "note: the tests in tests/test_broken.py cannot be read and were left out" in said
    (project.folder / "tests" / "conftest.py").write_text("import nowhere\n")
    change_lock(project)
    (project.folder / ".venv").unlink()
    said = succeeded(project.tools("setup")).stdout
    assert "WARNING: the project's smoke test cannot be run in it (ModuleNotFoundError: " in said
    project.python("-c", "import numpy")


def test_a_project_says_what_is_not_import_checked(project: Project, tmp_path: Path) -> None:
    line = stub_wheel(tmp_path, "stubbed", code="raise ImportError('no libfoo')\n")
    project.append("requirements/50-lint.in", "stubbed\n")
    with (project.locks / "50-lint.txt").open("a") as lock:
        lock.write(line)
    sentence = error_sentence(project.tools("install", UV_FIND_LINKS=str(tmp_path)))
    setting = "import-check = { stubbed = false }"
    assert setting in sentence
    pyproject = project.folder / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    table = "[tool.project]\n"
    pyproject.write_text(text.replace(table, f"{table}{setting}\n"), encoding="utf-8")
    succeeded(project.tools("install", UV_FIND_LINKS=str(tmp_path)))
    assert "stubbed" in project.packages()


def stub_wheel(folder: Path, name: str, *, code: str = "", requires: str = "") -> str:
    """Write a stub wheel, for a package that no index has, and return its line for a lock."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    facts = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}"
    tags = "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    records = "".join(f"{name}{file},,\n" for file in (".py", "-1.0.dist-info/RECORD"))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", facts)
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", tags)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", records)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}==1.0 --hash=sha256:{digest}\n"


@pytest.mark.parametrize(
    ("stub", "said"),
    [
        ({"code": "raise ImportError('no libfoo')\n"}, "stubbed: ImportError: no libfoo"),
        ({"requires": "Requires-Dist: numpy<1\n"}, "`stubbed` requires `numpy<1`"),
    ],
    ids=["import", "requirement"],
)
def test_an_environment_that_fails_its_check_is_not_activated(
    project: Project, small_project: Checkpoint, tmp_path: Path, stub: dict[str, str], said: str
) -> None:
    line = stub_wheel(tmp_path, "stubbed", **stub)
    project.append("requirements/50-lint.in", "stubbed\n")
    with (project.locks / "50-lint.txt").open("a") as lock:
        lock.write(line)
    refused = project.tools("install", UV_FIND_LINKS=str(tmp_path))
    assert said in refused.stderr
    assert f"{small_project.active} stays active" in error_sentence(refused)
    assert project.active() == small_project.active
    assert project.environments() == small_project.known


def test_a_file_with_another_hash_is_not_installed(
    project: Project, small_project: Checkpoint
) -> None:
    lock = project.locks / "40-dev.txt"
    text = lock.read_text()
    start = text.index("pluggy==")
    end = text.index("# via", start)
    lock.write_text(
        text[:start] + re.sub(r"sha256:.{8}", "sha256:00000000", text[start:end]) + text[end:]
    )
    refused = project.tools("install")
    assert f"{small_project.active} stays active" in error_sentence(refused)
    assert "hash" in (refused.stdout + refused.stderr).lower()
    assert project.active() == small_project.active
    assert project.environments() == small_project.known


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_an_interrupted_install_leaves_the_active_environment(
    project: Project, small_project: Checkpoint, kill: signal.Signals
) -> None:
    change_lock(project)
    code, rest = project.interrupted_tools("install", after="pip install", by=kill)
    assert code != 0
    if kill is signal.SIGINT:
        assert "the active environment was left as it was" in rest
        assert project.environments() == small_project.known
    assert project.active() == small_project.active
    succeeded(project.tools("install"))
    assert project.active() not in (small_project.active, None)
    project.python("-m", "pytest", "--version")


def test_pip_installs_the_same_where_uv_is_not_to_be_had(project: Project) -> None:
    by_uv = project.packages()
    change_lock(project)
    done = succeeded(project.tools("install", INSTALLER="pip"))
    assert "uv pip" not in done.stderr
    assert "pip --python" in done.stderr
    assert project.packages() == by_uv
    project.python("-m", "pytest", "-q", "-m", "smoke")


def test_production_holds_its_layer_and_a_copy_of_the_project(project: Project) -> None:
    succeeded(project.tools("install-prod"))
    wanted = pins_of(project.lock_texts()["30-prod"])
    installed = project.packages(".venv-prod")
    own = project.package.replace("_", "-")
    assert {name.replace("_", "-") for name in installed} == {*wanted, own}
    first = project.active(".venv-prod")

    removed = project.folder / "src" / project.package / "only_for_now.py"
    removed.write_text('"""A module that will go."""\n')
    assert "made for an older state of the project" in succeeded(project.tools("status")).stdout
    succeeded(project.tools("install-prod"))
    assert project.active(".venv-prod") != first
    project.python("-c", f"import {project.package}.only_for_now", link=".venv-prod")

    removed.unlink()
    succeeded(project.tools("install-prod"))
    assert project.active(".venv-prod") == first
    assert not (project.folder / "build").exists()


@pytest.mark.parametrize("link", [".venv", ".venv-prod"])
def test_the_console_script_lists_the_commands(project: Project, link: str) -> None:
    succeeded(project.tools("install-prod"))
    script = project.folder / link / "bin" / project.package.replace("_", "-")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "predict with an exported model" in done.stdout


def test_a_new_console_script_comes_with_a_new_environment(
    project: Project, small_project: Checkpoint
) -> None:
    pyproject = project.folder / "pyproject.toml"
    text = pyproject.read_text()
    more = f'[project.scripts]\nsecond = "{project.package}.cli:main"\n'
    pyproject.write_text(text.replace("[project.scripts]\n", more))
    assert "made for an older state of the project" in succeeded(project.tools("status")).stdout
    succeeded(project.tools("install"))
    assert str(project.active()).startswith(f"{small_project.active}-")
    subprocess.run([project.folder / ".venv" / "bin" / "second", "--help"], check=True)

    pyproject.write_text(text.replace('version = "0.1.0"', 'version = "0.2.0"'))
    succeeded(project.tools("install"))
    assert project.active() == small_project.active, "a version alone makes no new environment"


def test_a_module_that_was_deleted_is_not_packed_from_an_old_build(project: Project) -> None:
    stale = project.folder / "build" / "lib" / project.package / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.write_text('"""Left by an earlier build."""\n')
    project.append(f"src/{project.package}/__init__.py", "\n")
    succeeded(project.tools("install-prod"))
    code = f"import importlib.util as u; print(u.find_spec('{project.package}.stale'))"
    assert project.python("-c", code, link=".venv-prod").strip() == "None"
    shutil.rmtree(project.folder / "build")


def test_an_environment_made_by_hand_is_not_overwritten(project: Project) -> None:
    (project.folder / ".venv").unlink()
    (project.folder / ".venv").mkdir()
    (project.folder / ".venv" / "precious").touch()
    assert "move it away" in error_sentence(project.tools("install"))
    assert (project.folder / ".venv" / "precious").exists()


def test_a_project_that_was_moved_gets_a_new_environment(project: Project, tmp_path: Path) -> None:
    moved = Project(tmp_path / "moved")
    shutil.copytree(project.folder, moved.folder, symlinks=True)
    assert "none: run `make install`" in succeeded(moved.tools("status")).stdout
    succeeded(moved.tools("install"))
    where = moved.python("-c", f"import {moved.package} as p; print(p.__file__)")
    assert Path(where.strip()).is_relative_to(moved.folder)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        pytest.param(
            ".python-version", "3.99\n", "Python 3.99 is not on this machine", id="no-python"
        ),
        pytest.param(
            ".python-version", "snake\n", ".python-version holds 'snake'", id="not-a-version"
        ),
        pytest.param(
            "requirements/overrides.txt",
            "numpy\n",
            "names numpy without a version",
            id="no-version",
        ),
        pytest.param(
            "requirements/overrides.txt",
            "==1.0\n",
            "a line that is not a requirement",
            id="no-name",
        ),
        pytest.param(
            "requirements/stack/project.toml", "= broken\n", "cannot be read", id="broken-facts"
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    project: Project, path: str, text: str, said: str
) -> None:
    (project.folder / path).write_text(text)
    before = project.lock_texts()
    assert said in error_sentence(project.tools("lock"))
    assert project.lock_texts() == before


def test_install_without_locks_says_what_to_run(project: Project) -> None:
    shutil.rmtree(project.folder / "requirements" / "locks")
    assert "run `make lock` first" in error_sentence(project.tools("install"))


def test_two_commands_at_once_do_not_meet(project: Project) -> None:
    with (project.folder / ".venvs" / "in-use").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for command in ("lock", "install", "rollback", "promote", "prune", "save", "try tomli-w"):
            refused = project.tools(*command.split())
            assert "another command is changing" in error_sentence(refused)
    succeeded(project.tools("install"))


def test_setup_makes_a_repository_only_where_there_is_none(
    project: Project, tmp_path: Path
) -> None:
    """A Python that nobody has stops each setup right after the step with git."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("/ignored/\n")
    for name in ("part", "ignored"):
        inner = Project(tmp_path / name)
        without = shutil.ignore_patterns(".git", ".venv*")
        shutil.copytree(project.folder, inner.folder, symlinks=True, ignore=without)
        (inner.folder / ".python-version").write_text("3.99\n")
        assert "Python 3.99 is not on this machine" in error_sentence(inner.tools("setup"))
    assert not (tmp_path / "part" / ".git").exists()
    assert (tmp_path / "ignored" / ".git").exists()


def test_an_old_python_is_refused_in_one_sentence(project: Project) -> None:
    old = old_python()
    if old is None:
        pytest.skip("there is no Python 3.10 on this machine to start the tools with")
    done = subprocess.run(
        [old, "keep.py", "status"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def old_python() -> str | None:
    """Return an interpreter that is too old for the tools, if there is one that runs."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in ("python3.10", *map(str, versions.glob("3.10.*/bin/python"))):
        found = shutil.which(candidate)
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            return found
    return None


def test_own_targets_are_listed_and_run(project: Project) -> None:
    project.append("local.mk", "\nhello:  ## say hello\n\t@echo hello from the team\n")
    assert re.search(r"^  hello +say hello$", project.make("help").stdout, re.MULTILINE)
    assert "hello from the team" in project.make("hello").stdout


def test_the_projects_own_tests_pass_and_it_is_lint_clean(project: Project) -> None:
    assert re.search(r"\d+ passed", project.make("test").stdout)
    checked = project.make("lint").stdout
    assert re.search(r"^mypy .*Passed$", checked, re.MULTILINE)
    assert "Failed" not in checked


def try_to_commit(project: Project) -> subprocess.CompletedProcess[str]:
    """Commit everything as an editor does: from outside any environment."""
    project.git("add", "--all")
    system = {**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = ["git", "commit", "--quiet", "--message", "try"]
    return subprocess.run(
        command, cwd=project.folder, env=system, capture_output=True, text=True, check=False
    )


def test_setup_lets_git_run_the_checks_of_the_active_environment(project: Project) -> None:
    wrong = project.folder / "src" / project.package / "wrong.py"
    wrong.write_text('"""A module."""\n\nNUMBER: int = "one"\n')
    refused = try_to_commit(project)
    assert refused.returncode != 0
    assert "- hook id: mypy" in refused.stderr
    assert "Incompatible types in assignment" in refused.stderr

    wrong.write_text('"""A module."""\n\nNUMBER: int = 1\n')
    change_lock(project)
    succeeded(project.tools("install"))
    accepted = try_to_commit(project)
    assert accepted.returncode == 0, accepted.stderr
    assert "Passed" in accepted.stderr
    assert "Failed" not in accepted.stderr


def test_lint_says_which_files_git_does_not_know_yet(project: Project) -> None:
    (project.folder / "notes.md").write_text("no end")
    done = succeeded(project.tools("lint", "files"))
    assert "note: not checked, as git does not know them yet: notes.md; `git add`" in done.stdout
    project.git("add", "notes.md")
    refused = project.tools("lint", "files")
    assert refused.returncode == 1
    assert "notes.md: the last line does not end; add a line feed." in refused.stdout


def test_a_part_of_another_repository_is_checked_without_hooks(project: Project) -> None:
    around, own = project.folder.parent, project.folder / ".git"
    own.rename(around / "own.git")
    try:
        subprocess.run(["git", "init", "--quiet"], cwd=around, check=True)
        (around / "outside.md").write_text("no end")
        done = succeeded(project.tools("setup"))
        checked = succeeded(project.tools("lint", "files")).stdout
        (project.folder / "inside.md").write_text("no end")
        refused = project.tools("lint", "files").stdout
        assert not (around / ".git" / "hooks" / "pre-commit").exists()
    finally:
        shutil.rmtree(around / ".git")
        (around / "own.git").rename(own)
    assert "note: no git hooks were installed: this folder is a part of another" in done.stdout
    assert re.search(r"^files .*Passed$", checked, re.MULTILINE)
    assert "\ninside.md: the last line does not end" in refused


def test_setup_leaves_hooks_alone_that_git_takes_from_elsewhere(
    project: Project, tmp_path: Path
) -> None:
    (project.folder / ".git" / "hooks" / "pre-commit").unlink()
    project.git("config", "core.hooksPath", str(tmp_path))
    try:
        done = succeeded(project.tools("setup"))
    finally:
        project.git("config", "--unset", "core.hooksPath")
    assert f"no git hooks were installed: git takes them from {tmp_path}" in done.stdout
    succeeded(project.tools("setup"))
    assert (project.folder / ".git" / "hooks" / "pre-commit").exists()
