"""``environment.yml`` says what the catalog says, and no more than conda can read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rattler import MatchSpec

from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.support.catalog import builds
from tests.support.copier_runs import git, release, render
from tests.support.engine import variables

BUILDS = {row["build"]: row for row in builds()}
GPUS = {"backends": ["cuda", "rocm", "xpu", "mps"]}


def environment(project: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((project / "environment.yml").read_text())
    return content


def chosen(project: Path) -> list[str]:
    """Return the specs of the catalog for the builds of a project."""
    text = (project / "requirements" / "stack" / "project.toml").read_text(encoding="utf-8")
    return [
        spec
        for name, row in BUILDS.items()
        if f'= "{name}"' in text
        for spec in row["conda_libraries"]
    ]


def test_it_brings_python_pip_and_what_the_catalog_names(project: Path) -> None:
    if not answers_of(project)["conda"]:
        assert not (project / "environment.yml").exists()
        page = (project / "docs" / "environment.md").read_text(encoding="utf-8")
        assert "conda" not in page
        assert "conda" not in (project / "Makefile").read_text(encoding="utf-8")
        return
    content = environment(project)
    python = answers_of(project)["python_version"]
    assert content["name"] == answers_of(project)["package_name"]
    assert content["channels"] == ["conda-forge", "nodefaults"], "PyTorch's own channel is frozen"
    assert content["dependencies"] == [f"python={python}", "pip", *chosen(project)]


@pytest.mark.parametrize("name", BUILDS)
def test_every_name_of_the_catalog_can_be_read(name: str) -> None:
    for spec in (*BUILDS[name]["conda"], *BUILDS[name]["conda_libraries"]):
        assert MatchSpec(spec, strict=True).name is not None


@pytest.mark.parametrize("backend", ["cpu", *GPUS["backends"]])
def test_a_machine_takes_what_is_for_it(backend: str, projects: Projects, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects(GPUS), project)
    (project / "conda.txt").write_text(
        '# ours\nffmpeg >=6,<8\nblas=*=openblas # one\nx[build="a*"]\n'
    )
    code = f"from envkeep.commands.conda import _wanted; print(_wanted({backend!r}))"
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(
        command, cwd=project, env=variables(project), capture_output=True, text=True, check=True
    )
    asked = yaml.safe_load(done.stdout)["dependencies"]
    of_backend = [
        spec
        for name, row in BUILDS.items()
        if row["backend"] == backend and spec_is_rendered(project, name)
        for spec in row["conda_libraries"]
    ]
    assert asked[1:] == ["pip", *of_backend, "ffmpeg >=6,<8", "blas=*=openblas", 'x[build="a*"]']
    assert all(MatchSpec(spec) for spec in asked)


def spec_is_rendered(project: Path, build: str) -> bool:
    return f'= "{build}"' in (project / "requirements" / "stack" / "project.toml").read_text(
        encoding="utf-8"
    )


def test_it_follows_the_catalog(template: Path, tmp_path: Path) -> None:
    changed = tmp_path / "template"
    git(template, "clone", "--quiet", str(template), str(changed))
    catalog = changed / "stack" / "builds.yml"
    (old,) = BUILDS["cu130"]["conda_libraries"]
    text = catalog.read_text(encoding="utf-8")
    catalog.write_text(text.replace(old, "cuda-version=77.7"), encoding="utf-8")
    release(changed, "999.1.0")
    project = render(changed, tmp_path / "project", {"backends": ["cuda"]})
    asked = environment(project)["dependencies"]
    assert "cuda-version=77.7" in asked
    assert old not in asked
