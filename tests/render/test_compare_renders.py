"""Two states of the template differ where a file of a project has other bytes or another mode."""

from __future__ import annotations

from scripts.compare_renders import OF_ENVKEEP, differences
from tests.support.copier_runs import FileState

WHEEL = f"{OF_ENVKEEP[0]}1.0-py3-none-any.whl"


def test_each_file_that_differs_is_named() -> None:
    old = {name: FileState(b"text", False) for name in ("gone", "same", "text", "mode")}
    new = {**old, "text": FileState(b"texts", False), "mode": FileState(b"text", True)}
    new["added"] = new.pop("gone")
    assert list(differences(old, new)) == [
        "added is only in NEW",
        "gone is only in OLD",
        "mode has another mode",
        "text has other bytes",
    ]


def test_envkeeps_wheel_can_be_left_out() -> None:
    old, new = ({WHEEL: FileState(content, False)} for content in (b"old", b"new"))
    assert list(differences(old, new)) == [f"{WHEEL} has other bytes"]
    assert not list(differences(old, new, OF_ENVKEEP))
