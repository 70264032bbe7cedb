"""What is written down of locks before it takes the form of CycloneDX."""

from __future__ import annotations

from typing import Any

import pytest

from envkeep.audit import sbom
from envkeep.locks.lockfile import LockEntry

HASH = f"sha256:{'a' * 64}"
PROJECT = {"name": "demo", "version": "0.1.0", "license": "MIT"}
LOCKED = {
    "20-train": [
        LockEntry("pandas==3.0", frozenset({HASH}), frozenset({"20-train.in"})),
        LockEntry("numpy==2.0", frozenset({HASH}), frozenset(), frozenset({"pandas"})),
    ],
    "30-prod": [
        LockEntry("numpy==2.0", frozenset({HASH}), frozenset({"30-prod.in"})),
        LockEntry(
            "own @ https://example.org/own.whl", frozenset({HASH}), frozenset({"30-prod.in"})
        ),
    ],
}


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return sbom.describe_locks(LOCKED, {("numpy", "2.0"): "BSD-3-Clause"}, PROJECT)


def test_each_package_once_with_what_it_needs(described: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in described["components"]}
    assert list(rows) == ["numpy", "own", "pandas"]
    assert rows["pandas"]["needs"] == ["numpy"]
    assert rows["numpy"]["needs"] == []
    assert described["direct"] == ["numpy", "own", "pandas"]
    assert rows["numpy"]["layer"] == "20-train"
    assert rows["numpy"]["license"] == "BSD-3-Clause"
    assert rows["pandas"]["license"] is None
    assert rows["pandas"]["sha256"] == ["a" * 64]
    assert (rows["own"]["version"], rows["own"]["address"]) == (
        None,
        "https://example.org/own.whl",
    )


def test_the_serial_number_is_that_of_the_content(described: dict[str, Any]) -> None:
    again = sbom.describe_locks(LOCKED, {("numpy", "2.0"): "BSD-3-Clause"}, PROJECT)
    assert again == described
    other = sbom.describe_locks(LOCKED, {}, PROJECT)
    assert other["serial"] != described["serial"]


@pytest.mark.parametrize(("value", "seconds"), [("1700000000", 1700000000), ("today", None)])
def test_the_time_of_a_build_is_stated_when_it_is_given(
    value: str, seconds: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    assert sbom.describe_locks(LOCKED, {}, PROJECT)["seconds"] == seconds


def test_a_package_with_an_index_of_its_own_names_it() -> None:
    found = sbom.describe_locks(LOCKED, {}, PROJECT, {"pandas": "https://acme.example/simple"})
    rows = {row["name"]: row for row in found["components"]}
    assert rows["pandas"]["index"] == "https://acme.example/simple"
    assert "index" not in rows["numpy"]
