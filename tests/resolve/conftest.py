"""What the tests of the locks share: an index for torch's wheels, and projects that use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resolve.cells import representative
from tests.resolve.projects import LockedProject, Workshop, small
from tests.support.loopback import serving
from tests.support.torch_index import TorchIndex, make_torch_index


@pytest.fixture(scope="session")
def torch_index(tmp_path_factory: pytest.TempPathFactory) -> TorchIndex:
    """Return PyTorch's index as the catalog describes it; nobody may change it."""
    return make_torch_index(tmp_path_factory.mktemp("torch-index"))


@pytest.fixture(scope="session")
def torch_address(torch_index: TorchIndex) -> Iterator[str]:
    """Serve that index and return its address."""
    with serving(torch_index.root) as address:
        yield address


@pytest.fixture(scope="session")
def workshop(
    template: Path, torch_address: str, tmp_path_factory: pytest.TempPathFactory
) -> Workshop:
    """Return what makes projects that take torch from the index of stub wheels."""
    return Workshop(template, tmp_path_factory.mktemp("resolve"), torch_address)


@pytest.fixture(scope="session")
def small_project(workshop: Workshop) -> LockedProject:
    """Return a locked project with few packages, whose torch needs a helper from its own index."""
    cell = representative("rocm")
    return LockedProject.of(small(workshop.fresh(cell)), cell)
