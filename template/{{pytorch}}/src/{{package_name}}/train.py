"""Training, in the order of what happens: build, train_step, validate, and the epochs of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, StackDataset

from .config import Config, TrainingConfig
from .data import load_splits
from .evaluate import evaluate
from .kit.errors import RunError
from .kit.inference import outputs_of
from .kit.reporting import Reporter, StepReport
from .kit.reproducibility import make_reproducible
from .kit.tracking import BestEpoch, Run, RunRecord
from .kit.tracking.store import CHECKPOINT_FILE, CONFIG_FILE
from .kit.training import Samples, Splits, speed
from .kit.training.checkpoint import (
    BEST_FILE,
    Progress,
    Stateful,
    restore_checkpoint,
    save_checkpoint,
)
from .model import build_model, loss
from .task import BEST_METRIC, HIGHER_IS_BETTER, Arrays

Batch = tuple[Mapping[str, torch.Tensor], Mapping[str, torch.Tensor]]


@dataclass
class Trainer:
    """Everything that changes while a model is trained.

    Attributes:
        settings: The section `training` of the configuration.
        model: Its weights are what is validated and saved.
        forward: The same model as it is trained: by several processes, compiled.
        optimizer: What changes the weights.
        lr_scheduler: The learning rate of each optimizer step.
        scaler: What scales the gradients of fp16.
        batches: The training data.
        order: What orders the training data.
        shuffling: The random numbers of that order.
        strategy: What the processes of the training share.
        device: Where it computes.
    """

    settings: TrainingConfig
    model: nn.Module
    forward: Callable[..., Any]
    optimizer: torch.optim.Optimizer
    lr_scheduler: torch.optim.lr_scheduler.LRScheduler
    scaler: torch.amp.GradScaler
    batches: DataLoader[Batch]
    order: speed.Order
    shuffling: torch.Generator
    strategy: speed.Strategy
    device: torch.device

    @classmethod
    def build(cls, config: Config, train: Samples) -> Self:
        """Seed all generators and build the parts in a fixed order."""
        settings = config.training
        make_reproducible(config.seed, config.threads)
        strategy = speed.make_strategy(settings.strategy)
        strategy.require(settings.batch_size, settings.precision)
        device = strategy.device(settings.device)
        speed.require_precision(settings.precision, device)
        model = build_model(config.model.model_dump()).to(device)
        if settings.checkpoint_activations:
            speed.checkpoint_activations(model, is_compiled=settings.compile)
        forward = strategy.spread(model)
        if settings.compile:
            forward = speed.compiled(forward)
        optimizer = torch.optim.AdamW(
            model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        scaler = speed.make_scaler(settings.precision, device)
        rows = StackDataset(_rows(train.inputs), _rows(train.targets))
        shuffling = torch.Generator().manual_seed(config.seed)
        order = speed.Order(RandomSampler(rows, generator=shuffling), settings.batch_size, strategy)
        batches = DataLoader(
            rows, batch_sampler=order, generator=shuffling, num_workers=settings.num_workers
        )
        steps = settings.epochs * math.ceil(len(batches) / settings.accumulation_steps)
        lr_scheduler = speed.make_lr_scheduler(
            optimizer, settings.schedule, settings.warmup_steps, steps
        )
        return cls(
            settings, model, forward, optimizer, lr_scheduler, scaler,
            batches, order, shuffling, strategy, device,
        )  # fmt: skip

    def epoch(self, done: int) -> Iterator[list[speed.Batch]]:
        """Yield the batches of each optimizer step of an epoch, without the steps that are done."""
        self.order.begin(done * self.settings.accumulation_steps)
        return speed.in_groups(self.batches, self.settings.accumulation_steps)

    def train_step(self, group: Sequence[speed.Batch]) -> tuple[torch.Tensor, int]:
        """Do one optimizer step; return the mean loss and the number of samples.

        The loss stays on the device: who reads it waits until it has been computed.

        Args:
            group: The batches whose gradients are accumulated, one or more.
        """
        size = sum(map(speed.size_of, group))
        mean_loss = torch.zeros((), device=self.device)
        self.optimizer.zero_grad()
        for number, batch in enumerate(group, start=1):
            self.strategy.before_batch(is_last=number == len(group))
            inputs, targets = speed.moved(batch, self.device)
            with speed.autocast(self.settings.precision, self.device):
                batch_loss = loss(outputs_of(self.forward, inputs), targets)
            share = speed.size_of(batch) / size
            self.scaler.scale(batch_loss * share).backward()
            mean_loss += batch_loss.detach() * share
        self._change_weights()
        return self.strategy.mean(mean_loss), self.strategy.total(size)

    def _change_weights(self) -> None:
        if self.settings.grad_clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.grad_clip)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.get_scale() >= scale:  # or the gradients of fp16 were too large for a step
            self.lr_scheduler.step()

    def validate(self, val: Samples) -> dict[str, float]:
        """Measure the model on the samples that choose the best epoch."""
        self.strategy.share_buffers()
        return self.strategy.of_first(evaluate(self.model, val))

    @property
    def epoch_steps(self) -> int:
        """Optimizer steps in an epoch; the last one may have fewer batches."""
        return math.ceil(len(self.batches) / self.settings.accumulation_steps)

    def state(self) -> dict[str, Stateful]:
        """Return what a checkpoint holds besides the random generators."""
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "lr_scheduler": self.lr_scheduler,
            "scaler": self.scaler,
        }


def _rows(arrays: Arrays) -> StackDataset[Any]:
    tensors: Any = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return StackDataset(**tensors)


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
    """Continue a run after its last checkpoint and return the content of its `run.json`.

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
    progress = restore_checkpoint(path, trainer.state(), trainer.shuffling)
    record = RunRecord.reopen(run, progress.epoch, progress.step)
    return _train(trainer, splits, record, progress, reporter)


def _train(
    trainer: Trainer, splits: Splits, record: RunRecord, progress: Progress, reporter: Reporter
) -> dict[str, Any]:
    epochs, patience = trainer.settings.epochs, trainer.settings.early_stopping
    best = BestEpoch.of_run(record.folder, f"val_{BEST_METRIC}", higher=HIGHER_IS_BETTER)
    reporter.say(f"Run {record.folder.name}")
    with record, reporter.training(epochs * trainer.epoch_steps, progress.step) as report:
        for _ in range(progress.epoch, epochs):
            if patience and progress.epoch - best.epoch >= patience:
                reporter.say(f"Stopped: {best.metric} was best {patience} epochs before.")
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
    trainer.model.train()
    for group in trainer.epoch(step - before.epoch * trainer.epoch_steps):
        learning_rate = trainer.optimizer.param_groups[0]["lr"]
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
        if record.must_end():
            _end_early(trainer, record, Progress(before.epoch, step))
    metrics = {"train_loss": record.train_loss()}  # which must be finite to go on
    metrics |= {f"val_{name}": value for name, value in trainer.validate(splits.val).items()}
    after = Progress(epoch, step)
    _finish_epoch(trainer, record, best, after, metrics)
    report.epoch(f"epoch {epoch:3d}  " + "  ".join(f"{k} {v:.4f}" for k, v in metrics.items()))
    return after


def _end_early(trainer: Trainer, record: RunRecord, progress: Progress) -> None:
    """Save the steps of an epoch that is not finished, as a signal asked for the end."""
    path = record.folder / CHECKPOINT_FILE
    save_checkpoint(path, progress, trainer.state(), trainer.order.start)
    record.end(checkpoint=path.as_posix(), step=progress.step)


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
        save_checkpoint(best_file, progress, {"model": trainer.model}, trainer.shuffling)
    save_checkpoint(path, progress, trainer.state(), trainer.shuffling)
    record.update(
        epochs_done=progress.epoch,
        checkpoint=path.as_posix(),
        best=best.to_json(best_file),
        final_metrics=dict(metrics),
    )
