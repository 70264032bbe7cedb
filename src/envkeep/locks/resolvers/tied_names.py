"""Tell uv which packages have an index of their own.

uv knows no wildcards, and minds a package's index only where a project asks for that package by its
name. So the names are found first, in resolutions that build nothing: until all names are known, a
stranger's package of the same name could be looked at, and its source is a program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.locks import indexes, lockfile, package_index
from envkeep.process import Completed
from envkeep.project.metadata import python_version
from envkeep.project.requirements import Line, read_requirements, with_included
from envkeep.toolchain import pip_by_name
from envkeep.toolchain.pip_by_name import Tie

WORD = re.compile(r"(?<![\w.-])[A-Za-z0-9](?:[\w.-]*\w)?")
WITHOUT_WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?[<>=!~]=?\S+\s+has\s+no\s+(?:usable\s+)?wheels"
)


class TiedNames:
    """The packages of one resolution that have an index of their own.

    Attributes:
        project: The project that asks for them and names their indexes.
    """

    def __init__(self, ties: Sequence[Tie], apart: Iterable[str], folder: Path) -> None:
        """Begin without any.

        Args:
            ties: Those of the target.
            apart: Packages that none of them concerns.
            folder: Where the project goes.
        """
        self._ties, self._apart = ties, frozenset(apart)
        self.project = folder / "pyproject.toml"
        self._known: dict[str, Tie] = {}

    @property
    def projects(self) -> list[Path]:
        """The project, if any name is known."""
        return [self.project] if self._known else []

    def add(self, names: Iterable[str]) -> bool:
        """Take those of some names that are tied; tell whether any of them was new."""
        found = {pip_by_name.normalize(name) for name in names} - self._apart - {*self._known}
        new = {name: tie for name in sorted(found) if (tie := self._tie_of(name))}
        self._known |= new
        if self._known:
            self.project.parent.mkdir(exist_ok=True)
            self.project.write_text(_text(self._known), encoding="utf-8")
        return bool(new)

    def find(self, sources: Sequence[Path], resolve: Callable[[Sequence[str]], Completed]) -> None:
        """Find those that a resolution needs.

        Args:
            sources: The requirements files.
            resolve: Resolves with further options and all that is known so far.
        """
        self._known = {}
        self.add(line.name for source in sources for line in _unconditional(source))
        built: set[str] = set()
        while self._ties:
            done = resolve(["--only-binary", ":all:", *_each("--no-binary", sorted(built))])
            if not done.code:
                if not self.add(entry.name for entry in lockfile.parse_lock(done.text)):
                    return
                continue
            said = f"{done.text}\n{done.errors}"
            sourced = {each["name"] for each in WITHOUT_WHEEL.finditer(said)} - built
            sourced = {name for name in sourced if not self._tie_of(name) or name in self._known}
            if not (self.add(self._on_own_index(WORD.findall(said))) or sourced):
                return
            built |= sourced

    def _tie_of(self, name: str) -> Tie | None:
        return pip_by_name.tie_of(self._ties, name)

    def _on_own_index(self, words: Iterable[str]) -> list[str]:
        """Return those of some words that are packages on an index of their own."""
        names = {pip_by_name.normalize(word) for word in words} - {*self._known}
        tied = sorted(filter(self._tie_of, names))
        try:
            pages = package_index.files_of(tied)
        except ToolError:  # what uv says tells more
            return []
        return [name for name in tied if pages[name]]


def _text(known: dict[str, Tie]) -> str:
    """Return a project that asks for packages and names their indexes, as TOML."""
    lines = [
        "[project]",
        'name = "tied-packages"',
        'version = "0"',
        f"requires-python = {json.dumps(f'=={python_version()}.*')}",
        f"dependencies = {json.dumps([*known])}",
        "",
        "[tool.uv.sources]",
        *(
            f"{json.dumps(name)}.index = {json.dumps(tie.index_name)}"
            for name, tie in known.items()
        ),
    ]
    for tie in {tie.index_name: tie for tie in known.values()}.values():
        lines += ["", "[[tool.uv.index]]", *indexes.for_uv(tie)]
    return "\n".join([*lines, ""])


def _unconditional(source: Path) -> Iterator[Line]:
    """Yield the requirements of a file that hold everywhere."""
    for path in with_included(source):
        for line in read_requirements(path):
            if line.requirement and not line.requirement.marker and not line.requirement.url:
                yield line


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [part for value in values for part in (option, value)]
