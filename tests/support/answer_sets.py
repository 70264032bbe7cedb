"""The named answer sets that every kind of test covers."""

from __future__ import annotations

from collections.abc import Mapping

ANSWER_SETS: Mapping[str, Mapping[str, str]] = {
    "defaults": {},
    "native": {"inference": "native"},
    "no-training": {"training": "none"},
}
"""Every combination of training and inference that the template offers, without the defaults."""
