"""What the tests of the stack release share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.stub_index import StubStack, make_stub_stack
from tests.support.loopback import serving


@pytest.fixture(scope="session")
def stack() -> Path:
    """The folder of the stack release as committed."""
    return Path(__file__).resolve().parents[2] / "stack"


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[StubStack]:
    """A stack of stubs with its own PyPI, which a test may change."""
    (tmp_path / "wheels").mkdir()
    with serving(tmp_path / "wheels") as address:
        yield make_stub_stack(tmp_path, address)
