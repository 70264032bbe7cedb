"""Read pip's requirements files as they stand in a repository."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkeep.project.requirements import lines_of
from hooks.adoption.repository import Repository
from hooks.adoption.wanted import DEVELOP, UNSAID, Findings

FILES = re.compile(
    r"(requirements/[^/]+|[^/]*requirements[^/]*|dev-packages|constraints)\.(txt|in)"
)
FOR_DEVELOPMENT = re.compile(
    r"(^|[^a-z])(dev|develop|development|test|tests|testing|lint|docs?|ci)([^a-z]|$)"
)
_WITH_VALUE = {"-r": "--requirement", "-c": "--constraint", "-i": "--index-url"}
_INDEXES = ("--index-url", "--extra-index-url", "--find-links", "-f")


def read(repository: Repository, findings: Findings) -> list[str]:
    """Read all requirements files, each once, in the order of their names and includes.

    A compiled file whose source stands beside it (``x.txt`` of ``x.in``) only says versions.

    Returns:
        The paths of the files that were read.
    """
    files = [path for path in sorted(repository.tree) if FILES.fullmatch(path)]
    sources = {path.removesuffix(".in") for path in files if path.endswith(".in")}
    compiled = {path for path in files if path.endswith(".txt") and path[:-4] in sources}
    reader = _Reader(repository, findings)
    constraints = {path for path in files if "constraints" in posixpath.basename(path)}
    for path in sorted({*compiled, *constraints}):
        reader.read_versions(path)
    plain = [path for path in files if path not in compiled | constraints]
    included = {path for each in plain for path in reader.includes(each)}
    for path in [*(each for each in plain if each not in included), *sorted(included & set(plain))]:
        reader.read(path)
    return files


def statements(text: str) -> list[str]:
    """Return the lines of a requirements file, joined where a backslash says so, no comments."""
    return lines_of(re.sub(r"\\\n", " ", text))


class _Reader:
    def __init__(self, repository: Repository, findings: Findings) -> None:
        self._repository = repository
        self._findings = findings
        self._seen: set[str] = set()

    def includes(self, path: str) -> Iterable[str]:
        """Return the files that a file includes by ``-r``."""
        for line in self._lines(path):
            option, value = _option(line)
            if option == "--requirement":
                yield _beside(path, value)

    def read(self, path: str) -> None:
        """Read a file and, in their places, those that it includes."""
        if path in self._seen:
            return
        self._seen.add(path)
        for line in self._lines(path):
            if line.startswith("-"):
                self._read_option(path, line)
            else:
                self._findings.ask(_requirement(line), path, use_of(path))

    def read_versions(self, path: str) -> None:
        """Read the exact versions of a file."""
        if path in self._seen:
            return
        self._seen.add(path)
        for line in self._lines(path):
            try:
                found = Requirement(_requirement(line))
            except InvalidRequirement:
                continue
            for each in found.specifier:
                if each.operator == "==":
                    self._findings.locked[str(canonicalize_name(found.name))] = each.version

    def _read_option(self, path: str, line: str) -> None:
        option, value = _option(line)
        if option == "--requirement":
            self.read(_beside(path, value))
        elif option == "--constraint":
            self.read_versions(_beside(path, value))
        elif option in _INDEXES:
            self._findings.indexes.append((value, path))
        elif option in ("-e", "--editable"):
            if value.partition("[")[0] in (".", "./"):
                return  # the project itself, which `make install` installs
            reason = f"{path}: a repository or a folder has no hash to lock"
            self._findings.skipped.append((line, reason))
        elif option != "--hash":
            self._findings.skipped.append((line, f"{path}: an option of pip, not a package"))

    def _lines(self, path: str) -> list[str]:
        return statements(self._repository.text(path) or "")


def use_of(path: str) -> str:
    """Return the purpose of a requirements file, if its name tells."""
    stem = path.removeprefix("requirements/").lower()
    return DEVELOP if FOR_DEVELOPMENT.search(stem) else UNSAID


def _requirement(line: str) -> str:
    """Return a line without the options that may follow a requirement."""
    return re.split(r"\s--[a-z]", line, maxsplit=1)[0].strip()


def _option(line: str) -> tuple[str, str]:
    try:
        parts = shlex.split(line)
    except ValueError:
        parts = line.split()
    first, separator, value = parts[0].partition("=")
    if not separator:
        value = " ".join(parts[1:])
        if len(first) > 2 and not first.startswith("--"):  # -rbase.txt
            first, value = first[:2], first[2:]
    return _WITH_VALUE.get(first, first), value


def _beside(path: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
