"""What an index says of versions that changed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from packaging.version import Version

from envkeep.diff import version_facts
from envkeep.diff.changes import VersionFacts
from envkeep.diff.sides import ComparedPackage
from envkeep.locks import package_index
from envkeep.locks.index_pages import IndexFile
from envkeep.toolchain import interpreters, web
from envkeep.toolchain.web import Request, Response

PYTHON = Version("3.12.4")
WHEEL, SOURCE, OTHER = ("a" * 64, "b" * 64, "c" * 64)
FILES = [
    IndexFile("demo-1.0.tar.gz", "x", SOURCE, 7),
    IndexFile("demo-1.0-py2-none-any.whl", "x", OTHER, 8),
    IndexFile("demo-1.0-py3-none-any.whl", "https://files/demo.whl", WHEEL, 9, has_metadata=True),
    IndexFile("demo-1.1-py3-none-any.whl", "x", OTHER, 10, yanked="broken"),
]


def package(*hashes: str, version: str = "1.0") -> ComparedPackage:
    return ComparedPackage("demo", version, hashes=frozenset(f"sha256:{each}" for each in hashes))


@pytest.mark.parametrize(
    ("wanted", "facts"),
    [
        (package(WHEEL, SOURCE), VersionFacts(size=9)),
        (package(), VersionFacts(size=9)),
        (package(SOURCE), VersionFacts()),
        (package(OTHER), VersionFacts()),
        (package(WHEEL, version="9.9"), VersionFacts()),
        (package(OTHER, version="1.1"), VersionFacts(size=10, yanked="broken")),
    ],
)
def test_the_wheel_that_would_be_installed(wanted: ComparedPackage, facts: VersionFacts) -> None:
    assert version_facts.on_page(FILES, wanted, PYTHON)[1] == facts


def test_the_license_is_read_beside_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(wanted: Sequence[Request]) -> list[Response]:
        asked.extend(each.address for each in wanted)
        return [Response(200, "", "", "License: MIT\n\nLicense: none of it\n")]

    def files_of(names: Sequence[str]) -> dict[str, list[IndexFile]]:
        return dict.fromkeys(names, FILES)

    monkeypatch.setattr(web, "fetch", fetch)
    monkeypatch.setattr(package_index, "files_of", files_of)
    monkeypatch.setattr(interpreters, "whole_version", lambda: str(PYTHON))
    torch = ComparedPackage("torch", "2.0+cpu")
    archive = ComparedPackage("own", "https://example.org/own.zip")
    found = version_facts.ask_index([package(WHEEL), package(version="1.1"), torch, archive])
    assert found == {
        ("demo", "1.0"): VersionFacts("MIT", 9),
        ("demo", "1.1"): VersionFacts(None, 10, "broken"),
    }
    assert asked == ["https://files/demo.whl.metadata"]
