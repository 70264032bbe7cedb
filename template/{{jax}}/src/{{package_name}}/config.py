"""The configuration: every setting with its type and range.

The values stand in `configs/train.yaml`; `kit/config_sources.py` says what overrides them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from .kit.config_sources import Section, Settings

DEFAULT_CONFIG = Path("configs/train.yaml")


class DataConfig(Section):
    """The data set and its three splits.

    Attributes:
        path: The file that the `data` command writes.
        val_fraction: Share of the images that choose: the best epoch, and settings.
        test_fraction: Share of the images that choose nothing; what is reported is of these.
        split_seed: Seed of the splits; apart from the run's seed, so that runs are comparable.
    """

    path: Path
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    split_seed: Annotated[int, Field(ge=0)]


class ModelConfig(Section):
    """The options of `models.build_model`.

    Attributes:
        width: Channels of the first convolution.
        dropout: Share of the features that is dropped in training.
    """

    width: Annotated[int, Field(ge=1, le=1024)]
    dropout: Annotated[float, Field(ge=0, lt=1)]


class TrainingConfig(Section):
    """The optimization. "Other bits" means: another result, which is as repeatable.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images that go through the model at once.
        accumulation_steps: Batches whose gradients make one optimizer step: as a batch that is so
            many times larger, in the memory of one. Other bits.
        learning_rate: The highest one, which the first step after the warm-up has.
        schedule: How it goes on to the last step: cosine and linear fall to zero, constant stays.
        warmup_steps: Optimizer steps over which the learning rate rises to the highest.
        weight_decay: AdamW's decoupled decay.
        grad_clip: The largest norm that all gradients together may have in a step; 0: any.
        early_stopping: Epochs without a better one after which training ends; 0: never.
        device: A backend's name such as `cpu`, `cuda` or `rocm`, `cuda:1` for the second of its
            kind, or `auto`: the accelerator if there is one.
        precision: What the forward pass computes in: fp32 or bf16. Weights, validation and export
            stay in fp32. Other bits.
        checkpoint_activations: Whether each block of the model is computed again for its
            gradients instead of kept in memory, which takes longer. Other bits, by rounding.
    """

    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    accumulation_steps: Annotated[int, Field(ge=1)] = 1
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    grad_clip: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    early_stopping: Annotated[int, Field(ge=0)] = 0
    device: Annotated[str, Field(pattern=r"^[a-z]+(:\d+)?$")]
    precision: Literal["fp32", "bf16"] = "fp32"
    checkpoint_activations: bool = False


class Config(Settings):
    """All settings of a training run.

    Attributes:
        seed: Seed of Python, NumPy and the framework.
        threads: CPU threads; another number sums in another order and gives other bits.
        data: The data set and its three splits.
        model: The options of the model.
        training: The optimization.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    threads: Annotated[int, Field(ge=1)]
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
