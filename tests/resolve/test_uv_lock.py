"""uv.lock for several backends and platforms, from an index of stub wheels: equal to the layers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from maintain.stack.pins import marker_environment, parse_pins, pins_for
from tests.lifecycle.projects import PLATFORM_LOCKS, Project, error_sentence, succeeded
from tests.resolve.cells import PYTHON, representative
from tests.resolve.projects import Locks, Workshop, small

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.xdist_group("resolve"),
]
CELL = representative("cuda")


@pytest.fixture(scope="module")
def project(workshop: Workshop) -> Project:
    """Return a project with uv for the CPU and CUDA, locked for every platform."""
    made = small(workshop.fresh(CELL, more={"package_manager": "uv"}))
    succeeded(made.tools("lock-all"))
    return made


def uv(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the pinned uv as somebody does in the project."""
    program = next((project.folder / ".venvs").glob("toolchain-*")) / "bin" / "uv"
    command = [str(program), *arguments]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)


def exported(project: Project, groups: Sequence[str]) -> str:
    """Return what uv would install of some groups, for all platforms."""
    options = [part for group in groups for part in ("--only-group", group)]
    plain = ("--frozen", "--no-hashes", "--no-annotate", "--no-header", "--no-emit-project")
    return succeeded(uv(project, "export", *plain, *options)).stdout


def test_every_backend_and_group_has_the_versions_of_the_layers(project: Project) -> None:
    targets = sorted(path.name for path in (project.folder / PLATFORM_LOCKS).iterdir())
    assert len(targets) > 4
    assert {target.rpartition("-")[2] for target in targets} == {"cpu", "cuda"}
    for target in targets:
        platform, _, backend = target.rpartition("-")
        locks = Locks.of(project, target)
        environment = marker_environment(PYTHON, platform)
        for layers, groups in (
            (locks.layers, [backend, f"prod-{backend}", "train", "prod", "dev", "lint"]),
            (["30-prod"], ["prod", f"prod-{backend}"]),
        ):
            layers = [layer for layer in layers if layer[0].isdigit()]
            wanted = {name: v for each in layers for name, v in locks.versions(each).items()}
            found = pins_for(parse_pins(exported(project, groups)), environment)
            assert {name: str(version) for name, version in found.items()} == wanted, target
            assert ("torch" in wanted) == (len(layers) > 1)


def test_uv_itself_finds_its_lock_fresh_and_refuses_two_backends(project: Project) -> None:
    succeeded(uv(project, "lock", "--check"))
    both = uv(project, "sync", "--dry-run", "--frozen", "--group", "cuda")
    assert both.returncode != 0
    assert "incompatible" in both.stderr


def test_a_lock_of_uv_that_was_changed_is_found(project: Project) -> None:
    path = project.folder / "uv.lock"
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
        assert "uv.lock: uv cannot read it" in done.stdout
    finally:
        path.write_text(before, encoding="utf-8")
