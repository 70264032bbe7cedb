"""Where Poetry finds packages in tests: it does not read pip's settings."""

from __future__ import annotations

from pathlib import Path

from tests.support.loopback import index_of_this_machine


def add_source(project: Path) -> None:
    """Name the index that pip asks on this machine as the one of a project's Poetry."""
    address = f"{index_of_this_machine().rstrip('/')}/"
    source = f'name = "mirror"\nurl = "{address}"\npriority = "primary"\n'
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[[tool.poetry.source]]\n{source}")
