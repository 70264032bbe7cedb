"""Check what makes a file unfit for git, whatever is in it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from envkeep.process import run as run_program
from envkeep.result import FAILED, Result

HELP = "check files for git: last line, conflicts, leftovers of updates, size; the hooks call it"
LARGEST = 1_000_000  # bytes
TEXT_HEAD = 8000  # bytes in which a binary file has a zero, as git decides it
CONFLICT = re.compile(rb"^(<{7}|\|{7}|>{7})( |\r?$)", re.MULTILINE)
LEFTOVERS = (".rej", ".orig")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="path from here")


def run(arguments: argparse.Namespace) -> Result:
    """Return one line per problem; it fails if there is one."""
    problems = [line for path in arguments.files for line in problems_of(Path(path), path)]
    return Result(problems, problems, FAILED) if problems else Result([])


def problems_of(file: Path, name: str) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with a file.

    Args:
        file: Where it is.
        name: What messages call it.
    """
    if file.is_symlink() or not file.is_file():
        return
    if file.suffix in LEFTOVERS:
        yield f"{name}: left over by an update or a merge; take over what you need, then delete it."
    if file.stat().st_size > LARGEST:
        if not _goes_to_lfs(name):
            yield (
                f"{name}: more than {LARGEST // 10**6} MB, and git keeps every version for ever; "
                "put it where git does not look (data/raw/, models/) or into Git LFS."
            )
        return
    content = file.read_bytes()
    if content and b"\0" not in content[:TEXT_HEAD]:
        yield from _problems_of_text(content, name)


def _problems_of_text(content: bytes, name: str) -> Iterator[str]:
    if conflict := CONFLICT.search(content):
        line = content.count(b"\n", 0, conflict.start()) + 1
        yield f"{name}:{line}: an open conflict; decide what stays and delete the markers."
    if not content.endswith(b"\n"):
        yield f"{name}: the last line does not end; add a line feed."
    elif content.endswith((b"\n\n", b"\n\r\n")):
        yield f"{name}: empty lines at the end; delete them."


def _goes_to_lfs(name: str) -> bool:
    return run_program(["git", "check-attr", "filter", "--", name], mode="probe").answer.endswith(
        ": lfs"
    )
