"""The training loop: what happens in an epoch, and how a run starts and goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from .config import Config
from .data import Samples, Splits, load_splits
from .evaluate import TrainedModel, evaluate
from .kit.errors import RunError, TrainingError
from .kit.reporting import Reporter, StepReport
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import BestEpoch, Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    WEIGHTS,
    Progress,
    restore_checkpoint,
    save_checkpoint,
)
from .model import Model, build_model

BEST_METRIC = "val_loss"  # whose lowest value makes an epoch the best

Batch = tuple[NDArray[np.float32], NDArray[np.int64]]


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
        """Yields inputs and labels."""
        order = self._shuffling.permutation(len(self._samples))
        for at in range(0, len(order), self._size):
            chosen = order[at : at + self._size]
            yield self._samples.inputs[chosen], self._samples.labels[chosen]


@dataclass
class Trainer:
    """Everything that changes while a model is trained.

    Attributes:
        model: What computes; it does not change.
        weights: What it computes with.
        optimizer: What changes the weights; it does not change itself.
        optimizer_state: The optimizer's running means, and its place in the schedule.
        schedule: The learning rate of each step, counted from 0.
        batches: The training data.
        shuffling: What orders the training data.
        dropout: The key from which every step makes its own.
        steps: Optimizer steps that are done.
        device: Where it computes.
    """

    model: Model
    weights: Any
    optimizer: optax.GradientTransformation
    optimizer_state: optax.OptState
    schedule: optax.Schedule
    batches: Batches
    shuffling: np.random.Generator
    dropout: jax.Array
    steps: int
    device: jax.Device

    @classmethod
    def build(cls, config: Config, train: Samples) -> Self:
        """Makes all keys and generators from the seed, and builds the parts."""
        settings = config.training
        make_reproducible(config.seed, config.threads)
        device = choose_device(settings.device)
        model = build_model(config.model.model_dump())
        shuffling = np.random.default_rng(config.seed)
        batches = Batches(train, settings.batch_size, shuffling)
        steps = settings.epochs * len(batches)
        schedule, optimizer = _optimizer(settings.learning_rate, settings.weight_decay, steps)
        with jax.default_device(device):
            initial, dropout = jax.random.split(jax.random.key(config.seed))
            weights = model.init(initial)
            state = optimizer.init(weights)
        return cls(
            model, weights, optimizer, state, schedule, batches, shuffling, dropout, 0, device
        )

    def parts(self) -> dict[str, Any]:
        """Returns what a checkpoint holds besides the random generators."""
        return {WEIGHTS: self.weights, "optimizer": self.optimizer_state}

    def resume(self, progress: Progress, parts: dict[str, Any]) -> None:
        """Takes over the content of a checkpoint."""
        self.weights, self.optimizer_state = parts[WEIGHTS], parts["optimizer"]
        self.steps = progress.step

    def trained(self) -> TrainedModel:
        """Returns the model as it is now."""
        return TrainedModel(self.model, self.weights)

    def step(self, inputs: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, int]:
        """Does one optimizer step; returns the mean loss and the number of right answers."""
        key = jax.random.fold_in(self.dropout, self.steps)
        with jax.default_device(self.device):
            batch = jnp.asarray(inputs), jnp.asarray(labels), key
            self.weights, self.optimizer_state, loss, right = _step(
                self.model, self.optimizer, self.weights, self.optimizer_state, *batch
            )
        self.steps += 1
        if not math.isfinite(loss):
            raise TrainingError(f"The loss is {loss}: lower training.learning_rate.")
        return float(loss), int(right)


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
    progress, parts = restore_checkpoint(path, trainer.parts(), trainer.shuffling)
    trainer.resume(progress, parts)
    record = RunRecord.reopen(run, progress.epoch)
    return _train(config, splits, trainer, record, progress, reporter)


@cache  # of the same settings the same object, which is compiled once
def _optimizer(
    learning_rate: float, weight_decay: float, steps: int
) -> tuple[optax.Schedule, optax.GradientTransformation]:
    schedule = optax.cosine_decay_schedule(learning_rate, steps)
    return schedule, optax.adamw(schedule, weight_decay=weight_decay)


@partial(jax.jit, static_argnums=(0, 1))
def _step(
    model: Model,
    optimizer: optax.GradientTransformation,
    weights: Any,
    state: optax.OptState,
    inputs: jax.Array,
    labels: jax.Array,
    key: jax.Array,
) -> tuple[Any, optax.OptState, jax.Array, jax.Array]:
    def loss_of(weights: Any) -> tuple[jax.Array, jax.Array]:
        logits = model.apply(weights, inputs, key)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), (logits.argmax(axis=1) == labels).sum()

    (loss, right), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
    changes, state = optimizer.update(gradients, state, weights)
    return optax.apply_updates(weights, changes), state, loss, right


def _train(
    config: Config,
    splits: Splits,
    trainer: Trainer,
    record: RunRecord,
    progress: Progress,
    reporter: Reporter,
) -> dict[str, Any]:
    epochs = config.training.epochs
    best = BestEpoch.of_run(record.folder, BEST_METRIC)
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
    losses, right, sizes = [], [], []
    for inputs, labels in trainer.batches:
        learning_rate = float(trainer.schedule(trainer.steps))
        loss, correct = trainer.step(inputs, labels)
        step += 1
        sizes.append(len(labels))
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
    val = evaluate(trainer.trained(), splits.val)
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
        save_checkpoint(best_file, progress, {WEIGHTS: trainer.weights}, trainer.shuffling)
    save_checkpoint(path, progress, trainer.parts(), trainer.shuffling)
    record.update(
        epochs_done=progress.epoch,
        checkpoint=path.as_posix(),
        best=best.to_json(best_file),
        final_metrics=dict(metrics),
    )
