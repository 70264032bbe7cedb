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
    """The data set and its three splits."""

    path: Path
    """The file that the `data` command writes."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the images that choose: the best epoch, and settings."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the images that choose nothing; what is reported is of these."""
    split_seed: Annotated[int, Field(ge=0)]
    """Seed of the splits; apart from the run's seed, so that runs are comparable."""


class ModelConfig(Section):
    """The options of `model.build_model`."""

    width: Annotated[int, Field(ge=1, le=1024)]
    """Channels of the first convolution."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Share of the features that is dropped in training."""


class TrainingConfig(Section):
    """The optimization. "Other bits": another result, which is as repeatable."""

    epochs: Annotated[int, Field(ge=1)]
    """Passes over the training images."""
    batch_size: Annotated[int, Field(ge=1)]
    """Images that go through the model at once, in all processes together."""
    accumulation_steps: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients make one optimizer step: as a batch that is so many times larger, in
    the memory of one. Gives other bits."""
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The highest one, which the first step after the warm-up has."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How it goes on to the last step: cosine and linear fall to zero, constant stays."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Optimizer steps over which the learning rate rises to the highest."""
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """AdamW's decoupled decay."""
    grad_clip: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The largest norm that all gradients together may have in a step; 0: any."""
    early_stopping: Annotated[int, Field(ge=0)] = 0
    """Epochs without a better one after which training ends; 0: never."""
    device: Annotated[str, Field(pattern=r"^[a-z]+(:\d+)?$")]
    """A backend's name such as `cpu`, `cuda` or `rocm`, `cuda:1` for the second of its kind, or
    `auto`: the accelerator if there is one."""
    strategy: Literal["single", "ddp", "fsdp"] = "single"
    """How several processes (answer `scale_out`) train: with all of the model in each (ddp; also
    `single`, if there are several), or a part of it (fsdp). Their number gives other bits."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """What the forward pass computes in: fp32, bf16, or fp16 with scaled gradients. Weights,
    validation and export stay in fp32. Gives other bits."""
    compile: bool = False
    """Whether torch.compile makes one program of the model; the first steps take long. Gives other
    bits."""
    checkpoint_activations: bool = False
    """Whether each block of the model is computed again for its gradients instead of kept in
    memory. Gives the same bits, in about a third more time."""
    num_workers: Annotated[int, Field(ge=0)] = 0
    """Processes that prepare batches; 0: training does it itself. Gives the same bits."""


class Config(Settings):
    """All settings of a training run."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Seed of Python, NumPy and the framework."""
    threads: Annotated[int, Field(ge=1)]
    """CPU threads; another number sums in another order and gives other bits."""
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
