"""The named answer sets that every kind of test covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWER_SETS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "native": {"inference": "native"},
    "no-training": {"training": "none"},
    "gpus": {"backends": ["cuda", "rocm", "xpu", "mps"]},
}
"""Every combination of training and inference that the template offers, and every backend."""
