"""The table of imports and known packages, compared with what PyPI really has."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip._vendor import requests

from envkeep.locks.index_pages import IndexFile
from hooks.adoption import index
from hooks.adoption.packages import known, package_lists

pytestmark = [pytest.mark.slow, pytest.mark.network]
CHUNK = 65536


class Remote(io.RawIOBase):
    """A file on the index of which only the parts that are asked for are fetched."""

    def __init__(self, address: str) -> None:
        self._address, self._place = address, 0
        self._certificates = index.certificates().get("REQUESTS_CA_BUNDLE", True)
        head = requests.head(address, allow_redirects=True, timeout=30, verify=self._certificates)
        self._size = int(head.headers["Content-Length"])

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}
        self._place = starts[whence] + offset
        return self._place

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        end = min(self._place + max(len(buffer), CHUNK), self._size)
        if end <= self._place:
            return 0
        found = requests.get(
            self._address,
            headers={"Range": f"bytes={self._place}-{end - 1}"},
            timeout=30,
            verify=self._certificates,
        ).content[: len(buffer)]
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)


def newest_wheel(files: Sequence[IndexFile]) -> IndexFile | None:
    wheels = [each for each in files if each.is_wheel and each.version is not None]
    return max(wheels, key=lambda each: each.version or Version("0"), default=None)


def top_modules(wheel: IndexFile) -> set[str]:
    """Return what a wheel's files can be imported as."""
    with zipfile.ZipFile(io.BufferedReader(Remote(wheel.address))) as archive:  # type: ignore[arg-type]
        names = archive.namelist()
    inner = (name.partition(".data/")[2].partition("/")[2] or name for name in names)
    return {name.partition("/")[0].partition(".")[0] for name in inner}


@pytest.fixture(scope="module")
def pages() -> dict[str, list[IndexFile]]:
    """Return the index's files of all packages of the table."""
    return index.files_of(sorted(known()))


def test_every_known_package_is_there(pages: dict[str, list[IndexFile]]) -> None:
    assert [name for name in sorted(known()) if not pages[name]] == []


@pytest.mark.parametrize(("module", "package"), sorted(package_lists()["imports"].items()))
def test_a_module_is_in_the_package_that_the_table_names(
    module: str, package: str, pages: dict[str, list[IndexFile]]
) -> None:
    wheel = newest_wheel(pages[package])
    if wheel is None:
        pytest.skip("it has no wheel, so its modules cannot be seen without building it")
    assert module in top_modules(wheel)


def test_a_misnamed_module_has_no_wheel_of_its_own() -> None:
    lists = package_lists()
    assert set(lists["misnamed"]) <= lists["imports"].keys()
    names = [str(canonicalize_name(each)) for each in lists["misnamed"]]
    found = index.files_of(names)
    assert [name for name in names if any(each.is_wheel for each in found[name])] == []
