"""How a lock differs from what the requirements give."""

from __future__ import annotations

from envkeep.commands.lock_check import differences
from envkeep.locks.lockfile import LockEntry

A, B = (f"sha256:{digit * 64}" for digit in "ab")


def compare(before: LockEntry | None, after: LockEntry | None) -> list[str]:
    return list(
        differences({before.name: before} if before else {}, {after.name: after} if after else {})
    )


def test_the_same_and_newer_files_are_no_difference() -> None:
    old = LockEntry("rich==15.0.0", frozenset({A}))
    assert compare(old, old) == []
    assert compare(old, LockEntry("rich==15.0.0", frozenset({A, B}), frozenset({"x.in"}))) == []


def test_another_version_is_named() -> None:
    (line,) = compare(LockEntry("rich==14.0"), LockEntry("rich==15.0"))
    assert line == "rich==14.0 is locked, rich==15.0 is what is asked for"


def test_what_is_missing_or_too_much_is_named() -> None:
    assert compare(None, LockEntry("rich==15.0")) == [
        "nothing is locked, rich==15.0 is what is asked for"
    ]
    assert compare(LockEntry("rich==15.0"), None) == [
        "rich==15.0 is locked, nothing is what is asked for"
    ]


def test_a_hash_of_no_file_of_the_index_is_named() -> None:
    (line,) = compare(
        LockEntry("rich==15.0", frozenset({A, B})), LockEntry("rich==15.0", frozenset({A}))
    )
    assert line == f"rich==15.0: no file of its index has the hash {B}"
