"""Every row of the catalog, locked by the real resolver from one machine.

PyTorch's index is a loopback server with stub wheels (and the real wheel of the CPU build, where
pip is configured with a folder that holds it); everything else comes from PyPI.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.lifecycle.projects import error_sentence
from tests.resolve.cells import PYTHON, Cell, one_of_each_build, parameters, representative
from tests.resolve.checks import check
from tests.resolve.projects import Locks, Workshop, lock_all, locked, small
from tests.support.catalog import catalog, checked_builds, companions
from tests.support.tested_on import record_tested_on
from tests.support.torch_index import TorchIndex, companion_wheels

pytestmark = pytest.mark.network


@pytest.mark.parametrize("cell", parameters())
def test_lock_of_a_build_on_a_platform(
    cell: Cell,
    workshop: Workshop,
    torch_index: TorchIndex,
    record_property: Callable[[str, object], None],
) -> None:
    locks = locked(workshop.shared(cell), cell)
    check(locks, cell, torch_index)
    record_tested_on(
        record_property,
        build=cell.build,
        platform=cell.platform,
        python=cell.python,
        torch=locks.versions("10-torch")["torch"],
        result="resolved",
    )


@pytest.mark.slow
def test_what_one_backend_needs_is_in_its_locks_alone(workshop: Workshop) -> None:
    gpu = representative("cuda")
    project = small(workshop.fresh(gpu))
    cpu = replace(gpu, row=representative("cpu").row)
    before = locked(project, cpu)
    own = project.folder / "requirements" / "40-dev-cuda.in"
    own.write_text("iniconfig\n", encoding="utf-8")
    assert "iniconfig" in locked(project, gpu).versions("40-dev")
    assert locked(project, cpu) == before
    assert "iniconfig" not in before.versions("40-dev")


@pytest.mark.slow
@pytest.mark.parametrize("cell", one_of_each_build())
def test_companions_of_torch_come_from_its_own_index(
    cell: Cell, workshop: Workshop, torch_index: TorchIndex
) -> None:
    project = small(workshop.fresh(cell))
    project.append(
        "requirements/10-torch.in", "".join(f"{each}\n" for each in companions(cell.row))
    )
    locks = locked(project, cell)
    wheels = list(companion_wheels(cell.row, cell.platform, cell.python))
    assert {wheel.name for wheel in wheels} >= {"torchvision"}
    for wheel in wheels:
        assert locks.versions("10-torch")[wheel.name] == wheel.version
        admitted = locks.hashes(wheel.name)
        assert torch_index.hash_of(cell.row.index, wheel) in admitted
        assert admitted <= torch_index.hashes(cell.row.index, wheel.name)


MISSING = [
    pytest.param(row.package, name, id=f"{row.package}-{name}")
    for row in catalog().companions
    for name in row.not_for
]


@pytest.mark.slow
@pytest.mark.parametrize(("package", "build"), MISSING)
def test_a_companion_that_a_build_does_not_have_is_refused(
    package: str, build: str, workshop: Workshop
) -> None:
    row = next(row for row in checked_builds() if row.build == build)
    cell = Cell(row, next(iter(row.wheels)), PYTHON)
    project = small(workshop.fresh(cell))
    project.append("requirements/10-torch.in", f"{package}\n")
    refused = lock_all(project, cell)
    sentence = error_sentence(refused)
    assert package in sentence
    assert row.title in sentence
    assert Locks.of(project, cell.target).texts == {}
