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
from hooks.adoption.wanted import DEVELOP, NO_HASH, UNSAID, Findings

FILES = re.compile(
    r"(requirements/([^/]+/)?[^/]+|[^/]*(requirements|reqs)[^/]*|dev-packages|constraints)"
    r"\.(txt|in|pip)"
)
FOR_DEVELOPMENT = re.compile(
    r"(^|[^a-z])(dev|develop|development|test|tests|testing|lint|docs?|ci|style|quality)([^a-z]|$)"
)
# A file of such a name is a part of the whole, one of another name beside the main one a variant.
_PARTS = re.compile(
    r"(^|[^a-z])(app|base|common|core|data|default|deploy|eval|evaluation|inference|install|main|"
    r"pip|prod|production|requirements|reqs|runtime|serve|server|serving|train|training|"
    r"versions?)([^a-z]|$)"
)
_VARIANTS = re.compile(
    r"(^|[^a-z])(all|colab|conda|cpu|cuda|cu\d+|docker|extras?|full|gpu|legacy|linux|mac|macos|metal|"
    r"min|minimal|minimum|mps|musa|npu|old|optional|rocm|tpu|win|windows|xpu)([^a-z]|$)"
)
_WITH_VALUE = {"-r": "--requirement", "-c": "--constraint", "-i": "--index-url"}
_INDEXES = ("--index-url", "--extra-index-url", "--find-links", "-f")


def read(repository: Repository, findings: Findings, *, declares: bool = False) -> list[str]:
    """Read all requirements files, each once; requirements.txt first, then by name and include.

    A compiled file whose source stands beside it (``x.txt`` of ``x.in``) only says versions. A file
    whose name tells a variant is an optional part.

    Args:
        repository: Where.
        findings: Where to.
        declares: Whether the package itself declares what it needs.

    Returns:
        The paths of the files that were read.
    """
    files = [
        path
        for path in sorted(repository.tree, key=_rank)
        if FILES.fullmatch(path) and repository.text(path) is not None
    ]
    sources = {path.removesuffix(".in") for path in files if path.endswith(".in")}
    compiled = {path for path in files if path.endswith(".txt") and path[:-4] in sources}
    reader = Reader(repository, findings)
    constraints = {path for path in files if "constraints" in posixpath.basename(path)}
    for path in sorted({*compiled, *constraints}):
        reader.read_versions(path)
    plain = [path for path in files if path not in compiled | constraints]
    is_whole = declares or any(_is_main(path) for path in plain)
    included = {path for each in plain for path in reader.includes(each)}
    mandatory = [path for path in plain if not is_variant(path, is_whole=is_whole)]
    first = [each for each in mandatory if each not in included or _is_main(each)]
    for path in [*first, *(each for each in mandatory if each in included)]:
        reader.read(path)
    for path in plain:
        reader.read(path, group=path)
    return files


def is_variant(path: str, *, is_whole: bool) -> bool:
    """Tell whether a file asks for what not everybody needs.

    Args:
        path: The file.
        is_whole: Whether another place says what everybody needs.
    """
    stem = _stem(path)
    if _is_main(path) or (use_of(path) == DEVELOP and not _VARIANTS.search(stem)):
        return False
    if _VARIANTS.search(stem):
        return True
    return is_whole and not _PARTS.search(
        re.sub(r"requirements[-_.]?|[-_.]?requirements", "", stem)
    )


def statements(text: str) -> list[str]:
    """Return the lines of a requirements file, joined where a backslash says so, no comments."""
    return lines_of(re.sub(r"\\\n", " ", text))


class Reader:
    """What reads requirements files and their includes, each file once."""

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

    def read(self, path: str, *, group: str = "") -> None:
        """Read a file and, in their places, those that it includes."""
        if path in self._seen:
            return
        self._seen.add(path)
        for line in self._lines(path):
            if line.startswith("-"):
                self._read_option(path, line, group)
            else:
                self._findings.ask(_requirement(line), path, use_of(path), group)

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

    def _read_option(self, path: str, line: str, group: str) -> None:
        option, value = _option(line)
        if option in ("--requirement", "--constraint"):
            self._include(path, line, option, value, group)
        elif option in _INDEXES:
            self._findings.indexes.append((value, path))
        elif option in ("-e", "--editable"):
            if value.partition("[")[0] in (".", "./"):
                return  # the project itself, which `make install` installs
            self._findings.skipped.append((line, f"{path}: {NO_HASH}"))
        elif option != "--hash":
            self._findings.skipped.append((line, f"{path}: an option of pip, not a package"))

    def _include(self, path: str, line: str, option: str, value: str, group: str) -> None:
        target = _beside(path, value)
        if "://" in value:
            reason = f"{path}: nothing is fetched; copy that file's lines"
            self._findings.skipped.append((line, reason))
        elif self._repository.text(target) is None:
            reason = f"{path}: that file is not in the repository, or is no text"
            self._findings.skipped.append((line, reason))
        elif option == "--requirement":
            self.read(target, group=group)
        else:
            self.read_versions(target)

    def _lines(self, path: str) -> list[str]:
        return statements(self._repository.text(path) or "")


def use_of(path: str) -> str:
    """Return the purpose of a requirements file, if its name tells."""
    return DEVELOP if FOR_DEVELOPMENT.search(_stem(path)) else UNSAID


_MAIN = ("requirements", "base", "main", "default")


def _is_main(path: str) -> bool:
    return "/" not in path.removeprefix("requirements/") and _stem(path) in _MAIN


def _rank(path: str) -> tuple[bool, str]:
    return not _is_main(path), path


def _stem(path: str) -> str:
    inner = path.removeprefix("requirements/")
    return posixpath.splitext(inner)[0].lower()


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
