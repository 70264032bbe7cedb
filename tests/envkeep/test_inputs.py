"""An input is an argument or a variable, and the argument wins."""

from __future__ import annotations

import pytest

from envkeep.inputs import given


@pytest.mark.parametrize(
    ("argument", "variable", "expected"),
    [
        (None, None, ""),
        ("", " main\n", "main"),
        ("v1", None, "v1"),
        ("v1", "main", "v1"),
    ],
)
def test_the_argument_wins(
    argument: str | None, variable: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOD", raising=False)
    if variable is not None:
        monkeypatch.setenv("GOOD", variable)
    assert given(argument, "GOOD") == expected
