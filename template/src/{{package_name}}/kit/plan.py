# Owned by the template: every update rewrites this file. What the rules rest on: docs/scale-out.md.
"""What training takes of a GPU's memory, by strategy, computed before it starts.

- Weights and gradients are in fp32, and AdamW keeps two more numbers for each weight.
- single and ddp hold all of that.
- fsdp holds a share of that, and gathers two blocks at a time.
- In bf16 and fp16, torch.autocast keeps a copy of all weights for a step, with fsdp too.
- Activations are those of the batch of one GPU, whatever the strategy. When they are gone, the
  optimizer takes as much as the weights that it changes: the larger of both counts.
"""

from __future__ import annotations

from dataclasses import dataclass

STRATEGIES = ("single", "ddp", "fsdp")
OPTIMIZERS = {"adamw": 8, "sgd-momentum": 4, "sgd": 0}
"""Bytes that an optimizer keeps for each weight."""
PRECISIONS = {"fp32": 4, "bf16": 2, "fp16": 2}
"""Bytes of a number in the forward pass."""

_FP32 = 4
_BLOCK = 12  # parameters of a transformer block: so many times the square of its width
_IN_BLOCK = 14  # numbers that it keeps per token and width, in the precision of the forward pass
_AT_NORMS = 2  # and those at its two norms, in fp32
_OUTPUT = 8  # bytes for each token and word of the vocabulary: what the loss keeps, and a gradient


@dataclass(frozen=True)
class Model:
    """What of a model and its training takes memory, in bytes.

    Attributes:
        weights: All weights.
        gradients: Those of the weights that are trained.
        optimizer: What the optimizer keeps.
        copies: Weights in the lower precision of the forward pass, if they are no activations.
        activations: What a step keeps besides, with the batch of one GPU.
        block: The weights of the largest block, which fsdp gathers at once.
        rest: The weights outside of all blocks, which fsdp gathers for a whole step.
        buckets: Gradients that ddp holds a second time, as it sends them.
    """

    weights: int
    gradients: int
    optimizer: int
    copies: int
    activations: int
    block: int
    rest: int
    buckets: int = 0


@dataclass(frozen=True)
class Memory:
    """Bytes of one GPU, by what they are for; activations or, if that is more, the update."""

    weights: int
    gradients: int
    optimizer: int
    gathered: int
    activations: int

    @property
    def total(self) -> int:
        """All of them; the framework and its kernels come on top."""
        return self.weights + self.gradients + self.optimizer + self.gathered + self.activations


def memory_of(model: Model, strategy: str, gpus: int) -> Memory:
    """Return what each GPU holds at most.

    Args:
        model: What is trained.
        strategy: One of `STRATEGIES`.
        gpus: How many there are in all.
    """
    if strategy == "fsdp":
        at_once = min(model.rest + 2 * model.block, model.weights)
        gathered = at_once + min(at_once, model.gradients) + model.copies
        return Memory(
            weights=-(-model.weights // gpus),
            gradients=-(-model.gradients // gpus),
            optimizer=-(-model.optimizer // gpus),
            gathered=gathered,
            activations=max(model.activations, model.gradients // gpus - gathered),
        )
    return Memory(
        weights=model.weights + model.copies,
        gradients=model.gradients + (model.buckets if strategy == "ddp" else 0),
        optimizer=model.optimizer,
        gathered=0,
        activations=max(model.activations, model.gradients),
    )


def transformer(
    *,
    layers: int,
    width: int,
    sequence_length: int,
    batch: int,
    vocabulary: int = 0,
    parameters: int = 0,
    precision: str = "fp32",
    optimizer: str = "adamw",
    checkpoint_activations: bool = False,
) -> Model:
    """Return a transformer of these sizes, whose attention keeps no matrix of scores.

    Args:
        layers: Its blocks.
        width: Of the vector of each token.
        sequence_length: Tokens of an example.
        batch: Examples of one GPU.
        vocabulary: Tokens that the output chooses from.
        parameters: All of them; 0: as the other sizes say.
        precision: One of `PRECISIONS`.
        optimizer: One of `OPTIMIZERS`.
        checkpoint_activations: Whether a block keeps its input alone, and computes the rest again.
    """
    in_block = _BLOCK * width**2
    parameters = parameters or layers * in_block + vocabulary * width
    numbers, tokens = PRECISIONS[precision], batch * sequence_length
    each = tokens * width * (_IN_BLOCK * numbers + _AT_NORMS * _FP32)
    kept = layers * tokens * width * _FP32 + each if checkpoint_activations else layers * each
    return Model(
        weights=_FP32 * parameters,
        gradients=_FP32 * parameters,
        optimizer=OPTIMIZERS[optimizer] * parameters,
        copies=0 if numbers == _FP32 else numbers * parameters,
        activations=kept + _OUTPUT * tokens * vocabulary,
        block=_FP32 * min(in_block, parameters),
        rest=_FP32 * max(0, parameters - layers * in_block),
    )
