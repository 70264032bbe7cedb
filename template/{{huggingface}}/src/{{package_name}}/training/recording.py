# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Passes what Transformers' Trainer does on to the record of the run and to what people see."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from ..errors import TrainingError
from ..reporting import StepReport
from ..tracking import RunRecord


class Recording(TrainerCallback):
    """Writes a line of metrics per step and epoch, and notes every checkpoint once it is whole."""

    def __init__(self, record: RunRecord, report: StepReport, examples: int, batch: int) -> None:
        """Takes where to write, and how many examples an epoch and a batch have."""
        self._record = record
        self._report = report
        self._examples = examples
        self._batch = batch
        self._steps = math.ceil(examples / batch)
        self._losses: list[float] = []
        self._metrics: dict[str, float] = {}

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **others: Any,
    ) -> None:
        """Records a step; the Trainer logs other things too, which have no `loss`."""
        if logs is None or "loss" not in logs:
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise TrainingError(f"The loss is {loss}: lower training.learning_rate.")
        step = state.global_step
        self._record.log(
            kind="step",
            epoch=(step - 1) // self._steps + 1,
            step=step,
            loss=loss,
            learning_rate=float(logs["learning_rate"]),
        )
        self._losses.append(loss)
        self._report.step()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **others: Any,
    ) -> None:
        """Keeps the held-out loss of the epoch until its checkpoint is written."""
        loss = float((metrics or {})["eval_loss"])
        self._metrics = {
            "train_loss": self._train_loss(),
            "held_out_loss": loss,
            "held_out_perplexity": math.exp(loss),
        }
        self._losses = []

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Records an epoch: the Trainer has just written its checkpoint."""
        step = state.global_step
        epoch = step // self._steps
        self._record.log(kind="epoch", epoch=epoch, step=step, **self._metrics)
        folder = Path(str(args.output_dir), f"{PREFIX_CHECKPOINT_DIR}-{step}")
        self._record.update(
            epochs_done=epoch, checkpoint=folder.as_posix(), final_metrics=dict(self._metrics)
        )
        for earlier in folder.parent.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
            if earlier != folder:  # needed until now, if the process had been killed
                shutil.rmtree(earlier, ignore_errors=True)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in self._metrics.items())
        self._report.epoch(f"epoch {epoch:3d}  {shown}")

    def _train_loss(self) -> float:
        """Returns the mean of the epoch; the last batch may be smaller."""
        last = self._examples - self._batch * (self._steps - 1)
        sizes = [self._batch] * (len(self._losses) - 1) + [last]
        total = sum(loss * size for loss, size in zip(self._losses, sizes, strict=True))
        return total / self._examples
