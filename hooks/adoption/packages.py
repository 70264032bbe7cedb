"""What ``packages.yml`` knows of packages: layers, names of imports, names of conda."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGES = Path(__file__).resolve().parent / "packages.yml"


@cache
def package_lists() -> Mapping[str, Any]:
    """Return ``packages.yml``."""
    content: Mapping[str, Any] = yaml.safe_load(PACKAGES.read_text(encoding="utf-8"))
    return content


def listed(name: str, kind: str) -> bool:
    """Tell whether a package is one of a kind: ``lint`` or ``dev``."""
    lists = package_lists()
    return name in lists[kind] or name.startswith(tuple(lists[f"{kind}_prefixes"]))


def package_of_import(module: str) -> str:
    """Return the package whose top module is imported, as PyPI spells it; "" if none is known."""
    lists = package_lists()
    if module in lists["imports"]:
        return str(lists["imports"][module])
    name = module.lower().replace("_", "-")
    return name if name in known() else ""


@cache
def known() -> Collection[str]:
    """Return the packages that conda's channels and PyPI call by the same name."""
    lists = package_lists()
    names = {*lists["known"], *lists["imports"].values(), *lists["conda_names"].values()}
    return frozenset(names.union(*(lists[kind] for kind in ("lint", "dev", "prod"))))
