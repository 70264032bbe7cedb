"""Command line of the commands that write generated files or check them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from maintain.errors import MaintainError
from maintain.files import changed_files, replace_files


def write_or_check(
    name: str,
    about: str,
    render: Callable[[Path], Mapping[Path, str]],
    arguments: Sequence[str] | None,
    root: Path,
) -> int:
    """Write the generated files that changed, or with `--check` say which would change.

    Args:
        name: Name of the command in scripts/.
        about: What it does, for `--help`.
        render: Returns the text of every generated file, by path in the repository.
        arguments: The command line; by default that of the process.
        root: The repository.

    Returns:
        0 when everything is written or up to date, 1 when `--check` found a difference, 2 after a
        failure.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it differs")
    options = parser.parse_args(arguments)
    try:
        changed = changed_files(root, render(root))
        if not options.check:
            replace_files({root / path: text for path, text in changed.items()})
    except MaintainError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    names = ", ".join(path.as_posix() for path in changed)
    if changed and options.check:
        differ = "differs" if len(changed) == 1 else "differ"
        print(f"{name}: {names} {differ}; run scripts/{name}.py.", file=sys.stderr)
        return 1
    print(f"{name}: wrote {names}" if changed else f"{name}: up to date")
    return 0


class Collect(Protocol):
    """What merges results of tests into files."""

    def __call__(self, results: Iterable[Path], root: Path, *, write: bool) -> list[Path]:
        """Return the files that changed, or would."""


def collect_or_check(
    about: str, collect: Collect, arguments: Sequence[str] | None, root: Path
) -> int:
    """Write a page from results of tests, or with `--check` say whether it would change.

    Args:
        about: What the command does, for `--help`.
        collect: Merges results into files and returns those that changed, or would.
        arguments: The command line; by default that of the process.
        root: The repository.

    Returns:
        0, or 1 after an error or if `--check` found a difference.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("results", nargs="*", type=Path, metavar="RESULTS.xml")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would")
    options = parser.parse_args(arguments)
    try:
        changed = collect(options.results, root, write=not options.check)
    except MaintainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path in changed:
        print(f"{'differs' if options.check else 'written'}: {path}")
    return 1 if options.check and changed else 0
