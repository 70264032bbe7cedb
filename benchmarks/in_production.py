"""Ask a project's model again and again; run by the interpreter of its production environment.

    .venv-prod/bin/python in_production.py PACKAGE MODEL SECONDS

MODEL is a folder that `export` wrote, or "" where the project generates text. Printed is, as JSON,
how many predictions or generated answers a second came, by how many were asked for at once.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

BATCHES = (1, 32)
PROMPT = "The "
TOKENS = 32


def rate(ask: Callable[[], object], seconds: float) -> float:
    """Return how often something can be done in a second; the first time does not count."""
    ask()
    count, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < seconds:
        ask()
        count += 1
    return count / taken


def predictions(package: str, model: Path, seconds: float) -> dict[int, float]:
    """Return the predictions a second by the size of their batch."""
    inference = importlib.import_module(f"{package}.kit.inference")
    files = importlib.import_module(f"{package}.kit.files")
    (inputs,) = files.read_arrays(model / inference.PARITY_FILE, "inputs")
    with inference.load(model) as predictor:
        return {
            size: size * rate(lambda size=size: predictor.predict(inputs[:size]), seconds)  # type: ignore[misc]
            for size in BATCHES
        }


def answers(package: str, seconds: float) -> dict[int, float]:
    """Return the answers a second by how many were asked for at once."""
    generation = importlib.import_module(f"{package}.generation")
    settings = generation.read_settings(max_tokens=TOKENS)
    with generation.open_generator() as generator, ThreadPoolExecutor(max(BATCHES)) as threads:

        def ask(size: int) -> list[Any]:
            return list(threads.map(lambda _: generator.generate(PROMPT, settings), range(size)))

        return {size: size * rate(lambda size=size: ask(size), seconds) for size in BATCHES}  # type: ignore[misc]


if __name__ == "__main__":
    package, model, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    found = predictions(package, Path(model), seconds) if model else answers(package, seconds)
    print(json.dumps(found))
