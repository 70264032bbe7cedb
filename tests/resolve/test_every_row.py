"""Every row of the catalog, locked by the real resolver from one machine.

PyTorch's index is a loopback server with stub wheels (and the real wheel of the CPU build, where
pip is configured with a folder that holds it); everything else comes from PyPI.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.resolve.cells import Cell, parameters
from tests.resolve.checks import check
from tests.resolve.projects import Workshop, locked
from tests.support.tested_on import record_tested_on
from tests.support.torch_index import TorchIndex

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
