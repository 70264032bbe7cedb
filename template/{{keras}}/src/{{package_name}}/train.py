"""The training loop: what happens in an epoch, and how a run starts and goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from .config import Config
from .data import Samples, Splits, load_splits
from .evaluate import evaluate
from .kit.errors import RunError, TrainingError
from .kit.inference import outputs_of
from .kit.keras_backend import by_name, computing_on, keras
from .kit.reporting import Reporter, StepReport
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import BestEpoch, Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    Progress,
    restore_checkpoint,
    save_checkpoint,
)
from .model import build_model, loss
from .task import BEST_METRIC, HIGHER_IS_BETTER, Arrays

Batch = tuple[Arrays, Arrays]


class Batches:
    """The samples in batches, in another order each time that they are gone through."""

    def __init__(self, samples: Samples, size: int, shuffling: np.random.Generator) -> None:
        """Takes the samples, how many go into a batch, and what orders them."""
        self._samples = samples
        self._size = size
        self._shuffling = shuffling

    def __len__(self) -> int:
        """Returns the number of batches; the last one may be smaller."""
        return math.ceil(len(self._samples) / self._size)

    def __iter__(self) -> Iterator[Batch]:
        """Yields named inputs and named targets."""
        order = self._shuffling.permutation(len(self._samples))
        for at in range(0, len(order), self._size):
            chosen = self._samples[order[at : at + self._size]]
            yield chosen.inputs, chosen.targets


@dataclass
class Trainer:
    """Everything that changes while a model is trained.

    Attributes:
        model: The compiled model; with it go its optimizer and the schedule.
        batches: The training data.
        shuffling: What orders the training data.
        device: Where it computes: a device of torch or JAX.
    """

    model: keras.Model
    batches: Batches
    shuffling: np.random.Generator
    device: Any

    @classmethod
    def build(cls, config: Config, train: Samples) -> Self:
        """Seeds all generators and builds the parts in a fixed order."""
        settings = config.training
        make_reproducible(config.seed, config.threads)
        device = choose_device(settings.device)
        shuffling = np.random.default_rng(config.seed)
        batches = Batches(train, settings.batch_size, shuffling)
        steps = settings.epochs * len(batches)
        with computing_on(device):
            model = build_model(config.model.model_dump())
            schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
            model.compile(
                optimizer=keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay),
            )
            model.compute_loss = _compute_loss
            model.optimizer.build(model.trainable_variables)
        return cls(model, batches, shuffling, device)

    def learning_rate(self) -> float:
        """Returns the learning rate of the next step."""
        with computing_on(self.device):
            return float(self.model.optimizer.learning_rate)

    def step(self, inputs: Arrays, targets: Arrays) -> tuple[float, int]:
        """Does one optimizer step; returns the mean loss and the number of samples."""
        with computing_on(self.device):
            self.model.reset_metrics()  # which would go on from the batches before
            train = partial(self.model.train_on_batch, y=dict(targets), return_dict=True)
            mean_loss = float(outputs_of(by_name(train), inputs)["loss"])
        if not math.isfinite(mean_loss):
            raise TrainingError(f"The loss is {mean_loss}: lower training.learning_rate.")
        return mean_loss, len(next(iter(targets.values())))


def _compute_loss(
    x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **_: Any
) -> Any:
    """Return the loss of the task, as Keras asks for that of a model."""
    return loss(outputs_of(lambda outputs: outputs, {"": y_pred}), y)


def start_run(config: Config, name: str | None, reporter: Reporter) -> dict[str, Any]:
    """Trains a new model and returns the content of its `run.json`.

    Raises:
        ProjectError: The data, the device or the name of the run is not fit.
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
    return _train(config, splits, trainer, record, Progress(), reporter)


def resume_run(run: Run, reporter: Reporter) -> dict[str, Any]:
    """Continues a run after its last whole epoch and returns the content of its `run.json`.

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
    return _train(config, splits, trainer, record, progress, reporter)


def _train(
    config: Config,
    splits: Splits,
    trainer: Trainer,
    record: RunRecord,
    progress: Progress,
    reporter: Reporter,
) -> dict[str, Any]:
    epochs = config.training.epochs
    best = BestEpoch.of_run(record.folder, f"val_{BEST_METRIC}", higher=HIGHER_IS_BETTER)
    reporter.say(f"Run {record.folder.name}")
    with record, reporter.training(epochs * len(trainer.batches), progress.step) as report:
        for _ in range(progress.epoch, epochs):
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
    for inputs, targets in trainer.batches:
        learning_rate = trainer.learning_rate()
        mean_loss, size = trainer.step(inputs, targets)
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
    val = evaluate(trainer.model, splits.val)
    metrics = {"train_loss": sum(losses) / sum(sizes)}
    metrics |= {f"val_{name}": value for name, value in val.items()}
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
