"""Which versions are the same, and which differ in their first number."""

from __future__ import annotations

import pytest

from envkeep.project import versions


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026.01.02", "2026.1.2", True),
        ("1.0", "1.0.0", True),
        ("v1.0RC1", "1.0rc1", True),
        ("2.13.0+cpu", "2.13.0+cu130", False),
        ("2004d", "2004d", True),
        ("2004d", "2004e", False),
        ("https://example.org/a.zip", "1.0", False),
    ],
)
def test_spellings_of_one_version(one: str, other: str, same: bool) -> None:
    assert versions.is_same(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("1.9", "1.10", False),
        ("9.1", "10.0", True),
        ("1!2.0", "2.0", True),
        ("2.0+cpu", "2.0+cu130", False),
        ("2004d", "2004d", False),
        ("https://example.org/a.zip", "1.0", True),
    ],
)
def test_the_first_number_of_a_version(one: str, other: str, differ: bool) -> None:
    assert versions.has_other_major(one, other) is differ
