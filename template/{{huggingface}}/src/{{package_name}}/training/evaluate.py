"""How well a model predicts a text that it has not seen, token by token."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from ..config import Config
from ..data import load_texts
from ..tracking import Run
from ..tracking.store import CONFIG_FILE
from .saved import Opened, open_run
from .train import Parts, blocks_of, build, held_out_loss


@dataclass(frozen=True)
class Evaluation:
    """Results on the held-out text; losses are means in nats a token.

    Attributes:
        tokens: Number of tokens that were predicted.
        loss: Of the run's model.
        perplexity: Its exponential: among how many tokens the model hesitates.
        loss_before: Of the model before training.
        loss_of_frequencies: Of a model that knows only how often each token occurs in training.
    """

    tokens: int
    loss: float
    perplexity: float
    loss_before: float
    loss_of_frequencies: float

    def to_json(self) -> dict[str, Any]:
        """Returns all values, ready for JSON."""
        return asdict(self)


def load_run(run: Run) -> tuple[Config, Opened]:
    """Returns the configuration of a run and its model, on the CPU and in evaluation mode.

    Raises:
        ConfigError: The code no longer knows a setting of the run.
        RunError: The checkpoint is missing or damaged.
    """
    return Config.from_file(run.folder / CONFIG_FILE), open_run(run)


def evaluate(config: Config, opened: Opened) -> Evaluation:
    """Evaluates a run's model and what it is compared with."""
    texts = load_texts(config.data)
    size = config.data.block_size
    before = build(config, texts)
    parts = Parts(
        opened.model,
        opened.tokenizer,
        train=blocks_of(texts.train, opened.tokenizer, size),
        held_out=blocks_of(texts.held_out, opened.tokenizer, size),
        base_sha256=before.base_sha256,
    )
    loss = held_out_loss(config, parts)
    return Evaluation(
        tokens=len(parts.held_out) * (size - 1),
        loss=loss,
        perplexity=math.exp(loss),
        loss_before=held_out_loss(config, before),
        loss_of_frequencies=_loss_of_frequencies(parts),
    )


def _loss_of_frequencies(parts: Parts) -> float:
    """Counts tokens, each once more than it occurs, so that none is impossible."""
    counts = Counter(token for block in parts.train["input_ids"] for token in block)
    total = sum(counts.values()) + len(parts.tokenizer)
    seen = [token for block in parts.held_out["input_ids"] for token in block[1:]]
    return -sum(math.log((counts[token] + 1) / total) for token in seen) / len(seen)
