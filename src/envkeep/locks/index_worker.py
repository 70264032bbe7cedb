"""Ask a package index about files; run by the interpreter of the pinned tools.

Reads ``{"index": ADDRESS or null, "question": "wheel" or "fit", "wanted": [{"name", "version",
"hashes"}]}`` and prints a list with an answer for each, see ``answer`` and ``fit``. What the index
does not say is null.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from pip._internal.models.index import PyPI
from pip._vendor import requests  # type: ignore[attr-defined,unused-ignore]

PAGE = "application/vnd.pypi.simple.v1+json"
PAGES = f"{PAGE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
PATIENCE = (5, 30)  # seconds to connect, and between two parts of an answer
AT_ONCE = 4
SOURCES = (".tar.gz", ".zip", ".tar.bz2", ".tgz")
REFUSED = (401, 403, 407, 429)
BROKEN = 500  # the least status of a server that fails
NEWEST = 3  # versions that are named
LARGEST = 1_000_000  # bytes of metadata


class NobodyError(Exception):
    """Nobody answers where the index should be."""


@cache
def ranks() -> Mapping[Tag, int]:
    """Return how well each tag suits this Python; the lowest number is the best."""
    return {tag: rank for rank, tag in enumerate(sys_tags())}


def rank(filename: str) -> int | None:
    """Return how well a wheel suits this Python, None if it does not or is no wheel."""
    try:
        tags = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return None
    return min((ranks()[tag] for tag in tags if tag in ranks()), default=None)


def answer(index: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an index says of the wheel of a version that this Python would install.

    Raises:
        NobodyError: Nobody answers.
    """
    address, files = listed(index, wanted["name"])
    hashes = {each.removeprefix("sha256:") for each in wanted["hashes"]}
    mine = [each for each in files if is_of(each["filename"], wanted["version"])]
    admitted = [each for each in mine if each.get("hashes", {}).get("sha256") in hashes]
    chosen = best(admitted or ([] if hashes else mine))
    yanked = [each.get("yanked") for each in admitted or mine]
    return {
        "name": wanted["name"],
        "version": wanted["version"],
        "size": chosen.get("size") if chosen else None,
        "yanked": reason(yanked),
        "metadata": metadata(address, chosen) if chosen else None,
    }


def fit(index: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether this Python can have a version, whatever the platform, and which it can have.

    ``by`` is how: ``wheel``, ``source``, or an empty text if it cannot. Only then the makers' word
    on the Pythons counts: a wheel that fits is installed by uv whatever they say, and so is a
    source that never came with a wheel.

    Raises:
        NobodyError: Nobody answers.
    """
    files = listed(index, wanted["name"])[1]
    versions: dict[Version, list[Mapping[str, Any]]] = {}
    for each in files:
        if (version := version_of(each["filename"])) is not None:
            versions.setdefault(version, []).append(each)
    text = wanted["version"]
    mine = [each for each in files if is_of(each["filename"], text)] if text else []
    usable = sorted(each for each, these in versions.items() if is_usable(these))
    return {
        "name": wanted["name"],
        "version": text,
        "is_known": bool(files),
        "has_version": bool(mine),
        "by": how(mine),
        "pythons": pythons(mine),
        "requires_python": next((need_of(each) for each in mine if not admits(each)), None),
        "yanked": reason([each.get("yanked") for each in mine]),
        "nearest": nearest([each for each in usable if by_wheel(versions[each])], text),
        "newest": [str(each) for each in reversed(usable[-NEWEST:])],
    }


def how(files: Sequence[Mapping[str, Any]]) -> str:
    """Return how this Python can have a version with some files, an empty text if it cannot."""
    if by_wheel(files):
        return "wheel"
    sources = [each for each in files if each["filename"].endswith(SOURCES)]
    has_wheels = any(is_wheel(each["filename"]) for each in files)
    can_be_built = any(map(admits, sources)) or (sources and not has_wheels)
    return "source" if can_be_built else ""


def by_wheel(files: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether one of some files is a wheel for this Python."""
    return any(serves(each["filename"]) for each in files)


def is_usable(files: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a resolver would choose a version: a release for this Python, not withdrawn."""
    version = version_of(files[0]["filename"])
    return (
        version is not None
        and not version.is_prerelease
        and any(admits(each) for each in files)
        and how(files) != ""
        and reason([each.get("yanked") for each in files]) is None
    )


def serves(filename: str) -> bool:
    """Tell whether a file is a wheel for this Python, on whichever platform."""
    minor = sys.version_info.minor
    for tag in tags_of(filename):
        kind, major, number = tag.interpreter[:2], tag.interpreter[2:3], tag.interpreter[3:]
        if major != "3" or (kind != "py" and not number.isdecimal()):
            continue
        is_old = int(number or 0) <= minor
        if (kind == "py" or tag.abi == "abi3") and is_old:
            return True
        if kind == "cp" and int(number) == minor and not tag.abi.endswith("t"):
            return True
    return False


def pythons(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the CPythons that have a wheel among some files, in order."""
    names = {tag.interpreter for each in files for tag in tags_of(each["filename"])}
    minors = {int(name[3:]) for name in names if name[:3] == "cp3" and name[3:].isdecimal()}
    return [f"3.{minor}" for minor in sorted(minors)]


def nearest(versions: Sequence[Version], text: str) -> str | None:
    """Return the next of some versions after one, or without such the last one before it."""
    try:
        wanted = Version(text)
    except InvalidVersion:
        return None
    later = [each for each in versions if each > wanted]
    return str(later[0] if later else versions[-1]) if versions else None


def admits(file: Mapping[str, Any]) -> bool:
    """Tell whether a file is for this Python by the word of its makers."""
    try:
        needs = SpecifierSet(need_of(file))
    except InvalidSpecifier:
        return True
    return needs.contains(".".join(map(str, sys.version_info[:3])), prereleases=True)


def need_of(file: Mapping[str, Any]) -> str:
    """Return which Pythons a file is for, by the word of its makers."""
    return str(file.get("requires-python") or "")


def tags_of(filename: str) -> Iterable[Tag]:
    """Return the tags of a wheel; another file has none."""
    try:
        return parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return ()


def is_wheel(filename: str) -> bool:
    """Tell whether a file is a wheel."""
    return filename.endswith(".whl")


def version_of(filename: str) -> Version | None:
    """Return the version of a file, None if it is neither a wheel nor a source."""
    try:
        parse = parse_wheel_filename if is_wheel(filename) else parse_sdist_filename
        return parse(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def listed(index: str, name: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the address of a package's page and the files that stand there.

    Raises:
        NobodyError: Nobody answers.
    """
    address = f"{index.rstrip('/')}/{name}/"
    page = fetch(address, PAGES) or b""
    if page.lstrip()[:1] == b"{":
        files: list[dict[str, Any]] = json.loads(page).get("files", [])
        return address, files
    links = Links()
    links.feed(page.decode("utf-8", "replace"))
    return address, links.files


class Links(HTMLParser):
    """The files of a page that is no JSON (PEP 503), in the form of one that is.

    Attributes:
        files: What was found.
    """

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.files: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link."""
        given = dict(attrs)
        url, _, fragment = (given.get("href") or "").partition("#")
        if tag != "a" or not url:
            return
        kind, _, digest = fragment.partition("=")
        self.files.append(
            {
                "filename": unquote(url.rpartition("/")[2]),
                "url": url,
                "hashes": {kind: digest},
                "requires-python": given.get("data-requires-python"),
                "yanked": "data-yanked" in given and (given["data-yanked"] or True),
                "core-metadata": "data-core-metadata" in given,
            }
        )


def is_of(filename: str, version: str) -> bool:
    """Tell whether a file is of a version."""
    try:
        found = parse_wheel_filename(filename)[1]
    except InvalidWheelFilename:
        stem = filename.removesuffix(".tar.gz").removesuffix(".zip")
        return canonicalize_version(stem.rpartition("-")[2]) == canonicalize_version(version)
    return canonicalize_version(found) == canonicalize_version(version)


def best(files: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the wheel that suits this Python best, or None."""
    ranked = [(at, each) for each in files if (at := rank(each["filename"])) is not None]
    return min(ranked, key=lambda each: each[0])[1] if ranked else None


def reason(yanked: list[object]) -> str | None:
    """Return why a version was withdrawn, None if one of its files was not."""
    if not yanked or not all(yanked):
        return None
    return next((each for each in yanked if isinstance(each, str)), "")


def metadata(address: str, file: Mapping[str, Any]) -> str | None:
    """Return the METADATA that an index keeps beside a wheel, if it does (PEP 658)."""
    if not (file.get("core-metadata") or file.get("dist-info-metadata")):
        return None
    text = fetch(f"{urljoin(address, file['url']).partition('#')[0]}.metadata", "*/*")
    return text.decode("utf-8", "replace") if text and len(text) < LARGEST else None


def fetch(address: str, form: str) -> bytes | None:
    """Return what lies at an address, None if nothing does or it has another form.

    Raises:
        NobodyError: Nobody answers, or an index lets nobody in.
    """
    try:
        found = requests.get(address, headers={"Accept": form}, timeout=PATIENCE)
    except requests.RequestException as error:
        raise NobodyError(str(error)) from error
    if form == PAGES and (found.status_code in REFUSED or found.status_code >= BROKEN):
        raise NobodyError(f"{found.status_code} {found.reason}")
    kind = found.headers.get("Content-Type", "").partition(";")[0].strip()
    return found.content if found.ok and (form == "*/*" or kind in form) else None


def main() -> int:
    """Answer what is asked on the standard input; 1 if nobody could be asked."""
    given = json.load(sys.stdin)
    index = given["index"] or PyPI.simple_url
    wanted = given["wanted"]
    ask = fit if given.get("question") == "fit" else answer
    try:
        found = [ask(index, each) for each in wanted[:1]]  # without a network one try is enough
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found += pool.map(lambda each: ask(index, each), wanted[1:])
    except NobodyError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
