"""``uv.lock``: made from the layers' locks, and proved equal to them.

Each version that the layers have is given to uv for a first resolution, whose result a second one
keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envkeep.errors import CommandError
from envkeep.locks.group_lock import GroupLock
from envkeep.locks.groups import LayerGroups, group_of
from envkeep.locks.uv_project import TIED, UvProject
from envkeep.paths import INDEXES, PYPROJECT, UV_LOCK, shown
from envkeep.process import run
from envkeep.project.requirements import Line, layers, lines_of
from envkeep.toolchain import interpreters, locking_tools

EXPORT = ("export", "--frozen", "--quiet", "--no-hashes", "--no-annotate", "--no-header")


class UvLock(GroupLock):
    """The lock of uv."""

    def resolve(self, folder: Path, text: str, project: LayerGroups) -> None:
        """Resolve with what the layers have, then again with what the file really says."""
        uv = UvProject(project.targets, project.locks)
        constraints, apart = project.pins()
        of_groups = {
            group_of(layer, backend): lines
            for backend, lines in apart.items()
            for layer in layers()
        }
        for tables in (uv.text(constraints, of_groups), uv.text()):
            wanted = project.replaced_in(text, tables)
            (folder / PYPROJECT.name).write_text(wanted, encoding="utf-8", newline="\n")
            _lock(folder)

    def exported(
        self, folder: Path, project: LayerGroups, backend: str, wanted: Sequence[str]
    ) -> list[str] | None:
        """Return what uv would install of some groups everywhere; None if it cannot say."""
        python = interpreters.find_interpreter()
        command = [locking_tools.tool("uv"), *EXPORT, "--no-emit-project", "--project", folder]
        command += [part for group in wanted for part in ("--only-group", group)]
        done = run([*command, "--python", python], env=variables(), mode="capture", check=False)
        return lines_of(done.text) if not done.code else None

    def pythons_in(self, lock: Mapping[str, Any]) -> str:
        """Return which Pythons a lock is for, as a range."""
        return str(lock.get("requires-python", ""))

    def foreign_source(self, text: str, content: Mapping[str, Any]) -> str:
        """Return which package comes from elsewhere by ``[tool.uv.sources]``, and the way out."""
        sources = content.get("tool", {}).get("uv", {}).get("sources", {})
        made = content.get("dependency-groups", {}).get(TIED, [])
        known = {*self.project().torch_packages, *self.project().tied, *made}
        foreign = [name for name in sources if Line.of(name).name not in known]
        if not foreign:
            return ""
        source = sources[foreign[0]]
        if isinstance(source, Mapping) and "index" in source:
            return (
                f"{foreign[0]} is tied to an index by [tool.uv.sources], which `make lock` makes: "
                f"write the index and the package into {shown(INDEXES)} and take both out there."
            )
        return (
            f"{foreign[0]} comes from a repository or a folder by [tool.uv.sources], so it has no "
            "hash: name a released version or the address of an archive "
            f"(`uv remove {foreign[0]}`, then `uv add '{foreign[0]} @ https://...'`)."
        )


def _lock(folder: Path) -> None:
    """Resolve a project as its users do: with their settings of uv, and no others.

    Raises:
        ToolError: uv's cache is damaged.
        CommandError: Nothing fits, or the network cannot be reached.
    """
    python = interpreters.find_interpreter()
    command = [locking_tools.tool("uv"), "lock", "--quiet", "--project", folder]
    try:
        run([*command, "--python", python], env=variables(), mode="quiet")
    except CommandError as error:
        locking_tools.refuse_damaged_cache(error)
        raise


def variables() -> dict[str, str]:
    """Return what uv needs to reach an index on this machine; the index is the user's own."""
    settings = locking_tools.uv_settings()
    return {
        "UV_PYTHON_DOWNLOADS": "never",
        **{name: value for name, value in settings.items() if name == "SSL_CERT_FILE"},
    }


UV = UvLock("uv", UvProject, UV_LOCK)
