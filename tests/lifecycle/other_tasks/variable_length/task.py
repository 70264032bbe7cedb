"""Whether a text of any length has more of one letter than of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

LETTERS = "abc"
SCHEME: dict[str, Any] = {"name": "letters", "letters": LETTERS}
DYNAMIC_AXES = {name: {1: "length"} for name in ("tokens", "mask", "attention")}
BEST_METRIC = "accuracy"
HIGHER_IS_BETTER = True


def generate(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    """Return all inputs and targets."""
    lengths = random.integers(3, 20, 300)
    texts = ["".join(random.choice(list(LETTERS), length)) for length in lengths]
    right = [text.count("a") > text.count("b") for text in texts]
    return prepare({"texts": texts}), {"label": np.array(right, dtype=np.int64)}


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for `texts`, each filled up to the longest."""
    texts = request.get("texts")
    if not isinstance(texts, list | tuple) or not all(texts) or set("".join(texts)) - {*LETTERS}:
        raise InputError(f'Give {{"texts": [...]}} of the letters {LETTERS}.')
    tokens = np.zeros((len(texts), max(map(len, texts), default=0)), dtype=np.int64)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = [1 + LETTERS.index(letter) for letter in text]
    return {"tokens": tokens, "mask": tokens > 0}


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the share of right answers."""
    return {"accuracy": float(np.mean(decide(outputs) == targets["label"]))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return nothing."""
    return {}


def decide(outputs: Arrays) -> NDArray[np.int64]:
    """Return the answer."""
    answers: NDArray[np.int64] = outputs["logits"].argmax(axis=1)
    return answers


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return the answer, and what was looked at."""
    pairs = zip(decide(outputs), outputs["attention"], strict=True)
    return [{"more_a": bool(answer), "attention": row.tolist()} for answer, row in pairs]
