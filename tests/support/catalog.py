"""The catalog of hardware (``stack/*.yml``) as the tests read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import yaml

from maintain.stack.catalog import Catalog, load_catalog
from maintain.stack.rows import Build
from tests.support.copier_runs import ROOT

__all__ = [
    "ROOT",
    "STACK",
    "Row",
    "builds",
    "catalog",
    "checked_builds",
    "companions",
    "rows",
    "torch_version",
]

STACK = ROOT / "stack"

Row = Mapping[str, Any]


@cache
def rows(table: str) -> list[Row]:
    """Return the rows of a file of the stack by its name without suffix, as they stand there."""
    content: list[Row] = yaml.safe_load((STACK / f"{table}.yml").read_text(encoding="utf-8"))
    return content


def builds() -> list[Row]:
    """Return the builds of torch, as they stand in their file."""
    return rows("builds")


@cache
def catalog() -> Catalog:
    """Return the catalog as the scripts read it."""
    return load_catalog(STACK)


def checked_builds() -> Sequence[Build]:
    """Return the builds of torch as the scripts read them."""
    return catalog().builds


def companions(build: Build | None = None) -> dict[str, str]:
    """Return the versions of the packages that come from PyTorch's index as torch itself does.

    Args:
        build: The build whose index is meant; by default any.
    """
    rows = catalog().companions
    return {row.package: row.version for row in rows if not build or build.build not in row.not_for}


def torch_version() -> str:
    """Return the stack's version of torch, without a label."""
    version: str = rows("release")[0]["torch"]
    return version
