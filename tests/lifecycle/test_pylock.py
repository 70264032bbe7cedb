"""Locks as PEP 751 has them: pip and uv install from them what the layers have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Checkpoint, Project, pins_of, succeeded

pytestmark = [pytest.mark.network, pytest.mark.slow]


def run(project: Project, *command: str | Path) -> str:
    """Run a program in the project's folder, which must succeed."""
    done = subprocess.run(
        command, cwd=project.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return succeeded(done).stdout


def test_other_installers_make_the_same_environment(
    small_project: Checkpoint, tmp_path: Path
) -> None:
    project = small_project.restore()
    before = project.lock_texts()
    platform = project.locks.name.removesuffix("-cpu")
    succeeded(project.tools("lock-all", "--platform", platform, "--pylock"))
    assert project.lock_texts() == before
    tools = next((project.folder / ".venvs").glob("toolchain-*")) / "bin"
    lock = project.locks / "pylock.30-prod.toml"
    by_uv, by_pip = tmp_path / "by-uv", tmp_path / "by-pip"
    for each in (by_uv, by_pip):
        run(project, tools / "uv", "venv", "--quiet", "--python", project.python_path(), each)
    run(project, tools / "uv", "pip", "sync", "--python", by_uv, lock)
    pip = (tools / "python", "-m", "pip", "--python", by_pip / "bin" / "python")
    run(project, *pip, "install", "--quiet", "--requirement", lock)
    for each in (by_uv, by_pip):
        installed = run(project, tools / "uv", "pip", "freeze", "--python", each)
        assert pins_of(installed) == pins_of(before["30-prod"])


def test_a_later_lock_renews_them(small_project: Checkpoint) -> None:
    project = small_project.restore()
    platform = project.locks.name.removesuffix("-cpu")
    succeeded(project.tools("lock-all", "--platform", platform, "--pylock"))
    project.append("requirements/30-prod.in", "sniffio\n")
    succeeded(project.tools("lock", "--fast"))
    text = (project.locks / "pylock.30-prod.toml").read_text(encoding="utf-8")
    assert 'name = "sniffio"' in text
