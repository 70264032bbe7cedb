"""Which versions the project's Python can have, by the word of the package index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.locks import index_pages, package_index
from envkeep.locks.index_pages import IndexFile
from envkeep.toolchain import interpreters, locking_tools, web
from envkeep.toolchain.web import Request, Response

PYTHON = Version("3.12.4")
files_of = package_index.files_of  # the tests' own fixture lets nobody answer
NAMES = [
    "demo-0.9-cp312-cp312-linux_x86_64.whl",
    "demo-1.0-cp310-cp310-linux_x86_64.whl",
    "demo-1.1.tar.gz",
    "demo-1.2-cp312-cp312-linux_x86_64.whl",
    "demo-1.10-py3-none-any.whl",
    "demo-2.0-cp313-cp313-linux_x86_64.whl",
    "demo-3.0rc1-py3-none-any.whl",
]
FILES = [IndexFile(each, each) for each in NAMES]


def test_which_other_versions_there_are() -> None:
    found = package_index.fit("demo", "1.0", FILES, PYTHON)
    assert (found.is_known, found.has_version, found.by) == (True, True, "")
    assert found.pythons == ["3.10"]
    assert found.nearest == "1.2"
    assert found.newest == ["1.10", "1.2", "1.1"]
    assert package_index.fit("demo", "2.0", FILES, PYTHON).nearest == "1.10"
    assert package_index.fit("demo", "", FILES, PYTHON).nearest is None


def test_what_is_not_there() -> None:
    nobody = package_index.fit("nobody", "1", [], PYTHON)
    assert (nobody.is_known, nobody.has_version, nobody.newest) == (False, False, [])
    assert package_index.fit("demo", "9", FILES, PYTHON).has_version is False


def test_for_which_pythons_its_makers_made_it() -> None:
    file = IndexFile("demo-1.0-py3-none-any.whl", "x", requires_python="<3.5", yanked="broken")
    found = package_index.fit("demo", "1.0", [file], PYTHON)
    assert (found.by, found.requires_python, found.yanked) == ("wheel", "<3.5", "broken")


def test_how_long_before_the_newest_a_version_was_released() -> None:
    days = {"1.2": "2025-01-10T08:00:00.5Z", "1.10": "2026-01-10T08:00:00Z", "2.0": "2027-01-01"}
    files = [
        replace(each, uploaded=days.get(str(each.version), "2020-01-01T00:00:00Z"))
        for each in FILES
    ]
    again = IndexFile("demo-1.2.tar.gz", "x", uploaded="2026-01-09T00:00:00Z")

    def behind(version: str, files: Sequence[IndexFile]) -> int | None:
        return package_index.fit("demo", version, files, PYTHON).days_behind

    assert behind("1.2", [*files, again]) == 365
    assert behind("1.10", files) == behind("2.0", files) == behind("9", files) == 0
    assert behind("1.2", FILES) is None
    assert index_pages.files_on(PAGE, "https://index.example/demo/")[0].uploaded == days["1.2"]


PAGE = """{"files": [{"filename": "demo-1.2.tar.gz", "url": "demo-1.2.tar.gz",
"upload-time": "2025-01-10T08:00:00.5Z"}]}"""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Response]]:
    """Return what an index answers, by address; of others it has nothing."""
    found: dict[str, Response] = {}
    nothing = Response(HTTPStatus.NOT_FOUND, "Not Found", "text/html", "<a href='x'>x</a>")

    def fetch(wanted: Sequence[Request]) -> list[Response]:
        return [found.get(each.address, nothing) for each in wanted]

    monkeypatch.setattr(web, "fetch", fetch)
    monkeypatch.setattr(locking_tools, "index_address", lambda: "https://index.example/simple")
    monkeypatch.setattr(interpreters, "whole_version", lambda: str(PYTHON))
    monkeypatch.setattr(package_index, "files_of", files_of)
    yield found


def page(status: int = 200, kind: str = "text/html") -> Response:
    return Response(status, "", kind, "<a href='demo-1.0-py3-none-any.whl'>demo</a>")


def test_the_index_is_asked_by_name(index: dict[str, Response]) -> None:
    index["https://index.example/simple/demo/"] = page()
    found = package_index.fits([("demo", "1.0"), ("other", "1.0"), ("torch", "2.0+cpu")])
    assert [(each.name, each.has_version) for each in found] == [("demo", True), ("other", False)]


@pytest.mark.parametrize("status", [401, 403, 407, 429, 500, 503])
def test_an_index_that_lets_nobody_in_says_nothing(status: int, index: dict[str, Response]) -> None:
    index["https://index.example/simple/demo/"] = page(status)
    with pytest.raises(ToolError, match="nobody could be asked"):
        package_index.fits([("demo", "1.0")])


def test_a_page_in_another_form_says_nothing(index: dict[str, Response]) -> None:
    """As where a portal of the network answers in place of the index."""
    index["https://index.example/simple/demo/"] = page(kind="application/pdf")
    (found,) = package_index.fits([("demo", "1.0")])
    assert found.is_known is False


def test_nobody_is_asked_about_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "files_of", files_of)
    monkeypatch.setattr(locking_tools, "ensure", lambda: Path("/nowhere"))
    assert package_index.fits([("torch", "2.0+cpu")]) == []
