"""Training, in the order of what happens: build, train_step, validate, and the epochs of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from .config import Config, TrainingConfig
from .data import load_splits
from .evaluate import evaluate
from .kit.errors import RunError
from .kit.inference import outputs_of
from .kit.keras_backend import by_name, computing_on, keras
from .kit.reporting import Reporter, StepReport
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import BestEpoch, Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training import Samples, Splits, speed
from .kit.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    Progress,
    restore_checkpoint,
    save_checkpoint,
)
from .model import build_model, loss
from .task import BEST_METRIC, HIGHER_IS_BETTER


@dataclass
class Trainer:
    """Everything that changes while a model is trained.

    Attributes:
        settings: The section `training` of the configuration.
        model: The compiled model; with it go its optimizer and the schedule.
        validated: A model of the same weights in full precision; usually the same one.
        batches: The training data.
        shuffling: What orders the training data.
        device: Where it computes: a device of torch or JAX.
    """

    settings: TrainingConfig
    model: keras.Model
    validated: keras.Model
    batches: speed.Batches
    shuffling: np.random.Generator
    device: Any

    @classmethod
    def build(cls, config: Config, train: Samples) -> Self:
        """Seed all generators and build the parts in a fixed order."""
        settings, options = config.training, config.model.model_dump()
        make_reproducible(config.seed, config.threads)
        device = choose_device(settings.device)
        speed.require_precision(settings.precision, device)
        shuffling = np.random.default_rng(config.seed)
        batches = speed.Batches(train, settings.batch_size, settings.accumulation_steps, shuffling)
        lr_schedule = speed.make_lr_schedule(
            settings.learning_rate,
            settings.schedule,
            settings.warmup_steps,
            settings.epochs * len(batches),
            settings.accumulation_steps,
        )
        with computing_on(device):
            with (
                speed.computing_in(settings.precision),
                speed.checkpointing(settings.checkpoint_activations),
            ):
                model = build_model(options)
            several = settings.accumulation_steps > 1
            model.compile(
                optimizer=keras.optimizers.AdamW(
                    lr_schedule,
                    weight_decay=settings.weight_decay,
                    global_clipnorm=settings.grad_clip or None,
                    gradient_accumulation_steps=settings.accumulation_steps if several else None,
                ),
            )
            model.compute_loss = _compute_loss
            model.optimizer.build(model.trainable_variables)
            validated = model if settings.precision == "fp32" else build_model(options)
        return cls(settings, model, validated, batches, shuffling, device)

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        with computing_on(self.device):
            return float(self.model.optimizer.learning_rate)

    def train_step(self, group: Sequence[speed.Batch]) -> tuple[float, int]:
        """Do one optimizer step; return the mean loss and the number of samples.

        Args:
            group: The batches whose gradients are accumulated, one or more.
        """
        sizes = [len(next(iter(targets.values()))) for _, targets in group]
        mean_loss = 0.0
        with computing_on(self.device):
            for (inputs, targets), size in zip(group, sizes, strict=True):
                self.model.reset_metrics()  # which would go on from the batches before
                train = partial(self.model.train_on_batch, y=dict(targets), return_dict=True)
                mean_loss += float(outputs_of(by_name(train), inputs)["loss"]) * size / sum(sizes)
        return mean_loss, sum(sizes)

    def validate(self, val: Samples) -> dict[str, float]:
        """Measure the model on the samples that choose the best epoch."""
        if self.validated is not self.model:
            with computing_on(self.device):
                self.validated.set_weights(self.model.get_weights())
        return evaluate(self.validated, val)


def _compute_loss(
    x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
) -> Any:
    """Return the loss of the task, as Keras asks for that of a model; it is computed in fp32."""
    return loss(speed.raised(outputs_of(lambda outputs: outputs, {"": y_pred})), y)


def start_run(config: Config, name: str | None, reporter: Reporter) -> dict[str, Any]:
    """Train a new model and return the content of its `run.json`.

    Raises:
        ProjectError: The data, the device, a setting or the name of the run is not fit.
    """
    splits = load_splits(config.data)
    trainer = Trainer.build(config, splits.train)
    facts = {
        "name": name,
        "seed": config.seed,
        "threads": config.threads,
        "device": str(trainer.device),
        "data_sha256": splits.sha256,
        "epochs": config.training.epochs,
        "epochs_done": 0,
        "checkpoint": None,
        "best": None,
    }
    record = RunRecord.create(config.model_dump(mode="json"), facts, name)
    return _train(trainer, splits, record, Progress(), reporter)


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
    trainer = Trainer.build(config, splits.train)
    path = run.folder / CHECKPOINT_FILE
    with computing_on(trainer.device):
        progress = restore_checkpoint(path, trainer.model, trainer.shuffling)
    record = RunRecord.reopen(run, progress.epoch)
    return _train(trainer, splits, record, progress, reporter)


def _train(
    trainer: Trainer, splits: Splits, record: RunRecord, progress: Progress, reporter: Reporter
) -> dict[str, Any]:
    epochs, patience = trainer.settings.epochs, trainer.settings.early_stopping
    best = BestEpoch.of_run(record.folder, f"val_{BEST_METRIC}", higher=HIGHER_IS_BETTER)
    reporter.say(f"Run {record.folder.name}")
    with record, reporter.training(epochs * len(trainer.batches), progress.step) as report:
        for _ in range(progress.epoch, epochs):
            if patience and progress.epoch - best.epoch >= patience:
                reporter.say(f"Stopped: {BEST_METRIC} was best {patience} epochs before.")
                break
            progress = _train_epoch(trainer, splits, record, best, progress, report)
    return record.facts


def _train_epoch(
    trainer: Trainer,
    splits: Splits,
    record: RunRecord,
    best: BestEpoch,
    before: Progress,
    report: StepReport,
) -> Progress:
    epoch, step = before.epoch + 1, before.step
    losses, sizes = [], []
    for group in trainer.batches:
        learning_rate = trainer.learning_rate()
        mean_loss, size = trainer.train_step(group)
        step += 1
        record.log(
            kind="step",
            epoch=epoch,
            step=step,
            loss=mean_loss,
            learning_rate=learning_rate,
            samples=size,
        )
        report.step()
        losses.append(mean_loss * size)
        sizes.append(size)
    record.flush()  # a loss that is not finite ends the run before it is validated
    metrics = {"train_loss": sum(losses) / sum(sizes)}
    metrics |= {f"val_{name}": value for name, value in trainer.validate(splits.val).items()}
    after = Progress(epoch, step)
    _finish_epoch(trainer, record, best, after, metrics)
    report.epoch(f"epoch {epoch:3d}  " + "  ".join(f"{k} {v:.4f}" for k, v in metrics.items()))
    return after


def _finish_epoch(
    trainer: Trainer,
    record: RunRecord,
    best: BestEpoch,
    progress: Progress,
    metrics: dict[str, float],
) -> None:
    record.log(kind="epoch", epoch=progress.epoch, step=progress.step, **metrics)
    path, best_file = record.folder / CHECKPOINT_FILE, record.folder / BEST_FILE
    if best.update(progress.epoch, metrics):
        save_checkpoint(best_file, progress, trainer.model, trainer.shuffling)
    save_checkpoint(path, progress, trainer.model, trainer.shuffling)
    record.update(
        epochs_done=progress.epoch,
        checkpoint=path.as_posix(),
        best=best.to_json(best_file),
        final_metrics=dict(metrics),
    )
