# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""How long to wait before a request is repeated, so that a busy server is not asked all at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED = frozenset({408, 429, 500, 502, 503, 504, 529})
"""Statuses that another try can mend; 529 is what some hosted servers say when overloaded."""

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 60.0
_LEAST_SHARE = 0.5


def longest_pause() -> float:
    """Returns the seconds above which nobody wants to wait for a server."""
    return _LONGEST_SECONDS


def pause_before(attempt: int, retry_after: str | None = None) -> float:
    """Returns the seconds to wait before an attempt; the first repetition is attempt 1.

    Args:
        attempt: The wait doubles with each, and varies by half, so that clients part.
        retry_after: What the server asks for: seconds, or a date. It is never undercut.
    """
    doubled = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** (attempt - 1))
    own = doubled * random.uniform(_LEAST_SHARE, 1.0)
    return max(own, _seconds(retry_after))


def _seconds(retry_after: str | None) -> float:
    text = (retry_after or "").strip()
    if text.isdecimal() and text.isascii():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
