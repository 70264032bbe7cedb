# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Ask a package index about files; run by the interpreter of the pinned tools.

Reads ``{"index": ADDRESS or null, "wanted": [{"name", "version", "hashes"}]}`` and prints a list of
``{"name", "version", "size", "yanked", "metadata"}``: of the wheel that this Python would install
among those that the lock admits. What the index does not say is null.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import urljoin

from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_version, parse_wheel_filename
from pip._internal.models.index import PyPI
from pip._vendor import requests  # type: ignore[import-untyped,unused-ignore]

PAGE = "application/vnd.pypi.simple.v1+json"
PATIENCE = (5, 30)  # seconds to connect, and between two parts of an answer
AT_ONCE = 4
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
    """Return what an index says of the wheel of a version.

    Raises:
        NobodyError: Nobody answers.
    """
    address = f"{index.rstrip('/')}/{wanted['name']}/"
    page = fetch(address, PAGE)
    files = json.loads(page).get("files", []) if page else []
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
        NobodyError: Nobody answers.
    """
    try:
        found = requests.get(address, headers={"Accept": form}, timeout=PATIENCE)
    except requests.RequestException as error:
        raise NobodyError(str(error)) from error
    fits = form == "*/*" or found.headers.get("Content-Type", "").startswith(form)
    return found.content if found.ok and fits else None


def main() -> int:
    """Answer what is asked on the standard input; 1 if nobody could be asked."""
    given = json.load(sys.stdin)
    index = given["index"] or PyPI.simple_url
    wanted = given["wanted"]
    try:
        found = [answer(index, each) for each in wanted[:1]]  # without a network one try is enough
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found += pool.map(lambda each: answer(index, each), wanted[1:])
    except NobodyError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
