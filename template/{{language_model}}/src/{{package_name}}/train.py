"""Training, in the order of what happens: build, make_arguments, make_trainer, and a run."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset  # type: ignore[import-untyped]
from peft import LoraConfig, get_peft_model
from transformers import Trainer, TrainingArguments, default_data_collator
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from .config import Config
from .data import Texts, load_texts
from .kit.errors import DataError, RunError
from .kit.reporting import Reporter
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training import arguments, deepspeed
from .kit.training.recording import Recording
from .kit.training.saved import check_base, checkpoint_of, open_base, weights_sha256
from .model import build_model, build_tokenizer


@dataclass(frozen=True)
class Parts:
    """What is trained, and on what: train to learn, val to choose, test to report."""

    model: Any
    tokenizer: Any
    train: Dataset
    val: Dataset
    test: Dataset
    base_sha256: str


def build(config: Config, texts: Texts, base: Any = None) -> Parts:
    """Seed all generators and build the parts in a fixed order.

    Args:
        config: The settings.
        texts: The three parts of the text.
        base: What `model.base` names, if it is open already.

    Raises:
        RunError: `model.base` names nothing that can be opened.
        DataError: A part of the text is too short for one example.
    """
    make_reproducible(config.seed, config.threads)
    if config.model.base:
        base = base or open_base(config.model.base)
        model, tokenizer = base.model, base.tokenizer
    else:
        tokenizer = build_tokenizer(texts.train, config.model.vocabulary)
        model = build_model(config.model, tokenizer)
    base_sha256 = weights_sha256(model)
    if config.training.method == "lora":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what peft itself calls
            model = get_peft_model(model, _adapters(config))
    size = config.data.block_size
    return Parts(
        model,
        tokenizer,
        train=blocks_of(texts.train, tokenizer, size),
        val=blocks_of(texts.val, tokenizer, size),
        test=blocks_of(texts.test, tokenizer, size),
        base_sha256=base_sha256,
    )


def blocks_of(text: str, tokenizer: Any, size: int) -> Dataset:
    """Cut a text into examples of so many tokens; what is left at its end is dropped.

    Raises:
        DataError: It has too few tokens for one.
    """
    tokens = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    blocks = [tokens[at : at + size] for at in range(0, len(tokens) - size + 1, size)]
    if not blocks:
        raise DataError(f"The text has fewer than {size} tokens: lower data.block_size.")
    return Dataset.from_dict({"input_ids": blocks, "labels": blocks})


def make_arguments(
    config: Config,
    folder: Path,
    values: Mapping[str, Any],
    deepspeed_settings: dict[str, Any] | None = None,
) -> TrainingArguments:
    """Return what the Trainer is told: the settings here, and `values` for all others."""
    settings = config.training
    device = choose_device(settings.device)
    deepspeed.name_device(device)
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
        deepspeed=deepspeed_settings,
    )


def make_trainer(args: TrainingArguments, parts: Parts) -> Trainer:
    """Return the Trainer, which writes its checkpoints into a folder and nothing anywhere else."""
    trainer = Trainer(
        model=parts.model,
        args=args,
        train_dataset=parts.train,
        eval_dataset=parts.val,
        processing_class=parts.tokenizer,
        data_collator=default_data_collator,
    )
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


def mean_loss(config: Config, parts: Parts, blocks: Dataset) -> float:
    """Return the mean loss in nats a token, in float32 whatever `training.arguments` say."""
    with tempfile.TemporaryDirectory() as folder:
        args = make_arguments(config, Path(folder), values={})
        metrics = make_trainer(args, parts).evaluate(blocks)
    return float(metrics["eval_loss"])


def start_run(config: Config, name: str | None, reporter: Reporter) -> dict[str, Any]:
    """Train a model and return the content of its `run.json`.

    Raises:
        ProjectError: The data, the base, the device, the arguments or the name is not fit.
    """
    arguments.check_names(config.training.arguments)
    texts = load_texts(config.data)
    device = choose_device(config.training.device)
    deepspeed_settings = deepspeed.read_settings(config.training.deepspeed)
    parts = build(config, texts)
    check_arguments(config, parts)
    facts = {
        "name": name,
        "seed": config.seed,
        "threads": config.threads,
        "device": str(device),
        "data_sha256": texts.sha256,
        "base": config.model.base or None,
        "base_sha256": parts.base_sha256,
        "parameters": parts.model.num_parameters(),
        "trained_parameters": parts.model.num_parameters(only_trainable=True),
        "epochs": config.training.epochs,
        "epochs_done": 0,
        "checkpoint": None,
        "best": None,
        "deepspeed": deepspeed_settings,
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
    texts = load_texts(config.data)
    if texts.sha256 != run.facts["data_sha256"]:
        raise RunError(f"Run {run.id} was made with other data: restore it or start a new run.")
    checkpoint = checkpoint_of(run)
    if run.facts.get("deepspeed") is not None:
        deepspeed.check_usable()
    base = open_base(config.model.base) if config.model.base else None
    if base is not None:
        check_base(run, base)
    parts = build(config, texts, base)
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
        task_type="CAUSAL_LM",
    )


def _train(
    config: Config,
    parts: Parts,
    record: RunRecord,
    reporter: Reporter,
    checkpoint: Path | None = None,
) -> dict[str, Any]:
    settings = config.training
    sharding = record.facts.get("deepspeed")
    started = deepspeed.started(sharding, choose_device(settings.device))
    resumed = None if checkpoint is None else str(checkpoint)
    reporter.say(f"Run {record.folder.name}")
    with record, started:
        args = make_arguments(config, record.folder, settings.arguments, sharding)
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
