"""Read a package's page of an index (PEP 503, 691), and select what a Python supports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envkeep.project.versions import version_of

FORMS = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
ARCHIVES = (".tar.gz", ".zip", ".tar.bz2", ".tgz")


@dataclass(frozen=True)
class IndexFile:
    """A file on a package's page.

    Attributes:
        name: Its name.
        address: Where it lies.
        sha256: Its hash, or an empty text.
        size: Its bytes, None if they are not said.
        requires_python: Which Pythons it is for by the word of its makers, or an empty text.
        yanked: Why its makers withdrew it, an empty text without a reason; None if they did not.
        has_metadata: Whether its metadata lie beside it (PEP 658).
        uploaded: When it came to the index (PEP 700), as text by ISO 8601, or an empty text.
    """

    name: str
    address: str
    sha256: str = ""
    size: int | None = None
    requires_python: str = ""
    yanked: str | None = None
    has_metadata: bool = False
    uploaded: str = ""

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel."""
        return self.name.endswith(".whl")

    @cached_property
    def version(self) -> Version | None:
        """The version that it is of, None if it is neither a wheel nor a source."""
        return self._parsed[1]

    @property
    def package(self) -> str:
        """Normalized name of the package that it is of, or an empty text."""
        return self._parsed[0]

    @cached_property
    def _parsed(self) -> tuple[str, Version | None]:
        try:
            parse = parse_wheel_filename if self.is_wheel else parse_sdist_filename
            name, version = parse(self.name)[:2]
        except (InvalidWheelFilename, InvalidSdistFilename):
            return "", None
        return name, version

    @cached_property
    def tags(self) -> Iterable[Tag]:
        """What a wheel is for; another file has no tags."""
        try:
            return parse_wheel_filename(self.name)[3]
        except InvalidWheelFilename:
            return ()

    def serves(self, python: Version) -> bool:
        """Tell whether it is a wheel for a Python, on whichever platform."""
        return any(_serves(tag, python.minor) for tag in self.tags)

    def admits(self, python: Version) -> bool:
        """Tell whether its ``requires-python`` admits a Python."""
        try:
            return SpecifierSet(self.requires_python).contains(python, prereleases=True)
        except InvalidSpecifier:
            return True


def files_on(page: str, address: str) -> list[IndexFile]:
    """Return the files that a package's page names.

    Args:
        page: Its text: JSON, or HTML.
        address: Where it lies.
    """
    if page.lstrip()[:1] == "{":
        rows = json.loads(page).get("files", [])
    else:
        links = _Links()
        links.feed(page)
        rows = links.rows
    return [_file(row, address) for row in rows]


def of_version(files: Iterable[IndexFile], text: str) -> list[IndexFile]:
    """Return the files of a version."""
    version = version_of(text)
    return [each for each in files if version is not None and each.version == version]


def how(files: Sequence[IndexFile], python: Version) -> str:
    """Return how a Python gets a version: by ``wheel``, by ``source``, or an empty text.

    Its makers' word on the Pythons counts only where there is no wheel for this one: a wheel that
    fits is installed by uv whatever they say, and so is a source that never came with a wheel.
    """
    if any(each.serves(python) for each in files):
        return "wheel"
    sources = [each for each in files if each.name.endswith(ARCHIVES)]
    has_wheels = any(each.is_wheel for each in files)
    can_be_built = any(each.admits(python) for each in sources) or (sources and not has_wheels)
    return "source" if can_be_built else ""


def usable_versions(files: Iterable[IndexFile], python: Version) -> dict[Version, list[IndexFile]]:
    """Return the versions that a resolver would choose from, each with its files, in order.

    They are the releases for the Python that were not withdrawn.
    """
    versions: dict[Version, list[IndexFile]] = {}
    for each in files:
        if each.version is not None and not each.version.is_prerelease:
            versions.setdefault(each.version, []).append(each)
    return {
        version: these
        for version, these in sorted(versions.items())
        if any(each.admits(python) for each in these)
        and how(these, python)
        and why_withdrawn(these) is None
    }


def released(files: Iterable[IndexFile]) -> date | None:
    """Return the day of the first upload among some files, None if none of them says it."""
    days = sorted(each.uploaded[:10] for each in files if each.uploaded)
    try:
        return date.fromisoformat(days[0]) if days else None
    except ValueError:
        return None


def pythons(files: Iterable[IndexFile]) -> list[str]:
    """Return the CPython versions with a wheel among some files, in order."""
    names = {tag.interpreter for each in files for tag in each.tags}
    minors = {int(name[3:]) for name in names if name[:3] == "cp3" and name[3:].isdecimal()}
    return [f"3.{minor}" for minor in sorted(minors)]


def why_withdrawn(files: Sequence[IndexFile]) -> str | None:
    """Return why a version was withdrawn, None if one of its files was not."""
    reasons = [each.yanked for each in files if each.yanked is not None]
    return max(reasons, default=None) if len(reasons) == len(files) else None


def best(files: Iterable[IndexFile], python: Version) -> IndexFile | None:
    """Return the wheel that pip would install for a Python on this machine, or None."""
    ranks = _ranks(python.major, python.minor)
    ranked = [
        (min(ranks[tag] for tag in each.tags if tag in ranks), each)
        for each in files
        if not ranks.keys().isdisjoint(each.tags)
    ]
    return min(ranked, key=lambda each: each[0])[1] if ranked else None


@cache
def _ranks(major: int, minor: int) -> Mapping[Tag, int]:
    """Return how well each tag suits a Python here; the lowest number is the best."""
    name = f"cp{major}{minor}"
    found = [
        *cpython_tags((major, minor), abis=[name]),
        *compatible_tags((major, minor), interpreter=name),
    ]
    return {tag: rank for rank, tag in enumerate(found)}


def _serves(tag: Tag, minor: int) -> bool:
    kind, major, number = tag.interpreter[:2], tag.interpreter[2:3], tag.interpreter[3:]
    if major != "3" or (kind != "py" and not number.isdecimal()):
        return False
    if (kind == "py" or tag.abi == "abi3") and int(number or 0) <= minor:
        return True
    return kind == "cp" and int(number) == minor and not tag.abi.endswith("t")


def _file(row: Mapping[str, Any], address: str) -> IndexFile:
    yanked = row.get("yanked") or None
    return IndexFile(
        name=row["filename"],
        address=urljoin(address, row["url"]).partition("#")[0],
        sha256=row.get("hashes", {}).get("sha256", ""),
        size=row.get("size"),
        requires_python=row.get("requires-python") or "",
        yanked=yanked if isinstance(yanked, str | None) else "",
        has_metadata=bool(row.get("core-metadata") or row.get("dist-info-metadata")),
        uploaded=row.get("upload-time") or "",
    )


class _Links(HTMLParser):
    """A parser that turns an HTML page into the rows of a JSON one.

    Attributes:
        rows: What was found.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link."""
        given = dict(attrs)
        url, _, fragment = (given.get("href") or "").partition("#")
        if tag != "a" or not url:
            return
        kind, _, digest = fragment.partition("=")
        self.rows.append(
            {
                "filename": unquote(url.rpartition("/")[2]),
                "url": url,
                "hashes": {kind: digest},
                "requires-python": given.get("data-requires-python"),
                "yanked": "data-yanked" in given and (given["data-yanked"] or True),
                "core-metadata": "data-core-metadata" in given,
            }
        )
