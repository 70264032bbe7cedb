"""Which packages come from an index of their own, and from nowhere else.

The team's rows are in ``requirements/indexes.toml``, the stack's in the catalog. Every other
package comes from the index that pip is set to, and torch's own from PyTorch's.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any

from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.locks.torch_builds import TorchBuild
from envkeep.paths import INDEXES, OVERRIDES, REQUIREMENTS, shown
from envkeep.project.requirements import input_files, layers, with_included
from envkeep.project.target import Target, locked_alone
from envkeep.redact import CREDENTIALS, HIDDEN
from envkeep.toolchain import pip_by_name
from envkeep.toolchain.pip_by_name import Tie

TIED = "# indexes: sha256:"
KEYS = ("name", "url", "packages", "backends", "format")
NEEDED = ("name", "url", "packages")
NAME = re.compile(r"[A-Za-z0-9][\w-]*")
PATTERN = re.compile(r"[A-Za-z0-9][\w.*-]*")
ADDRESS = re.compile(r"https?://\S+|[^\s:]+")
TAKEN = re.compile(r"pypi|pytorch.*", re.IGNORECASE)
OPTION = re.compile(
    r"(?P<name>--(?:extra-)?index-url|--pypi-url|--find-links|--trusted-host|--no-index|-i|-f)"
    r"(?=[\s=]|$)[\s=]*(?P<value>\S*)"
)


@dataclass(frozen=True)
class IndexRow:
    """A row of ``indexes.toml``.

    Attributes:
        name: Of the index.
        url: Its address, or a folder.
        packages: Names of packages, also with wildcards.
        backends: Those that it is for; all without any.
        flat: Whether all files are on one page or in one folder.
    """

    name: str
    url: str
    packages: tuple[str, ...]
    backends: tuple[str, ...] = ()
    flat: bool = False


def index_rows() -> list[IndexRow]:
    """Return the rows of the team.

    Raises:
        ToolError: The file cannot be read, or a row is not as it must be.
    """
    if not INDEXES.exists():
        return []
    try:
        content = tomllib.loads(INDEXES.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _wrong(f"cannot be read ({error}); correct it") from error
    unknown = next((key for key in content if key != "index"), None)
    if unknown is not None or not isinstance(content.get("index", []), list):
        raise _wrong(f"has {unknown or 'index'}, and knows tables [[index]] alone")
    found = [_row(each) for each in content.get("index", [])]
    for one, other in combinations(found, 2):
        _refuse_both(one, other)
    return found


def ties(target: Target, build: TorchBuild | None = None) -> list[Tie]:
    """Return the names that are tied to an index for a target, torch's own packages aside.

    Raises:
        ToolError: ``indexes.toml`` is not as it must be.
    """
    for row in index_rows():
        for name in set(row.packages) & {*(build.packages if build else ())}:
            raise _wrong(
                f"ties {name}, which comes from PyTorch's index: the answer torch_index, or the "
                "variable TORCH_INDEX on one machine, says where that is"
            )
    return pip_by_name.ties_of(REQUIREMENTS, target.backend)


def index_of(name: str, backend: str | None = None) -> Tie | None:
    """Return the tie of a package for a backend, by default for any; None if it has none.

    Raises:
        ToolError: ``indexes.toml`` is not as it must be.
    """
    index_rows()
    return pip_by_name.tie_of(pip_by_name.ties_of(REQUIREMENTS, backend), name)


def of_team(names: Iterable[str]) -> list[str]:
    """Return those of some packages that the team ties to an index, for any backend.

    Raises:
        ToolError: ``indexes.toml`` is not as it must be.
    """
    patterns = [each for row in index_rows() for each in row.packages]
    return sorted(
        name
        for name in names
        if any(fnmatchcase(pip_by_name.normalize(name), each) for each in patterns)
    )


def facts(target: Target) -> list[str]:
    """Return what of it decides on the locks of a target: one line with a hash, or nothing."""
    found = "\n".join(repr(tuple(tie)) for tie in ties(target))
    return [f"{TIED}{hashlib.sha256(found.encode()).hexdigest()}"] if found else []


def for_uv(tie: Tie) -> list[str]:
    """Return the lines of an index in a table of uv's."""
    return [
        f"name = {json.dumps(tie.index_name)}",
        f"url = {json.dumps(tie.url, ensure_ascii=False)}",
        *(['format = "flat"'] if tie.flat else []),
        "explicit = true",
    ]


def refuse_options(target: Target) -> None:
    """Refuse options of requirements files that let any package come from another index.

    Raises:
        ToolError: A file has such an option.
    """
    files = [OVERRIDES] if OVERRIDES.exists() else []
    for name in (*layers(), *locked_alone(target)):
        for path in input_files(name, target.backend):
            files += with_included(path)
    for path in dict.fromkeys(files):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        for number, line in enumerate(lines, start=1):
            found = OPTION.match(line.strip())
            if found:
                raise ToolError(f"{shown(path)}, line {number}: {_instead(found)}.")


def _instead(option: re.Match[str]) -> str:
    """Return what is wrong with an option, and what to write in its place."""
    name, value = option["name"], CREDENTIALS.sub(HIDDEN, option["value"])
    line = f"`{name} {value}`" if value else f"`{name}`"
    start = f"{line} is a setting of all packages, and the locks would not tell of it: take it out"
    if name == "--trusted-host":
        return f"{start}, and set it for pip (`pip config set global.trusted-host {value}`)"
    if name == "--no-index":
        return f"{start}, and set it for pip (`pip config set global.no-index true`)"
    flat = ', `format = "flat"`' if name in ("--find-links", "-f") else ""
    url = json.dumps(value.replace(f"{HIDDEN}@", "") or "https://...", ensure_ascii=False)
    more = (
        ", or set it for all packages (`pip config set global.index-url ...`)"
        if name in ("--index-url", "-i", "--pypi-url")
        else ""
    )
    return (
        f'{start}, and write into {shown(INDEXES)} `[[index]]`, `name = "NAME-OF-IT"`, '
        f'`url = {url}`{flat} and `packages = ["PACKAGE"]`{more}'
    )


def _row(found: Any) -> IndexRow:
    """Return a row.

    Raises:
        ToolError: It is not as it must be.
    """
    if not isinstance(found, Mapping):
        raise _wrong("has an index that is no table: write [[index]] above its lines")
    name = found.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _wrong("has an index without a name of letters, digits and hyphens")
    if TAKEN.fullmatch(name):
        raise _wrong(f"calls an index {name}, which is the name of another one: rename it")
    for key in found:
        if key not in KEYS:
            raise _wrong(f"has the key {key} in the index {name}, which knows {', '.join(KEYS)}")
    for key in NEEDED:
        if not found.get(key):
            raise _wrong(f"has no {key} in the index {name}")
    if found.get("format", "simple") not in ("simple", "flat"):
        raise _wrong(f"has a format in the index {name} that is neither simple nor flat")
    url = _address(name, found["url"], flat=found.get("format") == "flat")
    return IndexRow(
        name,
        url,
        tuple(map(pip_by_name.normalize, _packages(name, found["packages"]))),
        tuple(_backends(name, found.get("backends", []))),
        found.get("format") == "flat",
    )


def _address(name: str, url: object, *, flat: bool) -> str:
    if not isinstance(url, str) or not ADDRESS.fullmatch(url):
        raise _wrong(f"has no address (https://...) in the index {name}")
    if CREDENTIALS.search(url):
        raise _wrong(
            f"has a name or a password in the address of the index {name}, and git keeps it: write "
            "the address without, and the password into ~/.netrc or a keyring"
        )
    if "://" not in url and not flat:
        raise _wrong(
            f'names the folder {url} in the index {name}: write `format = "flat"` beside it if '
            "it holds the files, or an address (https://...)"
        )
    return url


def _packages(name: str, packages: object) -> list[str]:
    for each in _texts(name, "packages", packages):
        if not PATTERN.fullmatch(each):
            raise _wrong(
                f"has {each!r} among the packages of the index {name}: write names such as "
                '"acme-core" or "acme-*", without a version'
            )
    return _texts(name, "packages", packages)


def _backends(name: str, backends: object) -> list[str]:
    known = [row["backend"] for row in catalog.backends()]
    for each in _texts(name, "backends", backends):
        if each not in known:
            raise _wrong(
                f"has the backend {each} in the index {name}; there are {', '.join(known)}"
            )
    return _texts(name, "backends", backends)


def _texts(name: str, key: str, values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise _wrong(f"has {key} in the index {name} that are no list of texts")
    return values


def _refuse_both(one: IndexRow, other: IndexRow) -> None:
    """Refuse two rows that name the same index or the same packages.

    Raises:
        ToolError: They do.
    """
    if one.name == other.name:
        raise _wrong(f"has two indexes {one.name}: give one of them another name")
    if one.backends and other.backends and not {*one.backends} & {*other.backends}:
        return
    for name in one.packages:
        if name in other.packages:
            raise _wrong(
                f"ties {name} to the indexes {one.name} and {other.name}: a package has one index"
            )


def _wrong(what: str) -> ToolError:
    return ToolError(f"{shown(INDEXES)} {what}.")
