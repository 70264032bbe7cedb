"""The configuration: every setting with its type and range.

The values stand in `configs/train.yaml`; `kit/config_sources.py` says what overrides them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .kit.config_sources import Section, Settings, Values

DEFAULT_CONFIG = Path("configs/train.yaml")

BYTES = 256
SPECIAL_TOKENS = 3


class DataConfig(Section):
    """The text and its three parts, which follow each other: training, validation, test."""

    path: Path
    """The file that the `data` command writes, UTF-8."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the text that chooses: the best epoch, and settings."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the text, at its end, that chooses nothing: what is reported is of this part."""
    block_size: Annotated[int, Field(ge=8)]
    """Tokens of one example."""

    @model_validator(mode="after")
    def _some_is_left(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction leave nothing to train on")
        return self


class ModelConfig(Section):
    """What is trained: a new model of these sizes, or one that is there already."""

    base: str
    """A run (`experiments/...`), a folder in Transformers' format, or the name of a model on the
    Hugging Face hub, which is asked only then; empty for a new model. The sizes below are for a new
    one."""
    vocabulary: Annotated[int, Field(ge=BYTES + SPECIAL_TOKENS)]
    """Tokens of the tokenizer, which is trained on the text."""
    width: Annotated[int, Field(ge=8)]
    """Size of the hidden states."""
    layers: Annotated[int, Field(ge=1)]
    """Number of blocks."""
    heads: Annotated[int, Field(ge=1)]
    """Attention heads of a block."""
    context: Annotated[int, Field(ge=8)]
    """Tokens that the model can take."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError("width must be a multiple of twice the heads")
        return self


class LoraConfig(Section):
    """Low-rank adapters, for `training.method: lora`."""

    rank: Annotated[int, Field(ge=1)]
    """Of the two matrices that are trained beside each frozen one."""
    alpha: Annotated[int, Field(ge=1)]
    """Scale of their product, divided by the rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Share of their inputs that is dropped in training."""


class TrainingConfig(Section):
    """The optimization."""

    method: Literal["full", "lora"]
    """`full` trains every weight, `lora` small matrices beside those of `model.base`."""
    epochs: Annotated[int, Field(ge=1)]
    """Passes over the training text."""
    early_stopping: Annotated[int, Field(ge=0)]
    """Epochs without a better validation loss after which training ends; 0: never."""
    batch_size: Annotated[int, Field(ge=1)]
    """Examples that all devices compute at once; times `arguments.gradient_accumulation_steps`
    those of an optimizer step."""
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The highest, after `arguments.warmup_steps`; then it falls as `arguments.lr_scheduler_type`
    says."""
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """AdamW's decoupled decay."""
    device: Annotated[str, Field(pattern=r"^[a-z]+$")]
    """A backend's name such as `cpu`, `cuda` or `rocm`, or `auto`: the accelerator if there is
    one."""
    deepspeed: str
    """The file with DeepSpeed's settings, which is the extra of that name; empty: the Trainer
    alone."""
    strategy: Literal["single", "ddp", "fsdp"] = "single"
    """How several processes (answer `scale_out`) train: with all of the model in each (ddp; also
    `single`, if there are several), or a part of it (fsdp, on accelerators alone). Their number
    gives other bits."""
    arguments: Values
    """Passed to Transformers' `TrainingArguments`, which checks them; its documentation explains
    them. Those that the project sets itself are refused. With equal ones a run is repeatable to the
    last bit; all of them but `activation_checkpointing` and those of data loading may change the
    bits."""
    lora: LoraConfig
    """The adapters."""


class Config(Settings):
    """All settings of a training run."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Seed of Python, NumPy and the framework."""
    threads: Annotated[int, Field(ge=1)]
    """CPU threads; another number sums in another order and gives other bits."""
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.training.method == "lora" and not self.model.base:
            raise ValueError(
                "training.method lora needs model.base: train a full model first and name its run"
            )
        if not self.model.base and self.data.block_size > self.model.context:
            raise ValueError("data.block_size must not be above model.context")
        return self
