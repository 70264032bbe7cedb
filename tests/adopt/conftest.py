"""The adopted repositories that several tests read; each is made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkeep.hardware.machine import Machine
from hooks import adopt
from hooks.machine_answers import Found
from tests.adopt.repository import Adopted, make
from tests.support.copier_runs import git, release
from tests.support.fast_copier import FastCopier

NEXT = "1000.0.0"
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


@pytest.fixture(scope="session")
def next_release(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template after a release that changes all kinds of its files."""
    newer = tmp_path_factory.mktemp("next") / "template"
    git(template, "clone", "--quiet", str(template), str(newer))
    files = newer / "template"
    for path, old, new in (
        ("Makefile.jinja", "# Development\n", "# Development\nnew:  ## of the next release\n"),
        ("pyproject.toml.jinja", "[build-system]\n", "# New.\n[build-system]\n"),
        (".gitignore.jinja", "*.egg-info/\n", "*.egg-info/\n/new/\n"),
        (".gitattributes.jinja", "/keep.py text", "/new.py text eol=lf\n/keep.py text"),
        ("requirements/30-prod.in", "# Yours", "# All yours"),
    ):
        text = (files / path).read_text(encoding="utf-8")
        assert old in text
        (files / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    (files / "docs" / "new.md").write_text("# New\n", encoding="utf-8")
    (files / "src" / "{{package_name}}" / "new.py").write_text("NEW = 1\n", encoding="utf-8")
    release(newer, NEXT)
    return newer
