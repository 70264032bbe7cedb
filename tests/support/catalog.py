"""The catalog of hardware as the tests read it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from scripts.stack_catalog import Catalog, load_catalog
from scripts.stack_data import load_release
from scripts.stack_rows import Build
from tests.support.copier_runs import ROOT

STACK = ROOT / "stack"


@cache
def catalog() -> Catalog:
    """Return the catalog."""
    return load_catalog(STACK)


def builds() -> Sequence[Build]:
    """Return the builds of torch."""
    return catalog().builds


def companions() -> dict[str, str]:
    """Return the versions of the packages that are built together with torch."""
    return {row.package: row.version for row in catalog().companions}


@cache
def torch_version() -> str:
    """Return the stack's version of torch, without a label."""
    return load_release(STACK).torch
