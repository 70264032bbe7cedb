"""Explain a failed lock or install: one sentence with the true cause and what to do.

Which package a resolver speaks of stands in its words; whether it exists, and for which Pythons, is
asked of the index. Where nobody answers, its words stand alone.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envkeep.errors import CommandError, ToolError
from envkeep.locks import package_index, python_range, resolver_output
from envkeep.locks.lock_set import pinned
from envkeep.locks.package_index import Fit
from envkeep.locks.resolver_output import FailedBuild
from envkeep.paths import LOCKS, OVERRIDES, ROOT, shown
from envkeep.project.metadata import python_version
from envkeep.project.requirements import Line, read_requirements, with_included
from envkeep.project.versions import has_other_major
from envkeep.redact import redactor
from envkeep.toolchain import interpreters

AT_MOST = 4  # packages that the index is asked about
ALIKE = 0.75
SHORT = 120  # characters of a reason
FAR_BEHIND = 365  # days before the newest release


@dataclass(frozen=True)
class Failure:
    """The failure of a resolver.

    Attributes:
        output: What it printed.
        sources: The requirements files that it was given.
        pins: The stack's pins that held.
    """

    output: str
    sources: Sequence[Path]
    pins: Sequence[Line] = ()

    def cause(self) -> str | None:
        """Return the cause and what to do, or None if requirements contradict each other."""
        found = self._bad_line() or of_build(self.output) or self._for_later_patches()
        return found or self._unavailable()

    def contradiction(self) -> str:
        """Return the sentence about requirements that contradict each other."""
        named = " with ".join(map(shown, self.sources))
        cure = (
            ", or name the version you need in requirements/overrides.txt"
            if any(self._mentions(pin) for pin in self.pins)
            else ""
        )
        return self._asked_twice() or (
            f"{named} does not go together with the earlier layers and the stack release (the "
            f"resolver's reason is above): ask for another version there{cure}"
        )

    def _mentions(self, pin: Line) -> bool:
        return resolver_output.mentions(self.output, pin.name, pin.exact_version)

    def _asked_twice(self) -> str | None:
        """Return the sentence about a version in a layer where the stack pins another one."""
        found = resolver_output.asked_twice(self.output)
        stack = {line.name: line.exact_version for line in self.pins}
        if not found or not stack.get(found[0]):
            return None
        name, pin = found[0], f"=={stack[found[0]]}"
        wanted = next(each for each in found[1:] if each != pin)
        return (
            f"{self._place(name)} asks for {name}{wanted}, and the stack release has {name}{pin}: "
            f"write `{name}` there, without a version, and `{name}{wanted}` into "
            "requirements/overrides.txt"
        )

    def _bad_line(self) -> str | None:
        found = resolver_output.bad_line(self.output)
        if not found:
            return None
        where, line = next(self._lines_with(found.text, found.part), ("", found.text))
        why = f" ({found.why})" if found.why else ""
        return _redacted(
            f"{where}`{line}` is no requirement{why}: write one such as `NAME==1.2` or `NAME>=1,<2`"
        )

    def _lines_with(self, start: str, part: str) -> Iterator[tuple[str, str]]:
        """Yield the user's lines that begin with a text and hold another, each with its place."""
        for path in self._files():
            for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
                if line.strip().startswith(start) and part in line:
                    yield f"{shown(path)}, line {number}: ", line.strip()

    def _unavailable(self) -> str | None:
        """Return the sentence about an unavailable package or version."""
        subjects = resolver_output.subjects(self.output)
        wanted = {name: version or self._version_of(name) for name, version in subjects}
        for name in resolver_output.without_match(self.output):
            if version := self._version_of(name):
                wanted.setdefault(name, version)
        try:
            found = package_index.fits([*wanted.items()][:AT_MOST])
        except ToolError:
            return self._not_had(*subjects[0]) if subjects else None
        for fit in found:
            if sentence := self._about(fit):
                parent = resolver_output.parent_of(fit.name, self.output)
                return f"{sentence} (asked for by {parent or self._place(fit.name)})"
        return None

    def _for_later_patches(self) -> str | None:
        """Return the sentence about a version that the Python of here can have, and earlier not."""
        for name, version, needs in resolver_output.for_pythons(self.output):
            if SpecifierSet(needs).contains(interpreters.whole_version(), prereleases=True):
                sentence = python_range.for_later(name, version, needs)
                return f"{sentence} (asked for by {self._place(name)})"
        return None

    def _not_had(self, name: str, version: str) -> str:
        """Return the sentence about a package that the index does not know."""
        return (
            f"{f'{name} {version}'.strip()} cannot be fetched from the package index "
            "(the resolver's reason is above): check the name, the version, and that the index "
            f"lets you in (asked for by {self._place(name)})"
        )

    def _about(self, fit: Fit) -> str | None:
        if not fit.is_known:
            is_missing = resolver_output.is_missing(self.output)
            return _no_such_package(fit.name, self.pins) if is_missing else None
        if not fit.version:
            return f"no version of {fit.name} is as asked for; {_newest(fit)}"
        if not fit.has_version:
            return f"{fit.name} has no version {fit.version}; {_newest(fit)}"
        return None if fit.by else no_wheel(fit)

    def _place(self, name: str) -> str:
        """Return the file of the user's that names a package, or all that were resolved."""
        for path in self._files():
            if any(line.name == canonicalize_name(name) for line in read_requirements(path)):
                return shown(path)
        return " with ".join(map(shown, self.sources))

    def _version_of(self, name: str) -> str:
        """Return the exact version of a package that the user's files name, or an empty text."""
        lines = (
            line for path in self._files() for line in read_requirements(path) if line.name == name
        )
        return next(filter(None, (line.exact_version for line in lines)), "")

    def _files(self) -> Iterator[Path]:
        yield from [OVERRIDES] if OVERRIDES.exists() else []
        for path in self.sources:
            yield from with_included(path)


def of_build(output: str) -> str | None:
    """Return the sentence about a package that could not be built, None if none was tried."""
    found = resolver_output.failed_build(output)
    if not found:
        return None
    why = "the reason is above"
    if found.needs:
        why = (
            f"its build needs {found.needs}, and the pinned build tools of "
            f"requirements/stack/toolchain.txt have {found.tools}"
        )
    elif found.why:
        why = _redacted(found.why[:SHORT].rstrip("."))
    title = f"{found.name} {found.version}".strip()
    return f"{title} {_wheels(found)}, and cannot be built from its source ({why})"


def of_install(error: ToolError) -> str:
    """Return why filling an environment failed; a failed build has its own sentence."""
    built = of_build(error.output) if isinstance(error, CommandError) else None
    return (built or str(error)).rstrip(".")


def no_wheel(fit: Fit) -> str:
    """Return the sentence about a version without support for this Python."""
    if python_version() in fit.pythons:
        return f"{fit.name} {fit.version} has no file for this platform; {_newest(fit)}"
    word = f"; it is for Python {fit.requires_python}" if fit.requires_python else ""
    near = f"the nearest version that has one is {fit.nearest}" if fit.nearest else _newest(fit)
    return f"{fit.name} {fit.version} {_has_none(fit.pythons)}{word}; {near}"


def is_far_behind(fit: Fit) -> bool:
    """Tell whether a version is far older than the newest one that this Python can have.

    An index that says no dates is judged by numbers: the first of a version and of the newest.
    """
    if fit.days_behind is None:
        return bool(fit.newest) and has_other_major(fit.version, fit.newest[0])
    return fit.days_behind > FAR_BEHIND


def far_behind(fit: Fit, place: str) -> str:
    """Return the sentence about a version that a resolver fell back to.

    Args:
        fit: What the index says of it.
        place: The file that asks for the package.
    """
    newest = fit.newest[0]
    years = f", released {fit.days_behind / 365:.1f} years before it" if fit.days_behind else ""
    return (
        f"{fit.name} fell back from {newest} to {fit.version}{years}, as no newer version goes "
        f"with the rest: write `{fit.name}>={newest}` in {place} to see what stands against it, or "
        f"`{fit.name}>={fit.version}` if the old one will do"
    )


def withdrawn(fit: Fit) -> str:
    """Return the note on a version that its makers withdrew."""
    reason = f" ({' '.join(fit.yanked.split())})" if fit.yanked else ""
    return f"{fit.name} {fit.version} was withdrawn by its makers{reason}"


def _wheels(built: FailedBuild) -> str:
    """Return what the index says of the wheels of a version that was to be built."""
    try:
        (fit,) = package_index.fits([(canonicalize_name(built.name), built.version)])
    except (ToolError, ValueError):
        return _has_none(())
    return _has_none(fit.pythons, fit.nearest)


def _has_none(pythons: Sequence[str], other: str | None = None) -> str:
    """Return which wheels exist in place of the missing one for this Python.

    Args:
        pythons: Those that have one.
        other: The version that has one for this Python.
    """
    others = (
        [f"it has for {' to '.join(dict.fromkeys((pythons[0], pythons[-1])))}"] if pythons else []
    )
    others += [f"{other} has one"] if other else []
    told = f" ({', '.join(others)})" if others else ""
    return f"has no wheel for Python {python_version()}{told}"


def _no_such_package(name: str, pins: Iterable[Line]) -> str:
    locked = (each for path in LOCKS.glob("*/[0-9]*.txt") for each in pinned(path))
    known = sorted({*(line.name for line in pins), *locked})
    near = difflib.get_close_matches(name, known, n=2, cutoff=ALIKE)
    meant = f"perhaps {' or '.join(near)} is meant" if near else "check how it is spelled"
    return f"the package index has no package {name}; {meant}"


def _newest(fit: Fit) -> str:
    if not fit.newest:
        return f"it has none for Python {python_version()}"
    return f"the newest for Python {python_version()}: {', '.join(fit.newest)}"


def _redacted(text: str) -> str:
    return redactor(os.environ, ROOT)(text)
