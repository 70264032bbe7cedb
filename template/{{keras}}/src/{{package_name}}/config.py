"""The configuration: every setting with its type and range.

The values stand in `configs/train.yaml`; `kit/config_sources.py` says what overrides them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    """The optimization.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per optimizer step.
        learning_rate: Of the first step; it falls to zero along a cosine.
        weight_decay: AdamW's decoupled decay.
        device: A backend's name such as `cpu`, `cuda` or `rocm`, `cuda:1` for the second of its
            kind, or `auto`: the accelerator if there is one.
    """

    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    device: Annotated[str, Field(pattern=r"^[a-z]+(:\d+)?$")]


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
