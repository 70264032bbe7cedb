"""The adopted repositories that several tests read; each is made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkeep.hardware.machine import Machine
from hooks import adopt
from hooks.machine_answers import Found
from tests.adopt.repository import Adopted, make
from tests.support.fast_copier import FastCopier

Kinds = dict[str, tuple[Adopted, str]]
PYTHONS = ("3.12", "3.13", "3.11")
FOUND = Found(
    Machine("linux", "x86_64"),
    PYTHONS,
    {each: Path(f"/bin/python{each}") for each in PYTHONS},
    None,
    {},
)


@pytest.fixture(scope="session")
def copies() -> Iterator[FastCopier]:
    """Return what makes many copies of one release fast."""
    shared = FastCopier()
    yield shared
    shared.close()


@pytest.fixture
def known_machine(monkeypatch: pytest.MonkeyPatch, copies: FastCopier) -> Iterator[None]:
    """Let the hook find a machine with all Pythons and no GPU, and copy fast."""
    monkeypatch.setattr(adopt, "detect", lambda: FOUND)
    with copies.active():
        yield


@pytest.fixture(scope="session")
def adopted_kinds() -> Kinds:
    """Return a place for the repositories that were adopted so far, by kind."""
    return {}


@pytest.fixture
def adopted(kind_adopted: tuple[Adopted, str]) -> Adopted:
    """Return an adopted repository of a kind with the new branch checked out; only for reading."""
    return kind_adopted[0]


@pytest.fixture
def tests_before(kind_adopted: tuple[Adopted, str]) -> str:
    """Return what the repository's tests counted before it was adopted."""
    return kind_adopted[1]


@pytest.fixture
def kind_adopted(
    kind: str,
    template: Path,
    adopted_kinds: Kinds,
    copies: FastCopier,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Adopted, str]:
    """Return an adopted repository and what its tests counted before."""
    if kind not in adopted_kinds:
        made = make(kind, tmp_path_factory.mktemp(kind) / kind, template)
        before = made.tests()
        with pytest.MonkeyPatch.context() as patched, copies.active():
            patched.setattr(adopt, "detect", lambda: FOUND)
            assert made.adopt() == 0
        made.switch()
        adopted_kinds[kind] = (made, before)
    return adopted_kinds[kind]
