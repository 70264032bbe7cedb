"""How a test says what it proved; ``scripts/tested_on.py`` collects it from the tests' results."""

from __future__ import annotations

import json
from collections.abc import Callable

from maintain.tested_on import PROPERTY


def record_tested_on(
    record_property: Callable[[str, object], None],
    *,
    build: str,
    platform: str,
    python: str,
    torch: str,
    result: str,
) -> None:
    """Record what a test proves if it passes.

    Args:
        record_property: The fixture of that name.
        build: Name of the build in the catalog, such as ``cpu``.
        platform: Name of the platform in the catalog, such as ``linux-x86_64``.
        python: Python of the project, ``major.minor``.
        torch: Version of torch with its local label, as it was locked or imported.
        result: ``run`` if a project was installed and trained there, ``resolved`` if its locks
            were compiled.
    """
    facts = {"build": build, "platform": platform, "python": python, "torch": torch}
    record_property(PROPERTY, json.dumps({**facts, "result": result}, sort_keys=True))
