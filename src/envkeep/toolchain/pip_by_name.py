"""Let pip and pip-compile look up some packages at an index of their own, and nowhere else.

pip has no setting for that, so this program changes where its finder looks. It imports nothing of
envkeep: the Python of the pinned tools runs it, and so does that of an image.

    pip_by_name.py REQUIREMENTS BACKEND pip ARGUMENTS
    pip_by_name.py REQUIREMENTS BACKEND pip-compile ARGUMENTS
    pip_by_name.py REQUIREMENTS BACKEND fetch LOCK FOLDER

``REQUIREMENTS`` is the folder with ``indexes.toml`` and ``stack/catalog.json``. ``fetch`` brings
those files of a lock that have an index of their own into a folder, and checks their hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple, cast

TIES = "PIP_BY_NAME"
"""Variable that hands the ties down to the pip that pip starts for what a build needs."""
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Tie(NamedTuple):
    """Packages of some names, and the index that they come from.

    Attributes:
        pattern: The normalized name, or a wildcard.
        index_name: The name of the index.
        url: Its address, or a folder.
        flat: Whether it is one page, or one folder, with all files.
    """

    pattern: str
    index_name: str
    url: str
    flat: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.url


def ties_of(requirements: Path, backend: str | None) -> list[Tie]:
    """Return the ties that hold for a backend, in the order in which they are looked at.

    Args:
        requirements: The folder of the project's requirements.
        backend: What computes; None for the ties of any backend.
    """
    own, catalog = requirements / "indexes.toml", requirements / "stack" / "catalog.json"
    rows = tomllib.loads(own.read_text("utf-8")).get("index", []) if own.exists() else []
    stack = json.loads(catalog.read_text("utf-8")).get("indexes", []) if catalog.exists() else []
    return [
        *_ties(rows, backend, requirements.parent),
        *_ties(stack, backend, requirements.parent),
    ]


def tie_of(ties: Iterable[Tie], name: str) -> Tie | None:
    """Return the first tie that a package's name fits, None if there is none."""
    normalized = normalize(name)
    return next((tie for tie in ties if fnmatchcase(normalized, tie.pattern)), None)


def normalize(name: str) -> str:
    """Return the one spelling of a package's name, or of a wildcard."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _ties(rows: Iterable[Mapping[str, Any]], backend: str | None, project: Path) -> list[Tie]:
    """Return the ties of some rows, whole names before wildcards and long before short."""
    found = [
        Tie(
            normalize(each),
            row["name"],
            row["url"] if "://" in row["url"] else str((project / row["url"]).resolve()),
            row.get("format") == "flat",
        )
        for row in rows
        if backend is None or not row.get("backends") or backend in row["backends"]
        for each in row["packages"]
    ]
    return sorted(found, key=lambda tie: ("*" in tie.pattern, -len(tie.pattern)))


def tied_entries(lock: str, ties: Sequence[Tie]) -> list[str]:
    """Return the entries in the text of a lock that an index of their own has."""
    blocks = re.split(r"\n(?=\S)", lock)
    named = ((NAME.match(block), block) for block in blocks)
    return [block for name, block in named if name and tie_of(ties, name[0]) and "==" in block]


def _tie(ties: Sequence[Tie]) -> None:
    """Change where pip looks for packages."""
    from pip._internal.build_env import installer
    from pip._internal.index.collector import LinkCollector
    from pip._internal.models.search_scope import SearchScope

    collect = LinkCollector.collect_sources

    def collect_tied(self: Any, project_name: str, *arguments: Any, **options: Any) -> Any:
        tie = tie_of(ties, project_name)
        if tie is None:
            return collect(self, project_name, *arguments, **options)
        known = getattr(self.session.auth, "index_urls", None)
        if isinstance(known, list) and tie.url not in known:
            known.append(tie.url)  # so that a keyring is asked for its password
        links, urls = ([tie.url], []) if tie.flat else ([], [tie.url])
        scope = SearchScope.create(find_links=links, index_urls=urls, no_index=False)
        alone = type(self)(session=self.session, search_scope=scope)
        return collect(alone, project_name, *arguments, **options)

    cast(Any, LinkCollector).collect_sources = collect_tied
    here = str(Path(__file__).resolve())
    cast(Any, installer).get_runnable_pip = lambda: here
    top = str(Path(installer.__file__).parents[3])
    os.environ[TIES] = json.dumps({"ties": ties, "pip": top})


def _compile(ties: Sequence[Tie], arguments: Sequence[str]) -> int:
    """Run pip-compile, which asks the ordinary index for hashes too."""
    from piptools.repositories.pypi import PyPIRepository
    from piptools.scripts.compile import cli

    ask = PyPIRepository._get_project

    def ask_untied(self: Any, ireq: Any) -> Any:
        return None if tie_of(ties, ireq.name) else ask(self, ireq)

    cast(Any, PyPIRepository)._get_project = ask_untied
    sys.argv = ["pip-compile", *arguments]
    return int(cli() or 0)


def _pip(arguments: Sequence[str]) -> int:
    from pip._internal.cli.main import main as run

    return int(run([*arguments]))


def _fetch(ties: Sequence[Tie], lock: str, folder: str) -> int:
    """Download what a folder lacks of a lock's files that have an index of their own."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    there = {_sha256(path) for path in target.iterdir() if path.is_file()}
    entries = tied_entries(Path(lock).read_text(encoding="utf-8"), ties)
    missing = [each for each in entries if there.isdisjoint(HASH.findall(each))]
    if not missing:
        return 0
    with tempfile.TemporaryDirectory() as place:
        wanted = Path(place, "tied.txt")
        wanted.write_text("\n".join([*missing, ""]), encoding="utf-8")
        options = ["--no-deps", "--require-hashes", "--dest", folder]
        return _pip(["download", *options, "--requirement", str(wanted)])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Run a program with the ties of a project, or pip with those that were handed down."""
    if TIES in os.environ:
        handed = json.loads(os.environ[TIES])
        sys.path.insert(0, handed["pip"])
        _tie([Tie(*each) for each in handed["ties"]])
        return _pip(arguments)
    requirements, backend, verb, *rest = arguments
    ties = ties_of(Path(requirements), backend)
    _tie(ties)
    if verb == "pip-compile":
        return _compile(ties, rest)
    return _fetch(ties, *rest) if verb == "fetch" else _pip(rest)


if __name__ == "__main__":
    sys.path[:1] = []  # the folder of this program has modules of the names of others
    sys.exit(main(sys.argv[1:]))
