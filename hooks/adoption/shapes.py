"""Take tables, lists and texts out of files of any shape; a wrong shape is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hooks.errors import HookError


def table(content: object, path: str, *keys: str) -> Mapping[str, Any]:
    """Return a table inside a file's content, empty if it is not there or null.

    Args:
        content: What the file holds.
        path: The file, for the sentence.
        keys: The keys that lead to the table.

    Raises:
        HookError: Something else stands there.
    """
    found: Mapping[str, Any] = _inside(content, path, keys, Mapping, "a table", {})
    return found


def rows(content: object, path: str, *keys: str) -> list[Any]:
    """Return a list inside a file's content, empty if it is not there or null.

    Raises:
        HookError: Something else stands there.
    """
    found: list[Any] = _inside(content, path, keys, list, "a list", [])
    return found


def texts(content: object, path: str, *keys: str) -> list[str]:
    """Return a list of texts inside a file's content.

    Raises:
        HookError: Something else stands there.
    """
    found = rows(content, path, *keys)
    if all(isinstance(each, str) for each in found):
        return found
    raise HookError(f"{path}: {'.'.join(keys)} is not a list of texts: fix it first.")


def text(content: object, path: str, *keys: str) -> str:
    """Return a text inside a file's content, "" if it is not there.

    Raises:
        HookError: Something else stands there.
    """
    found: str = _inside(content, path, keys, str, "a text", "")
    return found


def _inside(
    content: object, path: str, keys: tuple[str, ...], kind: type, called: str, nothing: Any
) -> Any:
    found: object = content
    for number, key in enumerate(keys, start=1):
        if not isinstance(found, Mapping):
            raise _misshapen(path, keys[: number - 1], "a table")
        found = found.get(key)
        if found is None:
            return nothing
    if found is None:
        return nothing
    if not isinstance(found, kind):
        raise _misshapen(path, keys, called)
    return found


def _misshapen(path: str, keys: tuple[str, ...], called: str) -> HookError:
    return HookError(f"{path}: {'.'.join(keys) or 'it'} is not {called}: fix it first.")
