"""One index for each name: a higher or equal version on the other index is never taken.

The poisoned PyTorch index offers higher versions of ordinary packages, and other files under the
very versions that the stack pins. The poisoned ordinary index is the real one with packages added
under the names of those that come from PyTorch's index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.lifecycle.projects import Project, succeeded
from tests.resolve.cells import HERE, Cell, representative
from tests.resolve.checks import pins_of_the_stack
from tests.resolve.projects import OWN_PACKAGE, LockedProject, Locks, Workshop, locked, small
from tests.support.catalog import companions
from tests.support.loopback import overlaying, serving
from tests.support.stub_wheels import ANY, StubWheel
from tests.support.torch_index import (
    TorchIndex,
    companion_wheels,
    helper_wheels,
    make_torch_index,
    torch_wheel,
    write_overlay,
)

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("resolve")]

CPU = replace(representative("cpu"), platform=HERE)
ROCM = representative("rocm")
HIGHER = "999.0"
ACCOMPLICE = "dependency-of-a-wrong-wheel"


@dataclass(frozen=True)
class Poison:
    """Two indexes with wheels that must never be taken.

    Attributes:
        torch_index: Address of what stands for PyTorch's index.
        ordinary_index: Address of what stands for PyPI.
        wrong: File names of all wheels that must not be taken by their SHA-256.
        good: PyTorch's index without the wrong wheels.
    """

    torch_index: str
    ordinary_index: str
    wrong: dict[str, str]
    good: TorchIndex

    @property
    def variables(self) -> dict[str, str]:
        """The variables that make the tools use both."""
        return {
            "TORCH_INDEX": self.torch_index,
            "PIP_INDEX_URL": self.ordinary_index,
            "UV_DEFAULT_INDEX": self.ordinary_index,
        }

    def taken(self, locks: Locks) -> list[str]:
        """Return the wrong wheels that locks admit, and what only they ask for."""
        wrong = {self.wrong[each] for each in locks.all_hashes() & self.wrong.keys()}
        return sorted(wrong | {pin.name for pin in locks.entries() if pin.name == ACCOMPLICE})


@pytest.fixture(scope="module")
def poison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Poison]:
    """Serve the poisoned indexes."""
    pinned = pins_of_the_stack(CPU)
    folder = tmp_path_factory.mktemp("poison")
    rows = [CPU.row, ROCM.row]
    good = make_torch_index(folder / "good", rows)
    names = ("numpy", "jinja2", OWN_PACKAGE)
    ordinary = [wrong_wheel(name, HIGHER) for name in names]
    ordinary += [wrong_wheel(name, pinned[name]) for name in ("numpy", "jinja2", "filelock")]
    poisoned = make_torch_index(folder / "torch", rows, more={row.index: ordinary for row in rows})
    wrong = {poisoned.hash_of(CPU.row.index, wheel): wheel.filename for wheel in ordinary}
    added = write_overlay(folder / "ordinary", list(wrong_on_the_ordinary_index()))
    wrong |= {digest: name for name, digest in added.items()}
    with serving(poisoned.root) as torch_index, overlaying(folder / "ordinary") as ordinary_index:
        yield Poison(torch_index, ordinary_index, wrong, good)


def wrong_on_the_ordinary_index() -> Iterator[StubWheel]:
    """Yield packages of PyTorch's index in the same and in higher versions, with other content."""
    yield StubWheel(ACCOMPLICE, "1.0")
    for cell in (CPU, ROCM):
        place = (cell.row, cell.platform, cell.python)
        for wheel in (torch_wheel(*place), *helper_wheels(*place), *companion_wheels(*place)):
            yield wrong_wheel(wheel.name, wheel.version, wheel.tag)
            yield wrong_wheel(wheel.name, HIGHER)


def wrong_wheel(name: str, version: str, tag: str = ANY) -> StubWheel:
    """Return a wheel that shows in a lock when only its metadata was read."""
    return StubWheel(name, version, tag, requires=(ACCOMPLICE,))


def test_uv_takes_each_name_from_its_own_index(
    poison: Poison, small_project: LockedProject
) -> None:
    poisoned = locked(small_project.project, ROCM, **poison.variables)
    assert poison.taken(poisoned) == []
    assert poisoned.texts == small_project.locks.texts
    assert poisoned.versions("40-dev")[OWN_PACKAGE] != HIGHER
    label = ROCM.torch.partition("+")[2]
    assert poisoned.versions("10-torch")["torchvision"] == f"{companions()['torchvision']}+{label}"
    helpers = list(helper_wheels(ROCM.row, ROCM.platform, ROCM.python))
    assert helpers
    for wheel in helpers:
        assert poison.good.hash_of(ROCM.row.index, wheel) in poisoned.hashes(wheel.name)


@pytest.fixture(scope="module")
def poisoned_project(poison: Poison, workshop: Workshop) -> Project:
    """Return a project with own packages that pip-compile locked from poisoned indexes."""
    project = small(workshop.fresh(ROCM))
    succeeded(project.tools("lock", BACKEND=ROCM.backend, **poison.variables))
    return project


@pytest.mark.slow
@pytest.mark.parametrize("cell", [CPU, ROCM], ids=str)
def test_pip_compile_takes_each_name_from_its_own_index(
    cell: Cell, poison: Poison, poisoned_project: Project
) -> None:
    locks = Locks.of(poisoned_project, cell.target)
    assert poison.taken(locks) == []
    assert locks.versions("40-dev")[OWN_PACKAGE] != HIGHER
    place = (cell.row, cell.platform, cell.python)
    for right in (torch_wheel(*place), *helper_wheels(*place)):
        assert locks.hashes(right.name) == {poison.good.hash_of(cell.row.index, right)}


@pytest.mark.slow
@pytest.mark.parametrize("cell", [CPU, ROCM], ids=str)
def test_uv_repeats_what_pip_compile_locked_from_poisoned_indexes(
    cell: Cell, poisoned_project: Project
) -> None:
    by_pip_compile = Locks.of(poisoned_project, cell.target)
    assert locked(poisoned_project, cell).texts == by_pip_compile.texts
