"""The requirements of a repository, from whatever kind of file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

RUN = "run"
DEVELOP = "develop"
UNSAID = ""
_CARET = re.compile(r"\^\s*(?P<version>\S+)")
_TILDE = re.compile(r"~\s*(?P<version>\d\S*)")
_BARE = re.compile(r"\d[\w.+!]*")


@dataclass(frozen=True)
class Wanted:
    """A package that a repository requires.

    Attributes:
        requirement: Name, extras, versions and marker.
        origin: The file that says so.
        use: Whether it says that the package needs it to run, or only to be developed.
        locked: The version that a lock of the repository holds, "" if there is none.
    """

    requirement: Requirement
    origin: str
    use: str = UNSAID
    locked: str = ""

    @property
    def name(self) -> str:
        """The package's normalized name."""
        return str(canonicalize_name(self.requirement.name))

    @property
    def exact(self) -> str:
        """The one version that is asked for or locked, with its label; "" if there is none."""
        for each in self.requirement.specifier:
            if each.operator in ("==", "===") and not each.version.endswith(".*"):
                return each.version
        return self.locked

    @property
    def label(self) -> str:
        """The local label of the exact version, such as the build of torch; "" without one."""
        return self.exact.partition("+")[2]


@dataclass
class Findings:
    """The requirements in the files of a repository.

    Attributes:
        wanted: The packages, in the order of the files.
        indexes: Addresses of package indexes, each with the file that names it.
        builds: What names a build of torch besides versions and indexes, with its file.
        pythons: What is said about Python, with the file: exact versions or specifiers.
        locked: Exact versions that lock files hold, by name.
        skipped: What cannot be carried over, with the reason.
        uninstallable: What of that the package declares to need, so that `pip check` misses it.
    """

    wanted: list[Wanted] = field(default_factory=list)
    indexes: list[tuple[str, str]] = field(default_factory=list)
    builds: list[tuple[str, str]] = field(default_factory=list)
    pythons: list[tuple[str, str]] = field(default_factory=list)
    locked: dict[str, str] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    uninstallable: list[str] = field(default_factory=list)

    def ask(self, text: str, origin: str, use: str = UNSAID) -> None:
        """Add a requirement as PEP 508 writes it, or say why it cannot be."""
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            self.skipped.append((text, f"{origin}: not a requirement that can be read"))
            return
        if requirement.url and re.match(r"(git|hg|svn|bzr)\+|file:", requirement.url):
            self.skipped.append((text, f"{origin}: a repository or a folder has no hash to lock"))
            self.uninstallable += [text] if use == RUN else []
            return
        self.wanted.append(Wanted(requirement, origin, use))

    def once_each(self) -> list[Wanted]:
        """Return every package once, in the order of its first mention, with its locked version.

        A package that one file needs to run is needed to run; an exact version wins over a range.
        """
        found: dict[tuple[str, str], Wanted] = {}
        for each in self.wanted:
            key = (each.name, str(each.requirement.marker or ""))
            found[key] = _joined(found[key], each) if key in found else each
        return [replace(each, locked=self.locked.get(each.name, "")) for each in found.values()]


def from_poetry(name: str, wanted: object, origin: str, use: str, findings: Findings) -> None:
    """Add a dependency as Poetry writes it: a version, a table, or a list of tables."""
    if isinstance(wanted, list):
        for each in wanted:
            from_poetry(name, each, origin, use, findings)
        return
    table: Mapping[str, object] = wanted if isinstance(wanted, Mapping) else {"version": wanted}
    foreign = [key for key in ("git", "path", "url") if key in table]
    if foreign:
        reason = f"{origin}: a repository or a folder has no hash to lock"
        findings.skipped.append((f"{name} ({foreign[0]} {table[foreign[0]]})", reason))
        return
    extras = table.get("extras")
    names = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else ""
    marker = _poetry_marker(table)
    versions = poetry_versions(str(table.get("version", "*")))
    findings.ask(f"{name}{names}{versions}{f' ; {marker}' if marker else ''}", origin, use)


def poetry_versions(text: str) -> str:
    """Convert Poetry's version notation to PEP 440."""
    parts = [_poetry_part(part.strip()) for part in text.split("||")[0].split(",")]
    return ",".join(part for part in parts if part)


def admits(specifier: SpecifierSet, version: str) -> bool:
    """Tell whether a range holds a version; one without a readable version holds none."""
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _joined(first: Wanted, second: Wanted) -> Wanted:
    use = first.use if first.use == RUN else second.use or first.use
    better = second if second.exact and not first.exact else first
    joined = Requirement(str(better.requirement))
    joined.extras = first.requirement.extras | second.requirement.extras
    if not better.exact:
        joined.specifier = first.requirement.specifier & second.requirement.specifier
    return Wanted(joined, first.origin, use)


def _poetry_part(part: str) -> str:
    if part in ("", "*"):
        return ""
    if found := _CARET.fullmatch(part):
        return f">={found['version']},<{_caret_limit(found['version'])}"
    if found := _TILDE.fullmatch(part):
        numbers = Version(found["version"]).release
        limit = [numbers[0], numbers[1] + 1] if len(numbers) > 1 else [numbers[0] + 1]
        return f">={found['version']},<{'.'.join(map(str, limit))}"
    if part.endswith(".*"):
        return f"=={part.removeprefix('==')}"
    return f"=={part}" if _BARE.fullmatch(part) else part


def _caret_limit(version: str) -> str:
    """Return the version with its first part that is not zero raised, as ``^`` means it."""
    numbers = Version(version).release
    place = next((number for number, value in enumerate(numbers) if value), len(numbers) - 1)
    return ".".join(map(str, [*numbers[:place], numbers[place] + 1]))


def _poetry_marker(table: Mapping[str, object]) -> str:
    markers = [f"({table['markers']})"] if table.get("markers") else []
    if isinstance(python := table.get("python"), str):
        parts = filter(None, poetry_versions(python).split(","))
        markers += [_python_marker(part) for part in parts]
    if table.get("platform"):
        markers.append(f"sys_platform == '{table['platform']}'")
    return " and ".join(markers)


def _python_marker(part: str) -> str:
    found = re.match(r"(?P<operator>[<>=!~]+)\s*(?P<version>.+)", part)
    if not found:
        return ""
    return f"python_full_version {found['operator']} '{found['version']}'"
