"""Read package indexes: pages of links (PEP 503) and the metadata beside wheels (PEP 658)."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from envkeep.toolchain import locking_tools
from maintain.stack.data import StackError

TIMEOUT = 30  # seconds


class Unreachable(StackError):
    """Nobody answers where the index should be."""


class NoMetadata(StackError):
    """An index has wheels, and no METADATA beside them."""


@dataclass(frozen=True)
class WheelFile:
    """A wheel on an index.

    Attributes:
        version: Its version, with the local label.
        pythons: The CPython minors that it is for; free-threaded ones are left out.
        platforms: Its platform tags.
        url: Its address.
    """

    version: Version
    pythons: frozenset[str]
    platforms: frozenset[str]
    url: str


@dataclass(frozen=True)
class Index:
    """A package index; it fetches nothing twice.

    Attributes:
        address: Where the folders of the packages are, without a final slash.
    """

    address: str
    _fetched: dict[str, bytes | None] = field(default_factory=dict, repr=False, compare=False)

    def wheels(self, package: str, version: str) -> list[WheelFile]:
        """List the wheels of a version of a package; without a page there are none.

        Args:
            package: The package, in normalized form.
            version: The version; a local label must be equal too.

        Raises:
            Unreachable: Nobody answers.
        """
        return [
            each for each in self._wheels(package) if str(each.version) == str(Version(version))
        ]

    def has(self, requirement: Requirement) -> bool:
        """Tell whether there is a wheel of any version that a requirement admits.

        Raises:
            Unreachable: Nobody answers.
        """
        wheels = self._wheels(canonicalize_name(requirement.name))
        return any(requirement.specifier.contains(wheel.version) for wheel in wheels)

    def requirements(self, wheels: Iterable[WheelFile]) -> list[Requirement]:
        """Read what some wheels of one version ask for, without their extras.

        Args:
            wheels: Wheels with the same METADATA; the first that has it beside it is read, as a
                mirror may keep it for some wheels only.

        Raises:
            Unreachable: Nobody answers.
            NoMetadata: No wheel has its METADATA beside it.
        """
        found = (self._fetch(f"{wheel.url}.metadata") for wheel in wheels)
        text = next((each for each in found if each is not None), None)
        if text is None:
            raise NoMetadata(f"{self.address} has no METADATA beside the wheels.")
        wanted = map(Requirement, parse_email(text)[0].get("requires_dist", []))
        return [each for each in wanted if "extra ==" not in str(each.marker)]

    def _wheels(self, package: str) -> list[WheelFile]:
        page = self._fetch(f"{self.address}/{package}/")
        links = _links(page.decode("utf-8", "replace")) if page is not None else []
        found = (_wheel(urljoin(f"{self.address}/{package}/", link)) for link in links)
        return [wheel for wheel in found if wheel]

    def _fetch(self, address: str) -> bytes | None:
        if address not in self._fetched:
            self._fetched[address] = _fetch(address)
        return self._fetched[address]


def pypi() -> Index:
    """Return PyPI."""
    return Index(locking_tools.pypi(Path(sys.executable)))


class _Page(HTMLParser):
    """Collects the links of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("href")
        if tag == "a" and address and "data-yanked" not in given:
            self.links.append(address)


def _links(page: str) -> list[str]:
    parser = _Page()
    parser.feed(page)
    return parser.links


def _wheel(link: str) -> WheelFile | None:
    url = link.partition("#")[0]
    try:
        _, version, _, tags = parse_wheel_filename(_file_name(url))
    except InvalidWheelFilename:
        return None
    pythons = {
        f"3.{tag.interpreter.removeprefix('cp3')}"
        for tag in tags
        if tag.interpreter.startswith("cp3") and tag.abi == tag.interpreter
    }
    platforms = {tag.platform for tag in tags}
    return WheelFile(version, frozenset(pythons), frozenset(platforms), url)


def _file_name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _fetch(address: str) -> bytes | None:
    request = urllib.request.Request(address, headers={"Accept": "text/html, */*;q=0.1"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError:
        return None  # an index may answer 403 where it has nothing
    except OSError as error:
        host, reason = urlsplit(address).hostname, getattr(error, "reason", error)
        raise Unreachable(f"{host} cannot be reached ({reason}).") from None
