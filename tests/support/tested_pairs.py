"""How a test says which pair it ran; ``scripts/tested_pairs.py`` collects it from the results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from maintain.stack.data import load_release
from maintain.tested_pairs import PROPERTY
from tests.support.catalog import STACK


def record_pair(
    record_property: Callable[[str, object], None],
    pair: Mapping[str, str],
    *,
    platform: str,
    python: str,
) -> None:
    """Record the pair that a test proves if it passes.

    Args:
        record_property: The fixture of that name.
        pair: The answers `training` and `inference`.
        platform: Name of the platform in the catalog, such as ``linux-x86_64``.
        python: Python of the project, ``major.minor``.
    """
    facts = {"platform": platform, "python": python, "release": load_release(STACK).name}
    record_property(PROPERTY, json.dumps({**pair, **facts}, sort_keys=True))
