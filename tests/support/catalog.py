"""The catalog of hardware (``stack/*.yml``) as the tests read it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT / "stack"

Row = Mapping[str, Any]


@cache
def rows(table: str) -> list[Row]:
    """Return the rows of a file of the stack by its name without suffix."""
    content: list[Row] = yaml.safe_load((STACK / f"{table}.yml").read_text(encoding="utf-8"))
    return content


def builds() -> list[Row]:
    """Return the builds of torch."""
    return rows("builds")


def build(name: str) -> Row:
    """Return one build of torch by its name."""
    return next(row for row in builds() if row["build"] == name)


def companions() -> dict[str, str]:
    """Return the versions of the packages that are built together with torch."""
    return {row["package"]: row["version"] for row in rows("companions")}


def torch_version() -> str:
    """Return the stack's version of torch, without a label."""
    version: str = rows("release")[0]["torch"]
    return version
