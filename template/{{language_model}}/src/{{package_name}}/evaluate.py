"""How well a model predicts a text that it has not seen, token by token."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from .config import Config
from .data import load_texts
from .kit.tracking import Run
from .kit.tracking.store import CONFIG_FILE
from .kit.training.saved import Opened, open_run
from .train import Parts, blocks_of, build, mean_loss


@dataclass(frozen=True)
class Evaluation:
    """Results on the test part of the text, which chose nothing; losses are means in nats a token.

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
        """Return all values, ready for JSON."""
        return asdict(self)


def load_run(run: Run, *, last: bool = False) -> tuple[Config, Opened]:
    """Return the configuration of a run and its model, on the CPU and in evaluation mode.

    Args:
        run: The run.
        last: Whether to take the last epoch's weights, not the best one's.

    Raises:
        ConfigError: The code no longer knows a setting of the run.
        RunError: The checkpoint is missing or damaged.
    """
    return Config.from_file(run.folder / CONFIG_FILE), open_run(run, last=last)


def evaluate(config: Config, opened: Opened) -> Evaluation:
    """Evaluate a run's model and what it is compared with."""
    texts = load_texts(config.data)
    size = config.data.block_size
    before = build(config, texts)
    after = replace(
        before,
        model=opened.model,
        tokenizer=opened.tokenizer,
        train=blocks_of(texts.train, opened.tokenizer, size),
        test=blocks_of(texts.test, opened.tokenizer, size),
    )
    loss = mean_loss(config, after, after.test)
    return Evaluation(
        tokens=len(after.test) * (size - 1),
        loss=loss,
        perplexity=math.exp(loss),
        loss_before=mean_loss(config, before, before.test),
        loss_of_frequencies=_loss_of_frequencies(after),
    )


def token_losses(
    model: Any, blocks: Sequence[Sequence[int]], batch_size: int
) -> NDArray[np.float32]:
    """Return the loss in nats of every token but the first of each block (N, tokens - 1)."""
    losses = []
    with torch.no_grad():
        for batch in torch.tensor(blocks).split(batch_size):
            logits = model(input_ids=batch).logits[:, :-1].float()
            losses.append(cross_entropy(logits.transpose(1, 2), batch[:, 1:], reduction="none"))
    numbers: NDArray[np.float32] = torch.cat(losses).numpy()
    return numbers


def _loss_of_frequencies(parts: Parts) -> float:
    """Count tokens, each once more than it occurs, so that none is impossible."""
    counts = Counter(token for block in parts.train["input_ids"] for token in block)
    total = sum(counts.values()) + len(parts.tokenizer)
    seen = [token for block in parts.test["input_ids"] for token in block[1:]]
    return -sum(math.log((counts[token] + 1) / total) for token in seen) / len(seen)
