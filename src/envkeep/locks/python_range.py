"""The Pythons of ``requires-python``, for each of which a lock of all groups must hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.locks import groups, package_index
from envkeep.project.metadata import python_version
from envkeep.toolchain import interpreters

PATCHES = 100  # more than any Python had


def asked_for() -> str:
    """Return ``requires-python`` of ``pyproject.toml``, an empty text without one."""
    _, content = groups.read()
    return str(content.get("project", {}).get("requires-python", ""))


def refuse_others() -> None:
    """Refuse Pythons for which the layers have no locks, or without the one of this machine.

    Raises:
        ToolError: ``requires-python`` is none, or names such Pythons.
    """
    asked, python = asked_for(), python_version()
    cure = f'write `requires-python = "=={python}.*"` in pyproject.toml'
    if not asked:
        raise ToolError(f"[project] has no requires-python: {cure}.")
    try:
        wanted = SpecifierSet(asked)
    except InvalidSpecifier as error:
        raise ToolError(f"requires-python is `{asked}`, which is no range: {cure}.") from error
    here = interpreters.whole_version()
    if not wanted.contains(here, prereleases=True):
        raise ToolError(f"requires-python `{asked}` does not admit Python {here} of here: {cure}.")
    major, minor = Version(python).release
    others = f"{major}.{minor - 1}.{PATCHES - 1}", f"{major}.{minor + 1}.0"
    if any(wanted.contains(each) for each in others):
        raise ToolError(
            f"requires-python `{asked}` admits other Pythons than {python}, and the layers are "
            f"locked for that one: {cure}."
        )


def first() -> str:
    """Return the earliest Python that locks for other machines hold for, with a patch if not .0."""
    found = None
    with suppress(ToolError, InvalidSpecifier):
        found = next(_admitted(asked_for()), None)
    return str(found) if found and found.micro else python_version()


def admits_the_same(asked: str, other: str) -> bool:
    """Tell whether two ranges admit the same patches of the project's Python."""
    with suppress(InvalidSpecifier):  # Poetry writes some ranges in words of its own
        return [*_admitted(asked)] == [*_admitted(other)]
    return False


def too_early(locked: Iterable[tuple[str, str]]) -> str | None:
    """Return the sentence about a version that is not for the earliest admitted patch of Python.

    Args:
        locked: The versions that the layers have, each with its package.
    """
    wanted = [each for each in locked if "+" not in each[1]]
    python = Version(first())
    try:
        pages = package_index.files_of([name for name, _ in wanted])
    except ToolError:
        return None
    for name, version in wanted:
        fit = package_index.fit(name, version, pages[name], python)
        if fit.requires_python:
            return for_later(name, version, fit.requires_python)
    return None


def for_later(name: str, version: str, needs: str) -> str:
    """Return the sentence about a version that is for later patches of Python alone.

    Args:
        name: Of the package.
        version: Which is asked for.
        needs: The Pythons that it is for.
    """
    range_ = json.dumps(f"=={python_version()}.*,{needs.replace(' ', '')}")
    return (
        f"{name} {version} is for Python {needs}, and requires-python in pyproject.toml admits "
        f"{first()}{'' if first().count('.') > 1 else '.0'}: write `requires-python = {range_}` "
        "there, or ask for another version"
    )


def _admitted(asked: str) -> Iterator[Version]:
    wanted = SpecifierSet(asked)
    patches = (Version(f"{python_version()}.{each}") for each in range(PATCHES))
    return filter(wanted.contains, patches)
