"""A package manager's own lock of all groups: made from the layers' locks, proved equal to them.

Such a package manager resolves all groups at once, so a group could move what another one has. That
is why the layers decide: it is given the versions that they have, and what it then exports for each
target must be what its layers have.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from envkeep.errors import CommandError, ToolError
from envkeep.locks import groups, python_range
from envkeep.locks.groups import LayerGroups
from envkeep.locks.lock_set import Locks, entries_of, pinned
from envkeep.paths import LOCKS, PYPROJECT, ROOT
from envkeep.process import say
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.project.target import Target, targets, targets_here
from envkeep.toolchain import interpreters


@dataclass(frozen=True)
class GroupLock(ABC):
    """The lock of a package manager, beside those of the layers.

    Attributes:
        answer: The package manager, as the answer and its program are called.
        knows: What the package manager is to know of some targets.
        path: Where its lock lies.
    """

    answer: str
    knows: type[LayerGroups]
    path: Path

    @abstractmethod
    def resolve(self, folder: Path, text: str, project: LayerGroups) -> None:
        """Write ``pyproject.toml`` and the lock into a folder, which may hold the lock so far.

        Raises:
            CommandError: Nothing fits, or the network cannot be reached.
        """

    @abstractmethod
    def pythons_in(self, lock: Mapping[str, Any]) -> str:
        """Return which Pythons a lock is for, as a range."""

    @abstractmethod
    def exported(
        self, folder: Path, project: LayerGroups, backend: str, wanted: Sequence[str]
    ) -> list[str] | None:
        """Return what it would install of some groups everywhere; None if it cannot say."""

    @abstractmethod
    def foreign_source(self, text: str, content: Mapping[str, Any]) -> str:
        """Return which package or index somebody named beside those that are made, and the way out.

        Args:
            text: The text of ``pyproject.toml``.
            content: What it says.
        """

    def refuse(self) -> None:
        """Refuse a project that it cannot lock.

        Raises:
            ToolError: It is one.
        """
        python_range.refuse_others()

    def project(self, top: Path | None = None) -> LayerGroups:
        """Return what it is to know of what is locked, in another folder of locks too."""
        return self.knows(locked_targets(top), top)

    def write(self, top: Path) -> None:
        """Make ``pyproject.toml`` and the lock beside the new locks in a stand-in for the project.

        Args:
            top: The folder of the new locks of all targets there.

        Raises:
            ToolError: It finds no resolution, or another one than the layers have.
        """
        folder = top.parents[len(LOCKS.relative_to(ROOT).parts) - 1]
        project = self.project(top)
        text, _ = groups.read()
        wanted = project.replaced_in(text, project.text())
        if wanted == text and self._is_for_its_pythons() and not self.problems(project, ROOT):
            return
        say(f"Writing {self.path.name}: the same versions, for {self.knows.title}.")
        if self.path.exists():
            shutil.copy2(self.path, folder / self.path.name)
        try:
            self.resolve(folder, text, project)
        except CommandError as error:
            raise ToolError(
                f"{self._why_not(project)}; the locks were left as they were."
            ) from error
        (folder / PYPROJECT.name).write_text(wanted, encoding="utf-8", newline="\n")
        wrong = self.problems(project, folder)
        if wrong:
            raise ToolError(
                f"{self.knows.title} does not resolve to what the layers have, and the locks were "
                f"left as they were: {wrong[0]}."
            )

    def _is_for_its_pythons(self) -> bool:
        """Tell whether its lock is there, and for the Pythons that the project asks for."""
        if not self.path.exists():
            return False
        lock = groups.parsed(self.path.read_text(encoding="utf-8"))
        return python_range.admits_the_same(python_range.asked_for(), self.pythons_in(lock))

    def _why_not(self, project: LayerGroups) -> str:
        """Return why no lock can be made from what the layers have."""
        locks = (Locks(target, project.locks) for target in project.targets)
        files = (each.file(layer) for each in locks for layer in layers())
        locked = {row for file in files if file.exists() for row in pinned(file).items()}
        return python_range.too_early(sorted(locked)) or (
            f"{self.path.name} cannot be made from what the layers have ({self.knows.title}'s "
            "reason is above)"
        )

    def problems(self, project: LayerGroups, folder: Path) -> list[str]:
        """Return how its lock differs from the layers' locks, as the ends of sentences.

        Args:
            project: What it knows, and where the locks lie.
            folder: Where its lock lies.
        """
        found: list[str] = []
        for backend in project.backends:
            for chosen in (layers(), PRODUCTION_LAYERS):
                if not {*chosen} <= {*layers()}:
                    continue
                lines = self.exported(folder, project, backend, project.names(backend, chosen))
                if lines is None:
                    return [f"{self.knows.title} cannot read it, or it has other groups"]
                for target in project.of_backend(backend):
                    locks = Locks(target, project.locks)
                    found += self._differences(lines, target, locks, chosen)
        return found

    def freshness(self) -> list[str]:
        """Return why ``pyproject.toml`` and the lock are not what locks and requirements give.

        Raises:
            ToolError: The package manager failed for another reason.
        """
        project = self.project()
        text, _ = groups.read()
        if project.replaced_in(text, project.text()) != text:
            return ["pyproject.toml: its groups and pins are not those of requirements/"]
        if not self.path.exists():
            return [f"{self.path.name} is missing"]
        return [f"{self.path.name}: {each}" for each in self.problems(project, ROOT)]

    def remove(self) -> None:
        """Take what was made for it out of a project that has another package manager."""
        if not PYPROJECT.exists():
            return
        text = PYPROJECT.read_text(encoding="utf-8")
        rest = self.knows.without(text)
        if rest != text:
            PYPROJECT.write_text(rest, encoding="utf-8", newline="\n")
            self.path.unlink(missing_ok=True)
            say(
                f"{self.path.name} and the tables of {self.knows.title} in pyproject.toml were "
                "removed."
            )

    def _differences(
        self, lines: Iterable[str], target: Target, locks: Locks, chosen: Sequence[str]
    ) -> Iterator[str]:
        """Yield how what it would install on a target differs from the locks of some layers."""
        here = target in targets_here()  # whose layers are locked for the very Python of here
        python = interpreters.whole_version() if here else python_range.first()
        environment = groups.environment_of(target.platform, python)
        there = {
            _without_name(line.partition(" ; ")[0].strip())
            for line in lines
            if groups.holds(line, environment)
        }
        wanted = {
            _without_name(entry.requirement)
            for layer in chosen
            if locks.file(layer).exists()
            for entry in entries_of(locks.file(layer))
        }
        where = f"{target.name}, {' '.join(groups.group_of(each) for each in chosen)}"
        for each in sorted(there ^ wanted):
            yield f"{where}: {each} is only in {self.path.name if each in there else 'the layers'}"


def _without_name(requirement: str) -> str:
    """Return the address alone where a requirement has one, as uv exports that of a file."""
    return unquote(requirement.rpartition(" @ ")[2])


def locked_targets(top: Path | None = None) -> tuple[Target, ...]:
    """Return the targets that have locks, in the project or in another folder of locks."""
    places = [LOCKS, *([top] if top else [])]
    return tuple(
        each for each in targets() if any((place / each.name).exists() for place in places)
    )
