"""List the environments that are there."""

from __future__ import annotations

import argparse

from envkeep.environments import store
from envkeep.files import in_words, size_of
from envkeep.process import say
from envkeep.staging import staged

HELP = "list the environments: when and why they were made, their size, which one is active"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each, the latest last; changes nothing."""
    tried = {each.name: each for each in staged.kept()}
    rows = [("", "name", "for", "made", "size", "lock", "by")]
    for generation in store.complete():
        verdict = tried.get(generation.name)
        rows.append(
            (
                "*" if store.is_active(generation) else "",
                generation.name,
                generation.kind,
                generation.created,
                in_words(size_of(generation.folder)),
                generation.lock_sha256[:12],
                generation.reason + (f" ({_in_words(verdict.good)})" if verdict else ""),
            )
        )
    if len(rows) == 1:
        say("There is no environment yet; `make install` makes one.")
        return 0
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _in_words(good: bool) -> str:
    return "good, not promoted" if good else "bad"
