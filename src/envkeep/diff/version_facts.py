"""Ask the package index about versions: wheel sizes, licenses, yanked releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.parser import HeaderParser

from packaging.version import Version

from envkeep.audit import licenses
from envkeep.diff.changes import VersionFacts
from envkeep.diff.sides import ComparedPackage
from envkeep.locks import index_pages, package_index
from envkeep.locks.index_pages import IndexFile
from envkeep.toolchain import interpreters
from envkeep.toolchain.web import Request

Pin = tuple[str, str]


def ask_index(wanted: Iterable[ComparedPackage]) -> dict[Pin, VersionFacts]:
    """Return what the package index knows, by package and version.

    Those with a build's label are not asked for, as no ordinary index has them.

    Raises:
        ToolError: Nobody answers where the index should be, or it lets nobody in.
    """
    packages = {
        (each.name, each.version): each
        for each in wanted
        if "+" not in each.version and "://" not in each.version
    }
    pages = package_index.files_of([name for name, _ in packages])
    python = Version(interpreters.whole_version()) if packages else Version("3")
    found: dict[Pin, VersionFacts] = {}
    wheels: dict[Pin, IndexFile] = {}
    for pin, package in packages.items():
        wheel, found[pin] = on_page(pages[package.name], package, python)
        if wheel and wheel.has_metadata:
            wheels[pin] = wheel
    for pin, license_ in _licenses(wheels).items():
        found[pin] = replace(found[pin], license=license_)
    return found


def on_page(
    files: Iterable[IndexFile], package: ComparedPackage, python: Version
) -> tuple[IndexFile | None, VersionFacts]:
    """Return the wheel of a package that would be installed, and what its page says.

    Args:
        files: What stands on the package's page.
        package: The package; where it is locked with hashes, files with others do not count.
        python: The whole version of the Python.
    """
    mine = index_pages.of_version(files, package.version)
    locked = [each for each in mine if f"sha256:{each.sha256}" in package.hashes]
    wheel = index_pages.best(locked if package.hashes else mine, python)
    size = wheel.size if wheel else None
    return wheel, VersionFacts(size=size, yanked=index_pages.why_withdrawn(locked or mine))


def _licenses(wheels: Mapping[Pin, IndexFile]) -> dict[Pin, str]:
    """Return the licenses that the metadata state which an index keeps beside wheels (PEP 658)."""
    requests = [Request(f"{each.address}.metadata") for each in wheels.values()]
    found = zip(wheels, package_index.request(requests), strict=True)
    stated = {
        pin: licenses.license_of(HeaderParser().parsestr(each.text, headersonly=True))
        for pin, each in found
        if each.is_good
    }
    return {pin: license_ for pin, license_ in stated.items() if license_ != licenses.UNKNOWN}
