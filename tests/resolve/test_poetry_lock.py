"""poetry.lock for the CPU and a GPU, from an index of stub wheels: equal to the layers."""

from __future__ import annotations

import os
import subprocess

import pytest

from maintain.stack.pins import marker_environment, parse_pins, pins_for
from tests.lifecycle.projects import PLATFORM_LOCKS, Project, error_sentence, succeeded
from tests.resolve.cells import PYTHON, representative
from tests.resolve.projects import Locks, Workshop, small
from tests.support.poetry_source import add_source

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.xdist_group("resolve"),
]
CELL = representative("cuda")


@pytest.fixture(scope="module")
def project(workshop: Workshop) -> Project:
    """Return a project with Poetry for the CPU and CUDA, locked for every platform."""
    made = small(workshop.fresh(CELL, more={"package_manager": "poetry"}))
    add_source(made.folder)
    succeeded(made.tools("lock-all"))
    return made


def poetry(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the pinned Poetry as somebody does in the project."""
    program = next((project.folder / ".venvs").glob("poetry-*")) / "bin" / "poetry"
    command = [str(program), *arguments, "--no-interaction"]
    own = {**os.environ, "POETRY_VIRTUALENVS_CREATE": "false"}
    return subprocess.run(
        command, cwd=project.folder, env=own, capture_output=True, text=True, check=False
    )


def test_every_backend_and_group_has_the_versions_of_the_layers(project: Project) -> None:
    targets = sorted(path.name for path in (project.folder / PLATFORM_LOCKS).iterdir())
    assert len(targets) > 4
    assert {target.rpartition("-")[2] for target in targets} == {"cpu", "cuda"}
    exported = {}
    for backend in ("cpu", "cuda"):
        for groups in (f"{backend},prod-{backend},train,prod,dev,lint", f"prod,prod-{backend}"):
            options = ["--without-hashes", "--without-urls", "--only", groups]
            options += ["--extras", backend] if backend != "cpu" else []
            exported[backend, groups.startswith("prod")] = succeeded(
                poetry(project, "export", *options)
            ).stdout
    for target in targets:
        platform, _, backend = target.rpartition("-")
        locks = Locks.of(project, target)
        environment = marker_environment(PYTHON, platform)
        for layers in ([each for each in locks.layers if each[0].isdigit()], ["30-prod"]):
            wanted = {name: v for each in layers for name, v in locks.versions(each).items()}
            pins = parse_pins(exported[backend, len(layers) == 1])
            found = {name: str(pin) for name, pin in pins_for(pins, environment).items()}
            assert found == wanted, target
            assert ("torch" in wanted) == (len(layers) > 1)


def test_poetry_itself_finds_its_lock_fresh_and_installs_one_build(project: Project) -> None:
    succeeded(poetry(project, "check", "--lock"))
    for options, wanted, other in (([], "+cpu", "+cu"), (["--extras=cuda"], "+cu", "+cpu")):
        said = succeeded(poetry(project, "install", "--dry-run", "--no-root", *options)).stdout
        lines = [line for line in said.splitlines() if "torch (" in line]
        installed = [line for line in lines if "Skipped" not in line]
        assert [wanted in line for line in installed] == [True], said
        assert [line for line in lines if other in line and "Skipped" not in line] == []


def test_no_address_stands_in_an_export_and_a_lock_that_was_changed_is_found(
    project: Project,
) -> None:
    path = project.folder / "poetry.lock"
    before = path.read_text(encoding="utf-8")
    start = before.index('name = "numpy"\n')
    version = before[start:].split('version = "')[1].split('"')[0]
    changed = before[:start] + before[start:].replace(
        f'version = "{version}"', 'version = "1.0"', 1
    )
    path.write_text(changed, encoding="utf-8")
    try:
        done = project.tools("lock-check")
        assert "the locks are not what the requirements give" in error_sentence(done)
        assert "numpy==1.0 is only in poetry.lock" in done.stdout
        assert "://" not in succeeded(poetry(project, "export", "--without-urls")).stdout
    finally:
        path.write_text(before, encoding="utf-8")
