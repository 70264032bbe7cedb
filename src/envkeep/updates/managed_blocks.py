"""Managed blocks of shared files: the template writes above the fence, the team below."""

from __future__ import annotations

import re

FENCE = re.compile(rb"^# -+\r?\n# Yours from here.*\r?\n# -+\r?\n", re.MULTILINE)


def parts(content: bytes) -> tuple[bytes, bytes] | None:
    """Return what stands above a fence, the fence included, and below; None without just one."""
    found = [*FENCE.finditer(content)]
    if len(found) != 1:
        return None
    return content[: found[0].end()], content[found[0].end() :]
