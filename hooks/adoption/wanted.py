"""The requirements of a repository, from whatever kind of file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

RUN = "run"
DEVELOP = "develop"
UNSAID = ""
NO_HASH = "a repository or a folder has no hash to lock; name a release or an archive's address"
NOT_IN_GIT = "its address holds a password, which no file in git may; write it without"
_CARET = re.compile(r"\^(?P<version>\S+)")
_TILDE = re.compile(r"~(?P<version>\d\S*)")
_BARE = re.compile(r"\d[\w.+!*]*")
_ELSEWHERE = re.compile(r"(git|hg|svn|bzr)\+|(git|ssh|file):|git@")


@dataclass(frozen=True)
class Wanted:
    """A package that a repository requires.

    Attributes:
        requirement: Name, extras, versions and marker.
        origin: The file that says so.
        use: Whether it says that the package needs it to run, or only to be developed.
        locked: The version that a lock of the repository holds, "" if there is none.
        group: The optional part that asks for it, "" if everybody needs it.
    """

    requirement: Requirement
    origin: str
    use: str = UNSAID
    locked: str = ""
    group: str = ""

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
        needs: What each package of a lock needs, by name; empty without such a lock.
        skipped: What cannot be carried over, with the reason.
        uninstallable: What of that the package declares to need, so that `pip check` misses it.
        ties: Packages that come from an index of their own, by its name and address.
        contradictions: Two lines that cannot both hold, in sentences that say which counts.
        chosen: Names of optional parts that the user wants too.
        apart: Names of optional parts that the user wants in environments of their own.
    """

    wanted: list[Wanted] = field(default_factory=list)
    indexes: list[tuple[str, str]] = field(default_factory=list)
    builds: list[tuple[str, str]] = field(default_factory=list)
    pythons: list[tuple[str, str]] = field(default_factory=list)
    locked: dict[str, str] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    uninstallable: list[str] = field(default_factory=list)
    ties: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    chosen: Collection[str] = ()
    apart: Collection[str] = ()

    def ask(self, text: str, origin: str, use: str = UNSAID, group: str = "") -> None:
        """Add a requirement as PEP 508 writes it, or say why it cannot be."""
        text = text.strip()
        if _ELSEWHERE.match(text):
            self.leave(text, origin, NO_HASH, use)
            return
        try:
            requirement = Requirement(_named(text))
        except InvalidRequirement:
            what = "an address without a name: write `NAME @ ADDRESS`"
            is_address = re.match(r"https?://", text)
            reason = what if is_address else "not a requirement that can be read"
            self.skipped.append((text, f"{origin}: {reason}"))
            return
        if requirement.url and _ELSEWHERE.match(requirement.url):
            self.leave(text, origin, NO_HASH, use)
            return
        if requirement.url and without_password(requirement.url) != requirement.url:
            self.leave(without_password(text), origin, NOT_IN_GIT, use)
            return
        self.wanted.append(Wanted(requirement, origin, use, group=group))

    def leave(self, text: str, origin: str, reason: str, use: str = UNSAID) -> None:
        """Leave out what cannot be locked, and say so."""
        self.skipped.append((text, f"{origin}: {reason}"))
        self.uninstallable += [text] if use == RUN else []

    def optional(self) -> Mapping[str, list[Wanted]]:
        """Return the optional parts that were not chosen, each with its packages."""
        parts: dict[str, list[Wanted]] = {}
        for each in self.wanted:
            if each.group and each.group not in self.chosen:
                parts.setdefault(each.group, []).append(each)
        return parts

    def groups(self) -> list[str]:
        """Return the names of all optional parts."""
        return list(dict.fromkeys(each.group for each in self.wanted if each.group))

    def indirect(self) -> dict[str, str]:
        """Return the locked versions of what the code needs without asking for it."""
        asked = [each.name for each in self.once_each() if each.use != DEVELOP]
        reached = set(asked)
        while asked:
            new = self.needs.get(asked.pop(), set()) - reached
            reached |= new
            asked += new
        names = reached - {each.name for each in self.wanted}
        return {name: self.locked[name] for name in sorted(names) if name in self.locked}

    def once_each(self) -> list[Wanted]:
        """Return every package once, in the order of its first mention, with its locked version.

        A package that one file needs to run is needed to run, and one that is not only developed
        with is no tool of development; an exact version wins over a range. Of two lines that
        cannot both hold the first counts, and ``contradictions`` says so.
        """
        found: dict[tuple[str, str], Wanted] = {}
        self.contradictions = []
        for each in self.wanted:
            if each.group and each.group not in self.chosen:
                continue
            key = (each.name, str(each.requirement.marker or ""))
            found[key] = self._joined(found[key], each) if key in found else each
        return [replace(each, locked=self.locked.get(each.name, "")) for each in found.values()]

    def _joined(self, first: Wanted, second: Wanted) -> Wanted:
        use = _use(first.use, second.use)
        if not _can_both_hold(first, second):
            self.contradictions.append(
                f"{first.origin} asks for {_versions(first)}, {second.origin} for "
                f"{_versions(second)}: the first counts."
            )
            return replace(first, use=use)
        better = second if second.exact and not first.exact else first
        joined = Requirement(str(better.requirement))
        joined.extras = first.requirement.extras | second.requirement.extras
        if not better.exact:
            joined.specifier = first.requirement.specifier & second.requirement.specifier
        return Wanted(joined, better.origin, use)


def from_poetry(
    name: str, wanted: object, origin: str, use: str, findings: Findings, group: str = ""
) -> None:
    """Add a dependency as Poetry writes it: a version, a table, or a list of tables."""
    if isinstance(wanted, list):
        for each in wanted:
            from_poetry(name, each, origin, use, findings, group)
        return
    table: Mapping[str, object] = wanted if isinstance(wanted, Mapping) else {"version": wanted}
    foreign = next((key for key in ("git", "path", "url") if key in table), "")
    if foreign:
        findings.leave(f"{name} ({foreign} {table[foreign]})", origin, NO_HASH)
        return
    extras = table.get("extras")
    names = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else ""
    marker = _poetry_marker(table)
    versions = poetry_versions(str(table.get("version", "*")))
    findings.ask(f"{name}{names}{versions}{f' ; {marker}' if marker else ''}", origin, use, group)


def poetry_versions(text: str) -> str:
    """Convert Poetry's version notation to PEP 440.

    Of alternatives (``||``), which PEP 440 cannot say, the range that holds them all is returned.
    A text that is no version notation comes back as it is.
    """
    try:
        alternatives = [_poetry_range(part) for part in re.split(r"\|\|?", text)]
    except (InvalidVersion, ValueError, IndexError):
        return text
    if len(alternatives) == 1:
        return ",".join(alternatives[0])
    lower = [_bound(each, (">", "==")) for each in alternatives]
    upper = [_bound(each, ("<", "==")) for each in alternatives]
    ends = []
    if all(lower):
        ends.append(f">={min(lower, key=Version)}")
    if all(upper):
        highest = max(upper, key=Version)
        is_open = any(part == f"<{highest}" for each in alternatives for part in each)
        ends.append(f"{'<' if is_open else '<='}{highest}")
    return ",".join(ends)


def admits(specifier: SpecifierSet, version: str) -> bool:
    """Tell whether a range holds a version; one without a readable version holds none."""
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def without_password(address: str) -> str:
    """Return an address without what authenticates there."""
    return re.sub(r"(?<=//)[^@/\s]*@", "", address)


def _named(text: str) -> str:
    """Return a bare address of an archive with the name that its file tells."""
    if not re.match(r"https?://", text):
        return text
    file = text.partition("#")[0].partition("?")[0].rpartition("/")[2]
    try:
        parse = parse_wheel_filename if file.endswith(".whl") else parse_sdist_filename
        return f"{parse(file)[0]} @ {text}"
    except (InvalidWheelFilename, InvalidSdistFilename):
        return text


def _use(first: str, second: str) -> str:
    if RUN in (first, second):
        return RUN
    return UNSAID if UNSAID in (first, second) else DEVELOP


def _versions(wanted: Wanted) -> str:
    return f"{wanted.requirement.name}{wanted.requirement.specifier}"


def _can_both_hold(first: Wanted, second: Wanted) -> bool:
    """Tell whether some version is in both ranges; only their ends, and beside them, are tried."""
    both = first.requirement.specifier & second.requirement.specifier
    ends = {each.version.removesuffix(".*") for each in both}
    if not ends:
        return True
    beside = {f"{end}{more}" for end in ends for more in ("", ".0.1", ".1")} | {"0", "99999"}
    if any(admits(both, each) for each in beside):
        return True
    first_labels, second_labels = first.label, second.label
    plain = first.exact.partition("+")[0]
    return bool(first_labels or second_labels) and plain == second.exact.partition("+")[0]


def _poetry_range(text: str) -> list[str]:
    joined = re.sub(r"([<>=!~^])\s+", r"\1", text.strip())
    parts = re.split(r"\s*,\s*|\s+", joined)
    return [found for part in parts if (found := _poetry_part(part))]


def _poetry_part(part: str) -> str:
    part = re.sub(r"\.[xX]\b", ".*", part)
    if part in ("", "*"):
        return ""
    if found := _CARET.fullmatch(part):
        version = found["version"].removesuffix(".*")
        return f">={version},<{_caret_limit(version)}"
    if found := _TILDE.fullmatch(part):
        version = found["version"].removesuffix(".*")
        numbers = Version(version).release
        limit = [numbers[0], numbers[1] + 1] if len(numbers) > 1 else [numbers[0] + 1]
        return f">={version},<{'.'.join(map(str, limit))}"
    if part.endswith(".*") and not part.startswith("!="):
        return f"=={part.removeprefix('==')}"
    return f"=={part}" if _BARE.fullmatch(part) else part


def _bound(parts: Iterable[str], starts: tuple[str, ...]) -> str:
    """Return the version at one end of a range, "" if it is open there."""
    for part in (each for whole in parts for each in whole.split(",")):
        if part.startswith(starts):
            return part.lstrip("<>=").removesuffix(".*")
    return ""


def _caret_limit(version: str) -> str:
    """Return the version with its first part that is not zero raised, as ``^`` means it."""
    numbers = Version(version).release
    place = next((number for number, value in enumerate(numbers) if value), len(numbers) - 1)
    return ".".join(map(str, [*numbers[:place], numbers[place] + 1]))


def _poetry_marker(table: Mapping[str, object]) -> str:
    markers = [f"({table['markers']})"] if table.get("markers") else []
    if isinstance(python := table.get("python"), str):
        parts = filter(None, poetry_versions(python).split(","))
        markers += [marker for part in parts if (marker := _python_marker(part))]
    if table.get("platform"):
        markers.append(f"sys_platform == '{table['platform']}'")
    return " and ".join(markers)


def _python_marker(part: str) -> str:
    found = re.match(r"(?P<operator>[<>=!~]+)\s*(?P<version>.+)", part)
    if not found:
        return ""
    return f"python_full_version {found['operator']} '{found['version']}'"


def without(wanted: Iterable[Wanted], names: Set[str]) -> list[Wanted]:
    """Return the packages but those of some names."""
    return [each for each in wanted if each.name not in names]
