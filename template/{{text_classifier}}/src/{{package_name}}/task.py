"""The task: what goes into the model, how good what comes out is, and what it means.

This is all that knows of texts and authors, beside the data and the model. NumPy and `tokenizers`
only, because predictions in production run without the training framework.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

CLASS_NAMES = ("Carroll", "Milton", "Shakespeare")
TOKENIZER_FILE = "tokenizer.json"  # beside an exported model; it also pads, and cuts long texts

# Goes into every exported model, whose folder has its name; one with another scheme is refused.
SCHEME: dict[str, Any] = {"name": "authors", "classes": [*CLASS_NAMES]}

# Free sizes besides the batch, for inputs and outputs.
DYNAMIC_AXES: dict[str, dict[int, str]] = {
    "input_ids": {1: "length"},
    "attention_mask": {1: "length"},
}

BEST_METRIC = "loss"  # of the validation; its lowest value makes an epoch the best
HIGHER_IS_BETTER = False


def prepare(request: Mapping[str, Any], tokenizer: Tokenizer) -> dict[str, NDArray[np.int64]]:
    """Return the model's inputs for a request, in training as in predictions.

    Args:
        request: `texts`, as a list or an array.
        tokenizer: What makes tokens of a text, with padding and truncation.

    Raises:
        InputError: There are none, or one of them is no text.
    """
    texts = request.get("texts")
    texts = texts.tolist() if isinstance(texts, np.ndarray) else texts
    if not isinstance(texts, list) or not texts:
        raise InputError('Give {"texts": [...]} with at least one text.')
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"Each of the texts must be a text, not {text!r}.")
    encoded = tokenizer.encode_batch(texts)
    return {
        "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
        "attention_mask": np.array([each.attention_mask for each in encoded], dtype=np.int64),
    }


def open_prepare(folder: Path) -> Callable[[Mapping[str, Any]], dict[str, NDArray[np.int64]]]:
    """Return `prepare` with the tokenizer of an exported model."""
    return partial(prepare, tokenizer=Tokenizer.from_file(str(folder / TOKENIZER_FILE)))


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return what is measured besides the loss, by name."""
    return {"accuracy": float(np.mean(decide(outputs) == targets["label"]))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return the rows of the table that `evaluate` prints: one for every class that occurs."""
    labels = targets["label"]
    right = decide(outputs) == labels
    found = [(name, right[labels == number]) for number, name in enumerate(CLASS_NAMES)]
    return {
        name: {"examples": len(of_class), "accuracy": float(np.mean(of_class))}
        for name, of_class in found
        if len(of_class)
    }


def decide(outputs: Arrays) -> NDArray[np.int64]:
    """Return what the outputs decide, which most examples must keep in an export in eight bits.

    A task that decides nothing, such as a regression, returns None: the numbers are enough there.
    """
    decisions: NDArray[np.int64] = outputs["logits"].argmax(axis=1)
    return decisions


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return what is answered for each example, ready for JSON."""
    logits = outputs["logits"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return [
        {"class": CLASS_NAMES[int(row.argmax())], "probability": float(row.max())}
        for row in probabilities
    ]
