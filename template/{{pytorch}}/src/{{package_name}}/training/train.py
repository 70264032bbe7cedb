"""The training loop: what happens in an epoch, and how a run starts and goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ..config import Config
from ..data import Samples, Splits, load_splits
from ..errors import RunError, TrainingError
from ..models import build_model
from ..reporting import Reporter, StepReport
from ..reproducibility import choose_device, make_reproducible
from ..tracking import BestEpoch, Run, RunRecord
from ..tracking.store import CHECKPOINT_FILE, CONFIG_FILE
from .checkpoint import BEST_FILE, Progress, Stateful, restore_checkpoint, save_checkpoint
from .evaluate import evaluate

BEST_METRIC = "val_loss"  # whose lowest value makes an epoch the best


@dataclass
class Trainer:
    """Everything that changes while a model is trained."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    batches: DataLoader[tuple[torch.Tensor, ...]]
    shuffling: torch.Generator
    device: torch.device

    @classmethod
    def build(cls, config: Config, train: Samples) -> Self:
        """Seeds all generators and builds the parts in a fixed order."""
        settings = config.training
        make_reproducible(config.seed, config.threads)
        device = choose_device(settings.device)
        model = build_model(config.model.model_dump()).to(device)
        optimizer = torch.optim.AdamW(
            model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        shuffling = torch.Generator().manual_seed(config.seed)
        data = TensorDataset(torch.from_numpy(train.inputs), torch.from_numpy(train.labels))
        batches = DataLoader(data, settings.batch_size, shuffle=True, generator=shuffling)
        steps = settings.epochs * len(batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return cls(model, optimizer, schedule, batches, shuffling, device)

    def parts(self) -> dict[str, Stateful]:
        """Returns what a checkpoint holds besides the random generators."""
        return {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}

    def step(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[float, int]:
        """Does one optimiser step; returns the mean loss and the number of right answers."""
        inputs, labels = inputs.to(self.device), labels.to(self.device)
        self.optimizer.zero_grad()
        logits = self.model(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        if not math.isfinite(loss.item()):
            raise TrainingError(f"The loss is {loss.item()}: lower training.learning_rate.")
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.item(), int((logits.argmax(dim=1) == labels).sum())


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
    progress = restore_checkpoint(path, trainer.parts(), trainer.shuffling)
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
    trainer.model.train()
    for inputs, labels in trainer.batches:
        learning_rate = trainer.optimizer.param_groups[0]["lr"]
        loss, correct = trainer.step(inputs, labels)
        step += 1
        record.log(kind="step", epoch=epoch, step=step, loss=loss, learning_rate=learning_rate)
        report.step()
        losses.append(loss * len(labels))
        right.append(correct)
        sizes.append(len(labels))
    val = evaluate(trainer.model, splits.val)
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
        save_checkpoint(best_file, progress, {"model": trainer.model}, trainer.shuffling)
    save_checkpoint(path, progress, trainer.parts(), trainer.shuffling)
    record.update(
        epochs_done=progress.epoch,
        checkpoint=path.as_posix(),
        best=best.to_json(best_file),
        final_metrics=dict(metrics),
    )
