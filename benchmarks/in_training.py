"""Train a model by the project's loop and by a bare one; run by the interpreter of its environment.

    PYTHONPATH=src .venv/bin/python in_training.py PACKAGE PAIRS IMAGES [--section.key VALUE]

The bare loop is what PyTorch's tutorials write: no record, no metrics of the steps, no look at a
loss. It validates after each epoch and saves what it would go on from, as everybody does. Both
loops take turns, epoch by epoch, in this process. The first pair does not count: a compiler may
work in it. Printed are, as JSON, the seconds of each epoch of both by the clock and of the
processor, and whether both made the same weights.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SETTINGS = Path("configs/train.yaml")
IMAGES = Path("data/raw/images.npz")
CHECKPOINT = Path("bare.pt")
VALIDATED = 512

Weights = dict[str, torch.Tensor]
Times = tuple[float, float]


class Project:
    """The modules of a project, by the name of its package."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        return importlib.import_module(f"{self._package}.{name.replace('__', '.')}")


class Turns:
    """What training reports to; after each epoch of the project's loop the bare one trains one."""

    as_json = True

    def __init__(self, project: Project, bare: Iterator[Weights]) -> None:
        self.own: list[Times] = []
        self.bare: list[Times] = []
        self.weights: Weights = {}
        self._bare = bare
        self._reproducibility = project.kit__reproducibility
        self._random_states: Any = None

    @contextmanager
    def training(self, total_steps: int, done_steps: int = 0) -> Iterator[Turns]:
        """Yield what steps and epochs are reported to."""
        self._since = now()
        yield self

    def say(self, text: str) -> None:
        """Print nothing."""

    def step(self) -> None:
        """Print nothing."""

    def epoch(self, text: str) -> None:
        """Note what the epoch took; let the other loop train one, from its own random numbers."""
        self.own.append(passed(self._since))
        others = self._reproducibility.random_states()
        if self._random_states is not None:
            self._reproducibility.restore_random_states(self._random_states)
        began = now()
        self.weights = next(self._bare)
        self.bare.append(passed(began))
        self._random_states = self._reproducibility.random_states()
        self._reproducibility.restore_random_states(others)
        self._since = now()


def now() -> Times:
    """Return the time by the clock and that of the processor."""
    return time.perf_counter(), time.process_time()


def passed(since: Times) -> Times:
    """Return the times since then."""
    by_clock, of_processor = now()
    return by_clock - since[0], of_processor - since[1]


def bare_loop(project: Project, config: Any) -> Iterator[Weights]:
    """Train by a bare loop; yield the weights after each epoch."""
    settings = config.training
    splits = project.data.load_splits(config.data)
    project.kit__reproducibility.make_reproducible(config.seed, config.threads)
    device = project.kit__reproducibility.choose_device(settings.device)
    model = project.model.build_model(config.model.model_dump()).to(device)
    forward = torch.compile(model) if settings.compile else model
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    batches = DataLoader(
        TensorDataset(*images_and_labels(splits.train)),
        settings.batch_size,
        shuffle=True,
        generator=torch.Generator().manual_seed(config.seed),
        num_workers=settings.num_workers,
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, settings.epochs * len(batches)
    )
    is_lower = settings.precision == "bf16"
    while True:
        model.train()
        for inputs, labels in batches:
            inputs, labels = inputs.to(device), labels.to(device)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16) if is_lower else nullcontext():
                loss = nn.functional.cross_entropy(forward(inputs)["logits"], labels)
            loss.backward()
            optimizer.step()
            scheduler.step()
        validate(model, splits.val, device)
        torch.save([model.state_dict(), optimizer.state_dict()], CHECKPOINT)
        yield {name: each.cpu() for name, each in model.state_dict().items()}


def images_and_labels(samples: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the example's only input, and its only target."""
    return torch.from_numpy(samples.inputs["image"]), torch.from_numpy(samples.targets["label"])


def validate(model: nn.Module, samples: Any, device: torch.device) -> tuple[float, float]:
    """Return the mean loss and the share of right answers."""
    model.eval()
    images, labels = images_and_labels(samples)
    with torch.no_grad():
        parts = images.split(VALIDATED)
        logits = torch.cat([model(part.to(device))["logits"].cpu() for part in parts])
    loss = nn.functional.cross_entropy(logits, labels)
    return loss.item(), (logits.argmax(dim=1) == labels).float().mean().item()


def prepare(project: Project, images: int, settings: Sequence[str]) -> Any:
    """Write the example's images over and over, so many of them; return the configuration."""
    config = project.config.Config.load(SETTINGS, settings)
    project.data.create(config.data.path)
    files = project.kit__files
    arrays = files.read_arrays(config.data.path, "images", "labels")
    repeated = [np.concatenate([each] * (images // len(each) + 1))[:images] for each in arrays]
    files.write_arrays(IMAGES, dict(zip(("images", "labels"), repeated, strict=True)))
    project.data.create(IMAGES)
    return project.config.Config.load(SETTINGS, [*settings, "--data.path", str(IMAGES)])


def measure(project: Project, config: Any) -> dict[str, Any]:
    """Let both loops train in turn; return what their epochs took, and whether they are equal."""
    turns = Turns(project, bare_loop(project, config))
    facts = project.train.start_run(config, None, turns)
    weights = torch.load(facts["checkpoint"], map_location="cpu")["parts"]["model"]
    same = all(torch.equal(each, turns.weights[name]) for name, each in weights.items())
    return {"own": turns.own[1:], "bare": turns.bare[1:], "same_weights": same}


def main() -> int:
    """Measure and print."""
    package, pairs, images, *settings = sys.argv[1:]
    project, source = Project(package), SETTINGS.read_text(encoding="utf-8")
    with TemporaryDirectory(prefix="training-") as folder:
        os.chdir(folder)
        SETTINGS.parent.mkdir()
        SETTINGS.write_text(source, encoding="utf-8")
        settings = [*settings, "--training.epochs", str(int(pairs) + 1)]
        found = measure(project, prepare(project, int(images), settings))
        os.chdir("/")
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
