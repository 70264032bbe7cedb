"""Training, in the order of what happens: build, train_step, validate, and the epochs of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .config import Config, TrainingConfig
from .data import load_splits
from .evaluate import TrainedModel, evaluate
from .kit.errors import RunError
from .kit.inference import outputs_of
from .kit.reporting import Reporter, StepReport
from .kit.reproducibility import choose_device, make_reproducible
from .kit.tracking import BestEpoch, Run, RunRecord
from .kit.tracking.store import CONFIG_FILE
from .kit.training import Samples, Splits, speed
from .kit.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    WEIGHTS,
    Progress,
    restore_checkpoint,
    save_checkpoint,
)
from .model import Model, build_model, loss
from .task import BEST_METRIC, HIGHER_IS_BETTER


@dataclass
class Trainer:
    """Everything that changes while a model is trained.

    Attributes:
        settings: The section `training` of the configuration.
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

    settings: TrainingConfig
    model: Model
    weights: Any
    optimizer: optax.GradientTransformation
    optimizer_state: optax.OptState
    schedule: optax.Schedule
    batches: speed.Batches
    shuffling: np.random.Generator
    dropout: jax.Array
    steps: int
    device: jax.Device

    @classmethod
    def build(cls, config: Config, train: Samples) -> Self:
        """Make all keys and generators from the seed, and build the parts."""
        settings = config.training
        make_reproducible(config.seed, config.threads)
        device = choose_device(settings.device)
        model = build_model(config.model.model_dump())
        shuffling = np.random.default_rng(config.seed)
        batches = speed.Batches(train, settings.batch_size, shuffling)
        steps = settings.epochs * math.ceil(len(batches) / settings.accumulation_steps)
        schedule, optimizer = _optimizer(settings, steps)
        with jax.default_device(device):
            initial, dropout = jax.random.split(jax.random.key(config.seed))
            weights = model.init(initial)
            state = optimizer.init(weights)
        return cls(
            settings,
            model,
            weights,
            optimizer,
            state,
            schedule,
            batches,
            shuffling,
            dropout,
            0,
            device,
        )

    def train_step(self, group: Sequence[speed.Batch]) -> tuple[jax.Array, int]:
        """Do one optimizer step; return the mean loss and the number of samples.

        The loss stays on the device: who reads it waits until it has been computed.

        Args:
            group: The batches whose gradients are accumulated, one or more.
        """
        sizes = [len(next(iter(targets.values()))) for _, targets in group]
        before = self.steps * self.settings.accumulation_steps
        with jax.default_device(self.device):
            sums: Any = None
            for number, (batch, size) in enumerate(zip(group, sizes, strict=True), before):
                key = jax.random.fold_in(self.dropout, number)
                arrays = jax.tree.map(jnp.asarray, (*map(dict, batch), size / sum(sizes)))
                part = _gradients(self.model, *self._precision, self.weights, key, *arrays)
                sums = part if sums is None else jax.tree.map(jnp.add, sums, part)
            mean_loss, gradients = sums
            self.weights, self.optimizer_state = _change_weights(
                self.optimizer, gradients, self.optimizer_state, self.weights
            )
        self.steps += 1
        return mean_loss, sum(sizes)

    @property
    def _precision(self) -> tuple[str, bool]:
        return self.settings.precision, self.settings.checkpoint_activations

    def validate(self, val: Samples) -> dict[str, float]:
        """Measure the model on the samples that choose the best epoch."""
        return evaluate(self.trained(), val)

    @property
    def epoch_steps(self) -> int:
        """Optimizer steps in an epoch; the last one may have fewer batches."""
        return math.ceil(len(self.batches) / self.settings.accumulation_steps)

    def trained(self) -> TrainedModel:
        """Return the model as it is now."""
        return TrainedModel(self.model, self.weights)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds besides the random generators."""
        return {WEIGHTS: self.weights, "optimizer": self.optimizer_state}

    def resume(self, progress: Progress, state: dict[str, Any]) -> None:
        """Take over the content of a checkpoint."""
        self.weights, self.optimizer_state = state[WEIGHTS], state["optimizer"]
        self.steps = progress.step


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
    progress, state = restore_checkpoint(path, trainer.state(), trainer.shuffling)
    trainer.resume(progress, state)
    record = RunRecord.reopen(run, progress.epoch)
    return _train(trainer, splits, record, progress, reporter)


@cache  # of the same settings the same object, which is compiled once
def _optimizer(
    settings: TrainingConfig, steps: int
) -> tuple[optax.Schedule, optax.GradientTransformation]:
    schedule = speed.make_lr_schedule(
        settings.learning_rate, settings.schedule, settings.warmup_steps, steps
    )
    optimizer = optax.adamw(schedule, weight_decay=settings.weight_decay)
    if settings.grad_clip:
        optimizer = optax.chain(optax.clip_by_global_norm(settings.grad_clip), optimizer)
    return schedule, optimizer


@partial(jax.jit, static_argnums=(0, 1, 2))
def _gradients(
    model: Model,
    precision: str,
    checkpointed: bool,
    weights: Any,
    key: jax.Array,
    inputs: dict[str, jax.Array],
    targets: dict[str, jax.Array],
    share: jax.Array,
) -> tuple[jax.Array, Any]:
    """Return a batch's share of the mean loss and of its gradients."""

    def loss_of(weights: Any) -> jax.Array:
        weights, lowered = speed.lowered((weights, inputs), precision)
        apply = partial(model.apply, weights, dropout_key=key, checkpointed=checkpointed)
        return loss(speed.raised(outputs_of(apply, lowered)), targets) * share

    mean_loss, gradients = jax.value_and_grad(loss_of)(weights)
    return mean_loss, gradients


@partial(jax.jit, static_argnums=0)
def _change_weights(
    optimizer: optax.GradientTransformation, gradients: Any, state: optax.OptState, weights: Any
) -> tuple[Any, optax.OptState]:
    changes, state = optimizer.update(gradients, state, weights)
    return optax.apply_updates(weights, changes), state


def _train(
    trainer: Trainer, splits: Splits, record: RunRecord, progress: Progress, reporter: Reporter
) -> dict[str, Any]:
    epochs, patience = trainer.settings.epochs, trainer.settings.early_stopping
    best = BestEpoch.of_run(record.folder, f"val_{BEST_METRIC}", higher=HIGHER_IS_BETTER)
    reporter.say(f"Run {record.folder.name}")
    with record, reporter.training(epochs * trainer.epoch_steps, progress.step) as report:
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
    for group in speed.in_groups(trainer.batches, trainer.settings.accumulation_steps):
        learning_rate = trainer.schedule(trainer.steps)
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
        losses.append(mean_loss)
        sizes.append(size)
    record.flush()  # a loss that is not finite ends the run before it is validated
    total_loss = sum(float(loss) * size for loss, size in zip(losses, sizes, strict=True))
    metrics = {"train_loss": total_loss / sum(sizes)}
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
        save_checkpoint(best_file, progress, {WEIGHTS: trainer.weights}, trainer.shuffling)
    save_checkpoint(path, progress, trainer.state(), trainer.shuffling)
    record.update(
        epochs_done=progress.epoch,
        checkpoint=path.as_posix(),
        best=best.to_json(best_file),
        final_metrics=dict(metrics),
    )
