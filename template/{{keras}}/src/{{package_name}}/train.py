"""Training, in the order of what happens: build, train_step, validate, and the epochs of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .config import Config, TrainingConfig
from .data import Samples, Splits, load_splits
from .evaluate import Evaluation, evaluate
from .kit.errors import RunError
from .kit.keras_backend import computing_on, keras
from .kit.reporting import Reporter, StepReport
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import BestEpoch, Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training import speed
from .kit.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    Progress,
    restore_checkpoint,
    save_checkpoint,
)
from .model import build_model

BEST_METRIC = "val_loss"  # whose lowest value makes an epoch the best

Batch = tuple[NDArray[np.float32], NDArray[np.int64]]


class Batches:
    """The samples in groups of batches, in another order each time that they are gone through.

    Keras changes the weights after so many batches. So each group has as many, of about equal size:
    at the end of an epoch they are smaller, and fewer samples than batches are left out.
    """

    def __init__(
        self, samples: Samples, size: int, in_group: int, shuffling: np.random.Generator
    ) -> None:
        """Take the samples, how many go into a batch, batches in a group, and what orders them."""
        self._samples = samples
        self._size = size
        self._in_group = in_group
        self._shuffling = shuffling

    def __len__(self) -> int:
        """Return the number of groups."""
        whole, rest = divmod(len(self._samples), self._size * self._in_group)
        return whole + (rest >= self._in_group)

    def __iter__(self) -> Iterator[list[Batch]]:
        """Yield lists of inputs and labels."""
        order = self._shuffling.permutation(len(self._samples))
        step = self._size * self._in_group
        for at in range(0, len(self) * step, step):
            parts = np.array_split(order[at : at + step], self._in_group)
            yield [(self._samples.inputs[part], self._samples.labels[part]) for part in parts]


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
    batches: Batches
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
        batches = Batches(train, settings.batch_size, settings.accumulation_steps, shuffling)
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
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                metrics=["accuracy"],
            )
            model.optimizer.build(model.trainable_variables)
            validated = model if settings.precision == "fp32" else build_model(options)
        return cls(settings, model, validated, batches, shuffling, device)

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        with computing_on(self.device):
            return float(self.model.optimizer.learning_rate)

    def train_step(self, group: Sequence[Batch]) -> tuple[float, int]:
        """Do one optimizer step; return the mean loss and the number of right answers.

        Args:
            group: The batches whose gradients are accumulated, one or more.
        """
        size = sum(len(labels) for _, labels in group)
        mean_loss, right = 0.0, 0
        with computing_on(self.device):
            for inputs, labels in group:
                self.model.reset_metrics()  # which would go on from the batches before
                result = self.model.train_on_batch(inputs, labels, return_dict=True)
                mean_loss += float(result["loss"]) * (len(labels) / size)
                right += round(float(result["accuracy"]) * len(labels))
        return mean_loss, right

    def validate(self, val: Samples) -> Evaluation:
        """Measure the model on the samples that choose the best epoch."""
        if self.validated is not self.model:
            with computing_on(self.device):
                self.validated.set_weights(self.model.get_weights())
        return evaluate(self.validated, val)


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
    best = BestEpoch.of_run(record.folder, BEST_METRIC)
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
    losses, right, sizes = [], [], []
    for group in trainer.batches:
        learning_rate = trainer.learning_rate()
        loss, correct = trainer.train_step(group)
        step += 1
        sizes.append(sum(len(labels) for _, labels in group))
        record.log(
            kind="step",
            epoch=epoch,
            step=step,
            loss=loss,
            learning_rate=learning_rate,
            samples=sizes[-1],
        )
        report.step()
        losses.append(loss * sizes[-1])
        right.append(correct)
    record.flush()  # a loss that is not finite ends the run before it is validated
    val = trainer.validate(splits.val)
    metrics = {
        "train_loss": sum(losses) / sum(sizes),
        "train_accuracy": sum(right) / sum(sizes),
        "val_loss": val.loss,
        "val_accuracy": val.accuracy,
    }
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
