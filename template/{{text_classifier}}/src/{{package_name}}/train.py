"""Training, in the order of what happens: build, make_arguments, make_trainer, and a run."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset  # type: ignore[import-untyped]
from peft import LoraConfig, get_peft_model
from transformers import DataCollatorWithPadding, EvalPrediction, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from .config import Config
from .data import load_splits
from .kit.errors import RunError
from .kit.reporting import Reporter
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training import Samples, Splits, arguments
from .kit.training.deepspeed import name_device
from .kit.training.recording import Recording
from .kit.training.saved import check_base, checkpoint_of, open_base, weights_sha256
from .model import KIND, build_model, build_tokenizer, exact_tokenizer
from .task import BEST_METRIC, CLASS_NAMES, HIGHER_IS_BETTER, metrics


@dataclass(frozen=True)
class Parts:
    """What is trained, and on what: train to learn, val to choose."""

    model: Any
    tokenizer: Any
    train: Dataset
    val: Dataset
    base_sha256: str


def build(config: Config, splits: Splits, base: Any = None) -> Parts:
    """Seed all generators and build the parts in a fixed order.

    Args:
        config: The settings.
        splits: The three parts of the data.
        base: What `model.base` names, if it is open already.

    Raises:
        RunError: `model.base` names nothing that can be opened, or it has other classes.
    """
    make_reproducible(config.seed, config.threads)
    if config.model.base:
        base = base or open_base(config.model.base, KIND)
        model, tokenizer = base.model, base.tokenizer
        positions = getattr(model.config, "max_position_embeddings", config.model.context)
        lengths = tokenizer.model_max_length, positions, config.model.context
        tokenizer.model_max_length = min(lengths)
        if model.config.num_labels != len(CLASS_NAMES):
            raise RunError(f"{config.model.base} has {model.config.num_labels} classes.")
    else:
        tokenizer = build_tokenizer(splits.train.inputs["text"].tolist(), config.model)
        model = build_model(config.model, tokenizer)
    base_sha256 = weights_sha256(model)
    if config.training.method == "lora":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what peft itself calls
            model = get_peft_model(model, _adapters(config))
    return Parts(
        model,
        tokenizer,
        train=rows_of(splits.train, tokenizer),
        val=rows_of(splits.val, tokenizer),
        base_sha256=base_sha256,
    )


def rows_of(samples: Samples, tokenizer: Any) -> Dataset:
    """Return samples as the Trainer takes them; it pads those of a batch to one length."""
    exact = exact_tokenizer(tokenizer)
    exact.no_padding()
    encoded = exact.encode_batch(samples.inputs["text"].tolist())
    return Dataset.from_dict(
        {
            "input_ids": [each.ids for each in encoded],
            "attention_mask": [each.attention_mask for each in encoded],
            "labels": samples.targets["label"].tolist(),
        }
    )


def make_arguments(config: Config, folder: Path, values: Mapping[str, Any]) -> TrainingArguments:
    """Return what the Trainer is told: the settings here, and `values` for all others."""
    settings = config.training
    device = choose_device(settings.device)
    name_device(device)
    return arguments.make_arguments(
        values,
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=device.type == "cpu",
        prediction_loss_only=False,
        metric_for_best_model=f"eval_{BEST_METRIC}",
        greater_is_better=HIGHER_IS_BETTER,
    )


def make_trainer(args: TrainingArguments, parts: Parts) -> Trainer:
    """Return the Trainer, which writes its checkpoints into a folder and nothing anywhere else."""
    trainer = Trainer(
        model=parts.model,
        args=args,
        train_dataset=parts.train,
        eval_dataset=parts.val,
        processing_class=parts.tokenizer,
        data_collator=DataCollatorWithPadding(parts.tokenizer),
        compute_metrics=compute_metrics,
    )
    # The loss of a classifier is the mean of a batch, also where gradients of several are added up.
    trainer.model_accepts_loss_kwargs = False
    for printing in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(printing)
    return trainer


def check_arguments(config: Config, parts: Parts) -> None:
    """Make all that a training needs once, so that no run begins in vain.

    Raises:
        ConfigError: Something of `training.arguments` is refused.
    """
    with tempfile.TemporaryDirectory() as folder, arguments.refusals():
        args = make_arguments(config, Path(folder), config.training.arguments)
        trainer = make_trainer(args, parts)
        trainer.get_train_dataloader()
        trainer.create_optimizer_and_scheduler(num_training_steps=config.training.epochs)


def compute_metrics(found: EvalPrediction) -> dict[str, float]:
    """Return what the Trainer records besides the loss."""
    return metrics(
        {"logits": np.asarray(found.predictions)}, {"label": np.asarray(found.label_ids)}
    )


def start_run(config: Config, name: str | None, reporter: Reporter) -> dict[str, Any]:
    """Train a model and return the content of its `run.json`.

    Raises:
        ProjectError: The data, the base, the device, the arguments or the name is not fit.
    """
    arguments.check_names(config.training.arguments)
    splits = load_splits(config.data)
    device = choose_device(config.training.device)
    parts = build(config, splits)
    check_arguments(config, parts)
    facts = {
        "name": name,
        "seed": config.seed,
        "threads": config.threads,
        "device": str(device),
        "data_sha256": splits.sha256,
        "base": config.model.base or None,
        "base_sha256": parts.base_sha256,
        "parameters": parts.model.num_parameters(),
        "trained_parameters": parts.model.num_parameters(only_trainable=True),
        "epochs": config.training.epochs,
        "epochs_done": 0,
        "checkpoint": None,
        "best": None,
    }
    record = RunRecord.create(config.model_dump(mode="json"), facts, name)
    return _train(config, parts, record, reporter)


def resume_run(run: Run, reporter: Reporter) -> dict[str, Any]:
    """Continue a run after its last whole epoch and return the content of its `run.json`.

    Raises:
        RunError: The run finished, its checkpoint is not usable, or the data is another one.
    """
    if run.status == "finished":
        raise RunError(f"Run {run.id} is finished: start a new run to train longer.")
    config = Config.from_file(run.folder / CONFIG_FILE)
    splits = load_splits(config.data)
    if splits.sha256 != run.facts["data_sha256"]:
        raise RunError(f"Run {run.id} was made with other data: restore it or start a new run.")
    checkpoint = checkpoint_of(run)
    base = open_base(config.model.base, KIND) if config.model.base else None
    if base is not None:
        check_base(run, base)
    parts = build(config, splits, base)
    check_arguments(config, parts)
    record = RunRecord.reopen(run, run.facts["epochs_done"])
    return _train(config, parts, record, reporter, checkpoint)


def _adapters(config: Config) -> LoraConfig:
    settings = config.training.lora
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="SEQ_CLS",
    )


def _train(
    config: Config,
    parts: Parts,
    record: RunRecord,
    reporter: Reporter,
    checkpoint: Path | None = None,
) -> dict[str, Any]:
    settings = config.training
    resumed = None if checkpoint is None else str(checkpoint)
    reporter.say(f"Run {record.folder.name}")
    with record:
        args = make_arguments(config, record.folder, settings.arguments)
        trainer = make_trainer(args, parts)
        batch = args.train_batch_size * args.gradient_accumulation_steps
        steps = math.ceil(len(parts.train) / batch)
        done = steps * record.facts["epochs_done"]
        with reporter.training(steps * settings.epochs, done) as report:
            recording = Recording(
                record, report, len(parts.train), part="val", patience=settings.early_stopping
            )
            trainer.add_callback(recording)
            if not recording.is_over:
                trainer.train(resume_from_checkpoint=resumed)
    return record.facts
