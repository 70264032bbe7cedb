"""What stands on a package's page of an index, and what of it a Python can have."""

from __future__ import annotations

import json

import pytest
from packaging.tags import sys_tags
from packaging.version import Version

from envkeep.locks import index_pages
from envkeep.locks.index_pages import IndexFile, files_on

PAGE = "https://index.example/simple/demo/"
PYTHON = Version("3.12.4")


def named(*names: str, **facts: object) -> list[IndexFile]:
    return [IndexFile(each, each, **facts) for each in names]  # type: ignore[arg-type]


def test_a_page_of_json() -> None:
    row = {
        "filename": "demo-1.0-py3-none-any.whl",
        "url": "../../files/demo-1.0-py3-none-any.whl#sha256=x",
        "hashes": {"sha256": "ab"},
        "size": 9,
        "requires-python": ">=3.9",
        "yanked": "broken",
        "core-metadata": {"sha256": "cd"},
    }
    (file,) = files_on(json.dumps({"files": [row]}), PAGE)
    address = "https://index.example/files/demo-1.0-py3-none-any.whl"
    assert file == IndexFile(row["filename"], address, "ab", 9, ">=3.9", "broken", True)


def test_a_page_of_html() -> None:
    page = (
        "<!DOCTYPE html><html><body><a href='../../f/demo-1.0-py3-none-any.whl#sha256=ab' "
        "data-requires-python='&lt;3.5' data-yanked data-core-metadata='sha256=cd'>demo</a>"
        "<a>no link</a></body></html>"
    )
    (file,) = files_on(page, PAGE)
    address = "https://index.example/f/demo-1.0-py3-none-any.whl"
    name = "demo-1.0-py3-none-any.whl"
    assert file == IndexFile(name, address, "ab", None, "<3.5", "", True)


@pytest.mark.parametrize("page", ["", "<html></html>", "{}"])
def test_a_page_without_files(page: str) -> None:
    assert files_on(page, PAGE) == []


@pytest.mark.parametrize(
    ("files", "by"),
    [
        (["demo-1.0-py3-none-any.whl"], "wheel"),
        (["demo-1.0-py2.py3-none-any.whl"], "wheel"),
        (["demo-1.0-py2-none-any.whl"], ""),
        (["demo-1.0-cp312-cp312-win_amd64.whl"], "wheel"),
        (["demo-1.0-cp310-abi3-win_amd64.whl"], "wheel"),
        (["demo-1.0-cp313-abi3-win_amd64.whl"], ""),
        (["demo-1.0-cp312-cp312t-win_amd64.whl"], ""),
        (["demo-1.0-cp310-cp310-win_amd64.whl"], ""),
        (["demo-1.0-cp310-cp310-win_amd64.whl", "demo-1.0.tar.gz"], "source"),
        (["demo-1.0-pp311-pypy311_pp73-win_amd64.whl"], ""),
        (["demo-1.0.tar.gz"], "source"),
        ([], ""),
    ],
)
def test_how_a_python_can_have_a_version(files: list[str], by: str) -> None:
    assert index_pages.how(named(*files), PYTHON) == by


@pytest.mark.parametrize(
    ("files", "by"),
    [
        (["demo-1.0-cp310-cp310-win_amd64.whl", "demo-1.0.tar.gz"], ""),
        (["demo-1.0.tar.gz"], "source"),
        (["demo-1.0-py3-none-any.whl"], "wheel"),
    ],
)
def test_the_makers_word_on_pythons_counts_where_they_made_wheels_for_others(
    files: list[str], by: str
) -> None:
    assert index_pages.how(named(*files, requires_python=">=3.7,<3.12"), PYTHON) == by


def test_a_word_of_the_makers_that_cannot_be_read_excludes_nobody() -> None:
    (file,) = named("demo-1.0.tar.gz", requires_python=">=3.5.*")
    assert file.admits(PYTHON)


def test_files_of_a_version_whatever_its_spelling() -> None:
    files = named("demo-1.0.0-py3-none-any.whl", "demo-1.0.tar.gz", "demo-1.1.tar.gz", "page.txt")
    assert index_pages.of_version(files, "1.0") == files[:2]
    assert index_pages.of_version(files, "") == []


def test_a_version_is_withdrawn_if_all_of_its_files_are() -> None:
    broken, plain = named("a.tar.gz", yanked="broken"), named("a.whl")
    assert index_pages.why_withdrawn(broken) == "broken"
    assert index_pages.why_withdrawn(named("a.tar.gz", yanked="")) == ""
    assert index_pages.why_withdrawn([*broken, *plain]) is None
    assert index_pages.why_withdrawn([]) is None


def test_the_wheel_that_suits_this_machine_best_is_taken() -> None:
    """Python's own tag for this platform comes before the general one; others do not count."""
    here = next(iter(sys_tags()))
    minor = int(here.interpreter[3:])
    own = f"demo-1.0-{here}.whl"
    files = named("demo-1.0-py3-none-any.whl", own, "demo-1.0-cp27-cp27m-x.whl", "demo-1.0.tar.gz")
    found = index_pages.best(files, Version(f"3.{minor}.1"))
    assert found is not None
    assert found.name == own
    other = index_pages.best(files, Version(f"3.{minor + 1}.1"))
    assert other is not None
    assert other.name == "demo-1.0-py3-none-any.whl"
    assert index_pages.best(files[2:], PYTHON) is None
