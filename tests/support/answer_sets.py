"""The named answer sets that every kind of test covers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maintain.stack.data import load_frameworks

ANSWER_SETS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "native": {"inference": "native"},
    "no-training": {"training": "none"},
    "gpus": {"backends": ["cuda", "rocm", "xpu", "mps"]},
}
"""What makes the largest differences between projects; every release knows these answers."""

STACK = Path(__file__).resolve().parents[2] / "stack"
PAIRS: Mapping[str, Mapping[str, str]] = {
    "-".join((*each.values(), runtime)): {**each, "inference": runtime}
    for row in load_frameworks(STACK)
    for each in row.answers
    for runtime in row.inference
}
"""Every combination of training and inference that the template offers."""
