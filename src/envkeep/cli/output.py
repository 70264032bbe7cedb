"""Print the result of a command, for people or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from envkeep.progress import say
from envkeep.result import INTERRUPTED, Result


def show(result: Result, *, as_json: bool = False) -> int:
    """Print a result and return its exit code: the error on the standard error, all else before it.

    Args:
        result: The result.
        as_json: Print the data as one JSON document and none of the lines; without data the error
            is the document.
    """
    if as_json:
        import json

        print(json.dumps(_document(result), indent=2), flush=True)
    else:
        for line in result.lines:
            say(_printable(line))
    if result.error:
        kind = "interrupted" if result.exit_code == INTERRUPTED else "error"
        sys.stdout.flush()
        print(f"{kind}: {result.error}", file=sys.stderr, flush=True)
    return result.exit_code


@contextmanager
def aside(*, is_wanted: bool = True) -> Iterator[None]:
    """Redirect all output to the standard error meanwhile, also that of programs."""
    if not is_wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _document(result: Result) -> object:
    if not result.error:
        return result.data
    if result.data is None or isinstance(result.data, dict):
        return {**(result.data or {}), "error": result.error}
    return result.data


def _printable(line: str) -> str:
    """Replace the characters of a line that the output cannot encode."""
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)
