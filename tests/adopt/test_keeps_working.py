"""What worked in a repository works in its branch: with versions of then, and its own way to build.

For real: PyPI's upload times, its packages of that day, the repository's own tests, a bisect, a
compiler.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hooks.adoption.plan import BRANCH
from tests.adopt.repository import Adopted, of_files
from tests.lifecycle.projects import ENVIRONMENT, succeeded
from tests.support.copier_runs import git, stage

pytestmark = [pytest.mark.slow, pytest.mark.network]
DAY = "2023-05-02"
FILES = {
    "requirements.txt": "pydantic\nrich\n",
    "flowers/__init__.py": """\
from pydantic import BaseModel, BaseSettings


class Settings(BaseSettings):
    petals: int = 5


class Flower(BaseModel):
    petals: int
""",
    "tests/test_flowers.py": """\
from flowers import Flower, Settings


def test_a_flower_has_its_petals():
    assert Flower(petals="5").dict() == {"petals": Settings().petals}
""",
}
"""Settings were a part of pydantic until its second release, of 2023-06-30."""


COMPILED = """\
[build-system]
requires = ["setuptools", "Cython", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"

[project]
name = "tiny"
dynamic = ["version"]
dependencies = ["rich"]

[project.scripts]
tiny = "tiny:main"

[tool.setuptools_scm]
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, whatever its exit code."""
    kept = {name: value for name, value in ENVIRONMENT.items() if name not in ("COPIER", "PYTHON")}
    return subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False
    )


def adopted(folder: Path, template: Path, *more: str) -> str:
    """Adopt as a user does, check the branch out, and return what was printed."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    answers = ("--data", f"python_version={python}", "--data", "profile=minimal")
    command = [sys.executable, "hooks/adopt.py", str(folder), "--yes", "--source", str(template)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [*command, *answers, *more],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    git(folder, "switch", "--quiet", BRANCH)
    return succeeded(done).stdout


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template as it is, as a release."""
    return stage(tmp_path_factory.mktemp("staged") / "template", "998.0.0")


def test_its_tests_pass_as_of_the_last_commit_and_bisect_names_what_broke_them(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "flowers"
    with monkeypatch.context() as then:
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            then.setenv(name, f"{DAY}T12:00:00Z")
        of_files(folder, FILES)
    made = Adopted(folder, template)
    said = adopted(folder, template, "--as-of", "last-commit")
    assert "it locks for this machine" in said
    succeeded(run(folder, "make", "setup"))
    assert "1 passed" in succeeded(run(folder, "make", "test")).stdout
    pins = made.lines("requirements/overrides.txt")
    assert any(line.startswith("pydantic==1.10.") for line in pins)
    git(folder, "add", "--all")
    git(folder, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "Locks of then")

    overrides = folder / "requirements" / "overrides.txt"
    overrides.write_text("", encoding="utf-8")
    succeeded(run(folder, sys.executable, "keep.py", "lock", "--fast", "--quiet"))
    bisect = ("keep.py", "bisect", "--good", "HEAD", "--repeat", "1", "--", "pytest", "-q", "tests")
    found = succeeded(run(folder, sys.executable, *bisect)).stdout
    (verdict,) = (line for line in found.splitlines() if "break it" in line or "breaks it" in line)
    assert verdict.startswith("pydantic 1.10.")
    assert "rich" not in verdict.partition(" break")[0]


def test_a_compiled_package_with_its_version_from_git_is_built_as_before(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    of_files(
        folder,
        {
            "pyproject.toml": COMPILED,
            "setup.py": "from Cython.Build import cythonize\nfrom setuptools import setup\n\n"
            "setup(packages=['tiny'], ext_modules=cythonize(['tiny/fast.pyx']))\n",
            "tiny/fast.pyx": "def twice(int a): return 2 * a\n",
            "tiny/__init__.py": "from importlib.metadata import version\n\n\n"
            "def main():\n    print(version('tiny'))\n",
            "tests/test_fast.py": "from tiny.fast import twice\n\n\n"
            "def test_twice():\n    assert twice(2) == 4\n",
            ".gitignore": "*.so\n*.c\n",
        },
    )
    git(folder, "tag", "v4.5.6")
    adopted(folder, template)
    succeeded(run(folder, "make", "setup"))
    assert "1 passed" in succeeded(run(folder, "make", "test")).stdout
    assert succeeded(run(folder, ".venv/bin/tiny")).stdout.startswith("4.5.7.dev")
    succeeded(run(folder, "make", "install-prod"))
    assert succeeded(run(folder, ".venv-prod/bin/tiny")).stdout.startswith("4.5.7.dev")
    git(folder, "add", "--all")
    assert git(folder, "status", "--porcelain", "--", "tiny") == ""
