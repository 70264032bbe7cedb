# Owned by the template: every update rewrites this file. Which model is asked for: `model.base`.
"""The Hugging Face hub, which is asked for a model that is named and for nothing else.

Modules that open models call `keep_offline`; with it nothing is reported to anybody either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants


def keep_offline() -> None:
    """Forbid every request to the hub, and all telemetry, for this process."""
    constants.HF_HUB_OFFLINE = True
    constants.HF_HUB_DISABLE_TELEMETRY = True


@contextmanager
def reachable() -> Iterator[None]:
    """Let the hub be asked, unless HF_HUB_OFFLINE=1 in the environment forbids it."""
    constants.HF_HUB_OFFLINE = os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "TRUE"}
    try:
        yield
    finally:
        keep_offline()
