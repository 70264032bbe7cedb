"""List the environments of the project."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from envkeep.environments import store
from envkeep.files import in_words, size_of
from envkeep.result import Result
from envkeep.staging import staged

HELP = "list the environments: when, why, how large, which is active"
ALIASES = ("generations",)
HEADER = ("", "name", "for", "made", "size", "lock", "by")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> Result:
    """Return a row for each, the latest last; change nothing."""
    staged_well = {each.name: each.good for each in staged.kept()}
    data = [
        {
            "name": each.name,
            "kind": each.kind,
            "created": each.created,
            "size": size_of(each.folder),
            "lock_sha256": each.lock_sha256,
            "reason": each.reason,
            "active": store.is_active(each),
            "comparison": staged_well.get(each.name),
        }
        for each in store.complete()
    ]
    if not data:
        return Result([], ["There is no environment yet; `make install` makes one."])
    return Result(data, _aligned([HEADER, *map(_cells, data)]))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    judged = {None: "", True: " (good, not promoted)", False: " (bad)"}[row["comparison"]]
    return (
        "*" if row["active"] else "",
        row["name"],
        row["kind"],
        row["created"],
        in_words(row["size"]),
        row["lock_sha256"][:12],
        f"{row['reason']}{judged}",
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
