"""What a bot finds in a project of each package manager: Renovate itself says it.

Its extraction asks nobody: what it would look up and change afterwards is not seen here.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hooks.new_project import machine_answers
from tests.lifecycle.projects import Project, new_project, succeeded
from tests.support import npm

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("bots")]

RENOVATE = "44.121.2"
PATTERN = r"/^requirements/[^/]+\.in$/"
READS_REQUIREMENTS = json.dumps({"pip_requirements": {"managerFilePatterns": [PATTERN]}})
OF_ALL = {"compose.override.yaml", "compose.yaml", "Dockerfile", ".python-version"}
Found = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def renovate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of Renovate."""
    folder = tmp_path_factory.mktemp("renovate")
    return npm.install(folder, "renovate", RENOVATE) / "dist" / "renovate.js"


def locked(template: Path, folder: Path, manager: str) -> Project:
    """Return a project whose files git knows, as it is after `make lock`."""
    chosen = {**machine_answers(), "training": "none", "package_manager": manager}
    project = new_project(template, folder / "project", chosen)
    succeeded(project.tools("lock", "--fast"))
    project.git("init", "--quiet")
    project.git("add", "--all")
    return project


def extracted(renovate: Path, project: Project, folder: Path) -> Found:
    """Return the files that Renovate finds packages in, by its word for their form."""
    log = folder / "renovate.log"
    settled = {"LOG_FILE": str(log), "LOG_FILE_FORMAT": "json", "LOG_FILE_LEVEL": "info"}
    settled |= {"LOG_LEVEL": "fatal", "RENOVATE_BASE_DIR": str(folder / "base")}
    command = [str(npm.NODE), str(renovate), "--platform=local", "--dry-run=extract"]
    subprocess.run(command, cwd=project.folder, env={**os.environ, **settled}, check=True)
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    (found,) = (each["packageFiles"] for each in lines if "packageFiles" in each)
    log.unlink()
    return dict(found)


def names(found: Found, form: str, path: str) -> dict[str, Any]:
    """Return what Renovate says of the packages in a file, by name."""
    (file,) = (each for each in found[form] if each["packageFile"] == path)
    return {each["depName"]: each for each in file["deps"]}


@pytest.mark.parametrize(
    ("manager", "lock"), [("uv", "uv.lock"), ("poetry", "poetry.lock"), ("pip-tools", None)]
)
def test_renovate_finds_what_it_can_read(
    renovate: Path, template: Path, tmp_path: Path, manager: str, lock: str | None
) -> None:
    project = locked(template, tmp_path, manager)
    found = extracted(renovate, project, tmp_path)
    files = {each["packageFile"] for rows in found.values() for each in rows}
    assert files > OF_ALL
    form = "poetry" if manager == "poetry" else "pep621"
    packages = names(found, form, "pyproject.toml")
    locks = [each for file in found[form] for each in file.get("lockFiles", [])]
    assert ("python" in packages) == (manager != "poetry")
    if lock is None:
        assert {*packages} == {"python", "setuptools"}
        assert not [each for each in files if each.startswith("requirements/")]
    else:
        groups = {each["depType"] for each in found[form][0]["deps"]}
        assert {"numpy", "pytest", "ruff"} <= {*packages}
        assert locks == [lock]
        assert ("pins" in groups) == (manager == "poetry")


def test_renovate_reads_the_teams_requirements_where_it_is_told_to(
    renovate: Path, template: Path, tmp_path: Path
) -> None:
    project = locked(template, tmp_path, "pip-tools")
    project.append("requirements/40-dev.in", "tomli-w==1.1.0\n")
    (project.folder / "renovate.json").write_text(READS_REQUIREMENTS, encoding="utf-8")
    project.git("add", "renovate.json")
    found = extracted(renovate, project, tmp_path)
    (line,) = names(found, "pip_requirements", "requirements/40-dev.in").values()
    assert (line["depName"], line["currentValue"]) == ("tomli-w", "==1.1.0")
