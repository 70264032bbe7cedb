"""Dependencies between changes of packages, from the metadata installed at both endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkeep.bisect.groups import Dependency
from envkeep.environments import integrity
from envkeep.environments.distributions import packages_folder
from envkeep.errors import ToolError
from envkeep.project.requirements import LAYERS, input_files, requirement_of, statements

Extras = dict[str, set[str]]


@dataclass(frozen=True)
class Installed:
    """The contents of an environment.

    Attributes:
        distributions: The installed distributions by name.
        markers: What requirements' markers compare, where this process has something else.
    """

    distributions: Mapping[str, Distribution]
    markers: Mapping[str, str]

    @classmethod
    def of(cls, environment: Path) -> Installed:
        """Read what is installed in an environment."""
        folder = packages_folder(environment)
        found = distributions(path=[str(folder)]) if folder else ()
        return cls(
            {canonicalize_name(each.name): each for each in found if each.name},
            _markers(integrity.version_of_python(environment)),
        )

    def needs_of(self, name: str, extras: Extras) -> Iterator[Requirement]:
        """Yield the requirements of an installed package, with its extras in use."""
        wanted = extras.get(name, set()) | {""}
        texts = self.distributions[name].requires or ()
        for requirement in filter(None, map(requirement_of, texts)):
            marker = requirement.marker
            if marker is None or any(
                marker.evaluate({**self.markers, "extra": extra}) for extra in wanted
            ):
                yield requirement

    def meets(self, requirement: Requirement) -> bool:
        """Tell whether what is installed satisfies a requirement."""
        found = self.distributions.get(canonicalize_name(requirement.name))
        return found is not None and requirement.specifier.contains(found.version, prereleases=True)

    def extras_in_use(self, written: Iterable[str]) -> Extras:
        """Return the extras that people, or installed packages, ask for, by package."""
        found: Extras = {}
        for requirement in filter(None, map(requirement_of, written)):
            _add(found, requirement)
        size = -1
        while size != (size := sum(map(len, found.values()))):
            for name in self.distributions:
                for requirement in self.needs_of(name, found):
                    _add(found, requirement)
        return found


def read_dependencies(
    good: Path, bad: Path, changed: Iterable[str], backend: str
) -> list[Dependency]:
    """Return the dependencies between changes, as the packages declare them.

    Args:
        good: The environment without any change.
        bad: The environment with all of them.
        changed: The names of the packages that changed.
        backend: What the environments are for.

    Raises:
        ToolError: The metadata of an installed package cannot be read.
    """
    try:
        return list(
            dependencies_between(changed, Installed.of(good), Installed.of(bad), _written(backend))
        )
    except (OSError, ValueError) as error:  # a marker or a version that is none is a ValueError
        raise ToolError(f"what the packages need cannot be read: {error}.") from error


def dependencies_between(
    changed: Iterable[str], good: Installed, bad: Installed, written: Iterable[str]
) -> Iterator[Dependency]:
    """Yield pairs of a change and another one that it needs.

    A new version can need another package's new version; and an old version can forbid it, so that
    the other one cannot change as long as it is old. What an end itself does not keep counts not.

    Args:
        changed: The names of the packages that changed.
        good: What is installed without any change.
        bad: What is installed with all of them.
        written: The requirements that people wrote.
    """
    names, written = set(changed), [*written]
    for own, other, is_new in ((bad, good, True), (good, bad, False)):
        extras = own.extras_in_use(written)
        for name in sorted(names & own.distributions.keys()):
            for requirement in own.needs_of(name, extras):
                needed = canonicalize_name(requirement.name)
                relevant = needed in names and needed != name
                if relevant and own.meets(requirement) and not other.meets(requirement):
                    version = own.distributions[name].version
                    reason = f"{name} {version} needs {requirement.name}{requirement.specifier}"
                    change, other_change = (name, needed) if is_new else (needed, name)
                    yield Dependency(change, other_change, reason)


def _markers(python: str | None) -> dict[str, str]:
    """Return the marker environment of a Python version, not necessarily this process's."""
    if python is None:
        return {}
    return {"python_full_version": python, "python_version": python.rpartition(".")[0]}


def _written(backend: str) -> list[str]:
    """Return the requirements that people wrote, with the extras that they ask for."""
    files = {path for layer in LAYERS for path in input_files(layer, backend) if path.exists()}
    return [line for path in sorted(files) for line in statements(path)]


def _add(found: Extras, requirement: Requirement) -> None:
    if requirement.extras:
        found.setdefault(canonicalize_name(requirement.name), set()).update(requirement.extras)
