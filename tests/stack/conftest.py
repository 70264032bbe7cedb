"""What the tests of the stack release share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def stack() -> Path:
    """The folder of the stack release as committed."""
    return Path(__file__).resolve().parents[2] / "stack"
