"""Where Poetry finds packages in tests: it does not read pip's settings."""

from __future__ import annotations

from pathlib import Path

from tests.support.loopback import index_of_this_machine


def add_source(project: Path, index: str = "") -> None:
    """Name an index, by default that which pip asks on this machine, as a project's Poetry's."""
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(_source(index))


def take_source(project: Path) -> None:
    """Take that index out again; uv would ask a project with tables of Poetry to be built."""
    path = project / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(_source(), ""), encoding="utf-8")


def _source(index: str = "") -> str:
    address = f"{(index or index_of_this_machine()).rstrip('/')}/"
    lines = f'name = "mirror"\nurl = "{address}"\npriority = "primary"\n'
    return f"\n[[tool.poetry.source]]\n{lines}"
