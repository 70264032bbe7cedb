"""A change is tried beside the active environment, which stays as it is, and only then promoted."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.lifecycle.projects import Checkpoint, Project, error_sentence, pins_of, succeeded

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("environment")]

A_SCREEN = 40  # lines
NEEDS_PROTOBUF = """
from importlib.metadata import version


def test_the_protobuf_that_we_know():
    assert version("protobuf") == "{}"
"""


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    """Return the small project as it was right after ``make setup``, with nothing tried."""
    shutil.rmtree(small_project.project.folder / ".cache" / "tries", ignore_errors=True)
    return small_project.restore()


def contents(project: Project) -> str:
    """Return a hash of every byte of the active environment."""
    digest = hashlib.sha256()
    folder = (project.folder / ".venv").resolve()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(folder)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_untouched(project: Project, active: str, before: str) -> bool:
    return (
        project.active() == active
        and contents(project) == before
        and project.git("status", "--short") == ""
    )


def test_a_package_that_brings_libraries_and_a_module_of_another_name(project: Project) -> None:
    tried = succeeded(project.tools("try", "opencv-python-headless", "--quick")).stdout
    assert "The comparison is good: it installs and imports." in tried


def test_a_good_change_is_tried_promoted_and_rolled_back(project: Project) -> None:
    active, before = project.active(), contents(project)
    assert active is not None
    tried = project.make("try", "tomli-w --layer 30-prod").stdout
    assert re.search(r"^Added\n  tomli-w +\d", tried, re.MULTILINE)
    assert "The comparison is good: the tests pass." in tried
    assert "Running the tests in " in tried
    assert len(tried.splitlines()) < A_SCREEN
    *_, log = sorted((project.folder / ".cache" / "logs").glob("try-*.log"))
    logged = log.read_text(encoding="utf-8")
    assert "[1/3] requirements/30-prod.in with requirements/stack/30-prod-cpu.in\n" in logged
    assert "[2/3] requirements/40-dev.in: stays as it is\n" in logged
    assert re.search(r"^import +\d+\.\d\d s +\d+\.\d\d s$", tried, re.MULTILINE)
    assert is_untouched(project, active, before)
    (new,) = project.environments() - {active}
    environments = project.folder / ".venvs"
    (compiled,) = (environments / active).glob(
        "lib/*/site-packages/numpy/__pycache__/__init__.*.pyc"
    )
    assert compiled.samefile(environments / new / compiled.relative_to(environments / active))
    listed = succeeded(project.tools("generations")).stdout
    assert "(good, not promoted)" in listed
    assert f"*  {active}" in listed

    promoted = project.make("promote").stdout
    assert 'Taking over "tomli-w", tried ' in promoted
    assert "wrote requirements/30-prod.in" in promoted
    assert project.active() == new
    project.python("-c", "import tomli_w")
    assert "tomli-w" in pins_of(project.lock_texts()["30-prod"])
    status = succeeded(project.tools("status")).stdout
    assert ", fresh" in status
    assert "nothing was tried yet" in error_sentence(project.tools("promote"))
    promoted_locks = project.lock_texts()
    succeeded(project.tools("lock", "--fast"))
    assert project.lock_texts() == promoted_locks

    project.make("rollback")
    assert project.active() == active
    assert contents(project) == before
    assert succeeded(project.tools("licences")).stdout.endswith(" 0 unknown.\n")
    succeeded(project.tools("rollback", new))
    assert project.active() == new
    succeeded(project.tools("prune", "--keep", "1"))
    assert project.environments() == {new}


def test_a_change_that_breaks_a_test_is_bad_and_touches_nothing(project: Project) -> None:
    known = project.packages()["protobuf"]
    (project.folder / "tests" / "test_ours.py").write_text(NEEDS_PROTOBUF.format(known))
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "--message", "A test of ours")
    active, before = project.active(), contents(project)
    assert active is not None
    tried = project.tools("try", CHANGE=f"protobuf<{known}")
    assert "the comparison is bad: the tests fail with it" in error_sentence(tried)
    assert "  FAILED tests/test_ours.py::" in tried.stdout
    assert "all that was printed is in .cache/logs/try-" in error_sentence(tried)
    assert is_untouched(project, active, before)
    assert "the tests fail with it" in error_sentence(project.tools("promote"))
    assert is_untouched(project, active, before)
    succeeded(project.tools("promote", "--anyway"))
    assert project.packages()["protobuf"] != known


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("protobuf==0.0.1", "nothing was changed: protobuf has no version 0.0.1; the newest for"),
        ("no-such-package-anywhere-xyz==1", "has no package no-such-package-anywhere-xyz; check"),
        ("panda-s", "has no package panda-s; perhaps pandas is meant"),
        ("numpy == 1.21.6", "numpy 1.21.6 has no wheel for Python 3.11 (it has for 3.7 to 3.10)"),
        ("tensorflow==2.11.0", "tensorflow 2.11.0 has no wheel for Python 3.11"),
        ("git+https://host/o/r", "is a repository, whose files have no hash"),
        ("protobuf", "protobuf is locked already; name the version to try"),
        ("git:nowhere", "git knows no commit 'nowhere'"),
        ("git:HEAD", "changes nothing that is installed"),
        ("order:30-prod", "the order 30-prod of layers does not name each of"),
        ("", "no change is named"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(project: Project, change: str, sentence: str) -> None:
    active, before = project.active(), contents(project)
    assert active is not None
    assert sentence in error_sentence(project.tools("try", change))
    assert is_untouched(project, active, before)
    assert project.environments() == {active}


def test_an_older_package_of_the_stack_is_tried_with_all_its_partners_in_one_run(
    project: Project,
) -> None:
    tried = succeeded(project.tools("try", "pydantic=2.5.0 protobuf==3.20.3", "--quick")).stdout
    assert re.search(r"^  pydantic +2\.5\.0", tried, re.MULTILINE)
    for line in ("pydantic-core<=2.14.1", "onnxruntime<", "onnx<"):
        assert re.search(rf"^  {re.escape(line)}", tried, re.MULTILINE), line
    promoted = succeeded(project.tools("promote")).stdout
    assert 'Taking over "pydantic=2.5.0 protobuf==3.20.3", tried ' in promoted
    requirements = project.folder / "requirements"
    assert "pydantic\n" in (requirements / "30-prod.in").read_text(encoding="utf-8")
    overrides = (requirements / "overrides.txt").read_text(encoding="utf-8")
    assert "pydantic==2.5.0\n" in overrides
    assert "pydantic-core<=2.14.1\n" in overrides
    assert ", fresh" in succeeded(project.tools("status")).stdout
    (requirements / "overrides.txt").write_text("protobuf==3.20.3\n", encoding="utf-8")
    for resolver in ([], ["--fast"]):
        sentence = error_sentence(project.tools("lock", *resolver))
        assert re.search(r"add to it `onnx\w*<[\d.]+` and `onnx\w*<[\d.]+`", sentence)


def test_a_withdrawn_release_is_not_good(project: Project) -> None:
    tried = project.tools("try", "requests==2.32.1", "--quick")
    sentence = error_sentence(tried)
    withdrawn = "requests 2.32.1 was withdrawn by its makers (Yanked due"
    assert f"the comparison is bad: {withdrawn}" in sentence
    assert "Yanked by those who made them\n  requests 2.32.1: " in tried.stdout
    assert "was bad: requests 2.32.1 was withdrawn" in error_sentence(project.tools("promote"))


@pytest.mark.parametrize("resolver", [[], ["--fast"]])
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("numpy=2.4.6", "requirements/30-prod.in, line 4: `numpy=2.4.6` is no requirement"),
        (
            "panda-s",
            "has no package panda-s; perhaps pandas is meant (asked for by requirements/30",
        ),
        ("tomli-w==99", "tomli-w has no version 99; the newest for Python 3.11: "),
        ("tensorflow==2.11.0", "has no wheel for Python 3.11 (it has for 3.7 to 3.10)"),
        ("pandas==2.3.3", "write `pandas` there, without a version, and `pandas==2.3.3` into req"),
        ("pycocotools==2.0.0", "(ModuleNotFoundError: No module named 'Cython')"),
    ],
)
def test_why_a_lock_cannot_be_made(
    project: Project, line: str, sentence: str, resolver: list[str]
) -> None:
    locks = project.lock_texts()
    project.append("requirements/30-prod.in", f"{line}\n")
    done = project.tools("lock", *resolver)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]  # what a build said is above, its traceback too
    assert last.startswith("error: ")
    assert sentence in last
    assert project.lock_texts() == locks


def test_a_commit_and_an_order_of_layers_can_be_tried(project: Project) -> None:
    project.append("requirements/40-dev.in", "tomli-w\n")
    succeeded(project.tools("lock"))
    project.commit("With tomli-w")
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    tried = succeeded(project.tools("try", "git:HEAD@{1}", "--quick")).stdout
    assert re.search(r"^Added\n  tomli-w +\d", tried, re.MULTILINE)
    assert "it installs and imports" in tried
    tried = succeeded(project.tools("try", "order:40-dev,30-prod,50-lint", "--quick")).stdout
    assert "The comparison is good" in tried
    succeeded(project.tools("promote"))
    assert (
        project.folder / "requirements" / "order.txt"
    ).read_text() == "40-dev\n30-prod\n50-lint\n"
    assert ", fresh" in succeeded(project.tools("status")).stdout
    assert "is up to date" in succeeded(project.tools("install")).stdout


def test_an_upgrade_of_all_and_a_folder_of_locks_can_be_tried(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.locks, tmp_path / "locks")
    requirements = project.folder / "requirements" / "40-dev.in"
    own = requirements.read_text(encoding="utf-8")
    for line in ("tomli-w==1.1.0\n", "tomli-w\n"):
        requirements.write_text(own + line, encoding="utf-8")
        succeeded(project.tools("lock"))
    succeeded(project.tools("install"))
    assert project.packages()["tomli_w"] == "1.1.0"
    tried = succeeded(project.tools("try", "upgrade", "--quick")).stdout
    assert re.search(r"^  tomli-w +1\.1\.0 -> ", tried, re.MULTILINE)
    tried = succeeded(project.tools("try", str(tmp_path / "locks"), "--quick")).stdout
    assert re.search(r"^Removed\n  tomli-w +1\.1\.0", tried, re.MULTILINE)
    assert project.packages()["tomli_w"] == "1.1.0"


def test_files_that_changed_since_are_not_overwritten(project: Project) -> None:
    succeeded(project.tools("try", "tomli-w", "--quick"))
    project.append("requirements/30-prod.in", "# a remark\n")
    active = project.active()
    assert "requirements/30-prod.in was changed since" in error_sentence(project.tools("promote"))
    assert project.active() == active
    assert "tomli-w" not in (project.folder / "requirements" / "30-prod.in").read_text()


@pytest.mark.parametrize(
    "moment",
    [
        "linux-x86_64-cpu [2/3]",
        "Locked in",
        "Making the environment",
        "--requirement",
        "Checking the new environment",
        "Running the tests",
    ],
)
def test_a_try_that_was_killed_leaves_all_as_it_was(project: Project, moment: str) -> None:
    active, before = project.active(), contents(project)
    assert active is not None
    tried = ("try", "tomli-w", "--verbose")
    code, _ = project.interrupted_tools(*tried, after=moment, by=signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert is_untouched(project, active, before)
    succeeded(project.tools("try", "tomli-w", "--quick"))
    succeeded(project.tools("promote"))
    project.python("-c", "import tomli_w")


@pytest.mark.parametrize("moment", ["Backend cpu", ".venv ->", "wrote requirements"])
def test_a_promotion_that_was_killed_can_be_completed(project: Project, moment: str) -> None:
    succeeded(project.tools("try", "tomli-w", "--quick"))
    project.interrupted_tools("promote", after=moment, by=signal.SIGKILL)
    assert project.python("-c", "import numpy") == ""
    again = project.tools("promote")
    assert again.returncode == 0 or "nothing was tried yet" in error_sentence(again)
    project.python("-c", "import tomli_w")
    assert ", fresh" in succeeded(project.tools("status")).stdout


def test_pruning_removes_what_was_left_half_made(project: Project) -> None:
    active = project.active()
    half: Path = project.folder / ".venvs" / "0123456789ab"
    half.mkdir()
    (half / "pyvenv.cfg").touch()
    said = succeeded(project.tools("prune")).stdout
    assert "Removed .venvs/0123456789ab, " in said
    assert project.environments() == {active}
    assert "--keep must be 1 or more" in error_sentence(project.tools("prune", "--keep", "0"))
