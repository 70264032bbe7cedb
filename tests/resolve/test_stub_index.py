"""The stubs are what they stand for, as far as that can be told here."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.resolve.cells import cells, representative
from tests.resolve.checks import pins_of_the_stack
from tests.support.stub_wheels import metadata_of
from tests.support.torch_index import (
    ORDINARY,
    TORCH_REQUIRES,
    TorchIndex,
    real_wheels,
    requirements_in,
    torch_wheel,
)

NAMES = {
    torch_wheel(cell.row, cell.platform, cell.python).filename: cell
    for cell in cells()
    if cell.backend == "cpu"
}


@pytest.fixture
def real_name() -> str:
    """Return the name of a real wheel of the stack's torch on this machine."""
    found = NAMES.keys() & real_wheels().keys()
    if not found:
        pytest.skip("no folder that pip is configured with holds a wheel of the stack's torch")
    return min(found)


def test_the_real_wheel_takes_the_place_of_its_stub(
    real_name: str, torch_index: TorchIndex
) -> None:
    index = NAMES[real_name].row.index
    assert (torch_index.root / index / real_name).samefile(real_wheels()[real_name])


def test_the_recorded_dependencies_are_those_of_the_real_wheel(real_name: str) -> None:
    real = requirements_in(metadata_of(real_wheels()[real_name]))
    assert set(map(str, map(Requirement, real))) == {*TORCH_REQUIRES}


def test_the_copies_beside_torch_would_do_and_are_no_newer_than_the_stacks_pins() -> None:
    """Only the pins and the origin of a name keep them out, so a lock without them proves both."""
    pins = pins_of_the_stack(representative("cpu"))
    copies = {wheel.name: Version(wheel.version) for wheel in ORDINARY}
    for requirement in map(Requirement, TORCH_REQUIRES):
        assert copies[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    pinned = {name: version for name, version in copies.items() if name in pins}
    assert len(pinned) > 8
    assert all(version <= Version(pins[name]) for name, version in pinned.items())
    assert any(version == Version(pins[name]) for name, version in pinned.items())
