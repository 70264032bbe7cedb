"""``poetry.lock``: made from the layers' locks, and proved equal to them by ``poetry export``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from envkeep.errors import ToolError
from envkeep.locks import groups
from envkeep.locks.group_lock import GroupLock
from envkeep.locks.groups import LayerGroups
from envkeep.locks.poetry_project import PINS, PoetryProject
from envkeep.locks.torch_builds import project_index, torch_build
from envkeep.paths import POETRY_LOCK, PYPROJECT
from envkeep.process import run
from envkeep.project.requirements import Line, lines_of
from envkeep.project.target import declared, for_cpu
from envkeep.toolchain import locking_tools
from envkeep.toolchain.pinned_tools import POETRY as TOOLS

EXPORT = ("export", "--no-interaction", "--without-hashes", "--without-urls")


class PoetryLock(GroupLock):
    """The lock of Poetry."""

    def refuse(self) -> None:
        """Refuse a project that Poetry cannot lock.

        Raises:
            ToolError: It has several GPU backends, its torch comes from a folder, or it asks for
                Pythons for which the layers have no locks.
        """
        super().refuse()
        gpus = [each for each in declared() if each != "cpu"]
        if len(gpus) > 1:
            raise ToolError(
                f"Poetry locks the CPU and one GPU backend, and this project has {', '.join(gpus)}:"
                " answer `backends` with one of them, or `package_manager` with uv or pip-tools "
                '(`make update ARGS="--data package_manager=uv"`).'
            )
        if torch_build(for_cpu()) and project_index(for_cpu())[1]:
            raise ToolError(
                "Poetry takes torch's wheels from an address, and the answer torch_index names a "
                "folder: answer it with an address, or package_manager with uv or pip-tools."
            )

    def resolve(self, folder: Path, text: str, project: LayerGroups) -> None:
        """Resolve as the project's users do, with their settings of Poetry.

        Raises:
            CommandError: Nothing fits, or the network cannot be reached.
        """
        wanted = project.replaced_in(text, project.text())
        (folder / PYPROJECT.name).write_text(wanted, encoding="utf-8", newline="\n")
        command = [TOOLS.tool("poetry"), "lock", "--no-interaction", "--project", folder]
        run(command, env=variables(), mode="quiet")

    def pythons_in(self, lock: Mapping[str, Any]) -> str:
        """Return which Pythons a lock is for, as a range."""
        return str(lock.get("metadata", {}).get("python-versions", ""))

    def exported(
        self, folder: Path, project: LayerGroups, backend: str, wanted: Sequence[str]
    ) -> list[str] | None:
        """Return what Poetry would install of some groups everywhere; None if it cannot say."""
        command = [TOOLS.tool("poetry"), *EXPORT, "--project", folder, "--only", ",".join(wanted)]
        command += [f"--extras={each}" for each in project.extras(backend)]
        done = run(command, env=variables(), mode="capture", check=False)
        return lines_of(done.text) if not done.code else None

    def foreign_source(self, text: str, content: Mapping[str, Any]) -> str:
        """Return what somebody named in the tables of Poetry alone, and the way out."""
        table = content.get("tool", {}).get("poetry", {})
        for name in table.get("dependencies", {}):
            if name != "python":
                return (
                    f"{name} stands in [tool.poetry.dependencies], which is no layer: `poetry "
                    f"remove {name}`, then `poetry add --group prod {name}`."
                )
        for group, name in self._foreign(table):
            return (
                f"{name} has settings in [tool.poetry.group.{group}.dependencies], which no layer "
                f"can have: `poetry remove --group {group} {name}`, then add a released version, "
                f"or an address as in `poetry add --group {group} '{name} @ https://...'`."
            )
        above = groups.parsed(self.knows.without(text))
        own = {each["name"] for each in _sources(above)}
        own |= set(_tied(content).values())
        for source in _sources(content):
            if source["name"] not in own and not source["name"].startswith("pytorch-"):
                return (
                    f"the source {source['name']} stands among what `make lock` makes in "
                    "pyproject.toml: move its lines above the mark, as a mirror of PyPI "
                    '(`priority = "primary"`).'
                )
        return ""

    def _foreign(self, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        known = {*self.project().torch_packages, *_tied({"tool": {"poetry": table}})}
        for group, settings in table.get("group", {}).items():
            for name in settings.get("dependencies", {}) if group != PINS else ():
                if Line.of(name).name not in known:
                    yield group, name


def variables() -> dict[str, str]:
    """Return what keeps Poetry from environments of the project, and reaches an index from here."""
    certificates = locking_tools.pip_settings().get("cert")
    return {
        "POETRY_VIRTUALENVS_CREATE": "false",
        "POETRY_VIRTUALENVS_IN_PROJECT": "false",
        **({"REQUESTS_CA_BUNDLE": certificates} if certificates else {}),
    }


def _tied(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the packages that were tied to an index when the tables were made, and its name."""
    pins = content.get("tool", {}).get("poetry", {}).get("group", {}).get(PINS, {})
    rows = pins.get("dependencies", {}).items()
    each = {name: row[0] if isinstance(row, list) and row else row for name, row in rows}
    return {
        name: row["source"]
        for name, row in each.items()
        if isinstance(row, Mapping) and "source" in row
    }


def _sources(content: Mapping[str, Any]) -> list[dict[str, str]]:
    found = content.get("tool", {}).get("poetry", {}).get("source", [])
    return [each for each in found if "name" in each]


POETRY = PoetryLock("poetry", PoetryProject, POETRY_LOCK)
