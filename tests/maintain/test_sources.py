"""How commands find the sources of this repository: by a file in .venv, never by code."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from maintain import ROOT
from scripts.add_sources import NAME

FOLDERS = ("benchmarks", "hooks", "maintain", "scripts")
WHERE = "import envkeep, hooks, maintain; print(envkeep.__file__, hooks.__path__, maintain.ROOT)"


def test_no_command_changes_its_own_path() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    assert not [path for path in files if "sys.path" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("is_link", [False, True], ids=["plain", "linked"])
def test_an_environment_gets_the_sources_of_the_repository_that_it_is_in(
    is_link: bool, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    for folder in ("src/envkeep", "hooks", "maintain", "scripts"):
        (repository / folder).mkdir(parents=True)
    (repository / "src" / "envkeep" / "__init__.py").touch()
    (repository / "maintain" / "__init__.py").write_text("ROOT = __file__\n")
    script = repository / "scripts" / "add_sources.py"
    script.write_bytes((ROOT / "scripts" / script.name).read_bytes())
    if is_link:
        venv.create(tmp_path / "elsewhere" / ".venv", symlinks=True)
        (repository / ".venv").symlink_to(tmp_path / "elsewhere" / ".venv")
    else:
        venv.create(repository / ".venv", symlinks=True)
    python = repository / ".venv" / "bin" / "python"
    subprocess.run([python, script], check=True)
    done = subprocess.run(
        [python, "-c", WHERE], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(f"{repository}/") == 3, done.stdout
    (file,) = (repository / ".venv").glob(f"lib/*/site-packages/{NAME}")
    assert not [line for line in file.read_text().splitlines() if Path(line).is_absolute()]


def test_a_python_that_is_no_environment_is_left_alone() -> None:
    base = Path(sys.base_prefix, "bin", "python3")
    command = [base, ROOT / "scripts" / "add_sources.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: this is no environment; use .venv/bin/python.\n"
