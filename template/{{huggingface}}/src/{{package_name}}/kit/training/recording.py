# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Pass what Transformers' Trainer does on to the record of the run and to what people see."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from ..answers import optional
from ..errors import TrainingError
from ..reporting import StepReport
from ..tracking import RunRecord

_OF_TIME = (
    "eval_runtime",
    "eval_samples_per_second",
    "eval_steps_per_second",
    "eval_model_preparation_time",
)
"""What the Trainer measures besides the model."""


class Recording(TrainerCallback):
    """Write a line of metrics per step and epoch, and note every checkpoint once it is whole.

    Metrics are those that the Trainer computes; where that is the loss alone, the perplexity comes
    to it. The best epoch is noted too if the Trainer looks for it: if `metric_for_best_model` is
    set.
    """

    def __init__(
        self,
        record: RunRecord,
        report: StepReport,
        examples: int,
        batch: int = 0,
        *,
        part: str = "held_out",
        patience: int = 0,
    ) -> None:
        """Take where to write, and what.

        Args:
            record: The record of the run.
            report: What people see.
            examples: How many an epoch has.
            batch: Not used: the Trainer says it. Projects of earlier releases pass it.
            part: What the data is called that an epoch is evaluated on, such as `val`.
            patience: Epochs without a better loss after which training ends; 0: never.
        """
        self._record = record
        self._report = report
        self._examples = examples
        self._part = part
        self._patience = patience
        self._steps = 0
        self._ends = False
        self._metrics: dict[str, float] = {}

    @property
    def is_over(self) -> bool:
        """Whether as many epochs as the patience brought no better loss."""
        best = self._record.facts.get("best")
        done = int(self._record.facts["epochs_done"])
        return bool(self._patience and best and done - best["epoch"] >= self._patience)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Take how many optimizer steps an epoch has."""
        self._steps = state.max_steps // state.num_train_epochs
        trainer = optional("training.distributed.trainer")
        if trainer and args.world_size > 1:
            trainer.tell(others["model"], args.train_batch_size * args.world_size)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Have a checkpoint written if a signal asks for the end within an epoch."""
        if state.global_step % self._steps and self._record.must_end():
            self._ends = control.should_save = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **others: Any,
    ) -> None:
        """Record a step; the Trainer logs other things too, which have no `loss`."""
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
            samples=self._samples(args, (step - 1) % self._steps),
        )
        self._report.step()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **others: Any,
    ) -> None:
        """Keep the metrics of the epoch until its checkpoint is written."""
        found = {
            name.removeprefix("eval_"): float(value)
            for name, value in (metrics or {}).items()
            if name.startswith("eval_") and name not in _OF_TIME
        }
        if args.prediction_loss_only:
            found["perplexity"] = math.exp(found["loss"])
        measured = {f"{self._part}_{name}": value for name, value in found.items()}
        self._metrics = {"train_loss": self._record.train_loss(), **measured}

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Record an epoch: the Trainer has just written its checkpoint.

        Raises:
            KeyboardInterrupt: A signal asked for the end.
        """
        step = state.global_step
        folder = Path(str(args.output_dir), f"{PREFIX_CHECKPOINT_DIR}-{step}")
        if distributed := optional("training.distributed"):
            distributed.wait()  # for what the other processes write into the folder
        if self._ends:
            self._record.end(checkpoint=folder.as_posix(), step=step)
        epoch = step // self._steps
        self._record.log(kind="epoch", epoch=epoch, step=step, **self._metrics)
        facts = {"checkpoint": folder.as_posix(), "final_metrics": dict(self._metrics)}
        if state.best_global_step == step:
            metric = str(args.metric_for_best_model).removeprefix("eval_")
            facts["best"] = self._best(epoch, folder, metric)
        self._record.update(epochs_done=epoch, **facts)
        if state.is_world_process_zero:
            self._remove_others(folder)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in self._metrics.items())
        self._report.epoch(f"epoch {epoch:3d}  {shown}")
        if self.is_over:
            control.should_training_stop = True
        elif epoch < state.num_train_epochs and self._record.must_end():
            self._record.end()

    def _best(self, epoch: int, folder: Path, metric: str) -> dict[str, Any]:
        return {
            "epoch": epoch,
            "metric": f"{self._part}_{metric}",
            "checkpoint": folder.as_posix(),
            "metrics": dict(self._metrics),
        }

    def _remove_others(self, last: Path) -> None:
        """Remove all checkpoints but the last and the best, which the record names by now."""
        best = self._record.facts.get("best")
        kept = {last, Path(best["checkpoint"])} if best else {last}
        for each in last.parent.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
            if each not in kept:  # needed until now, if the process had been killed
                shutil.rmtree(each, ignore_errors=True)

    def _samples(self, args: TrainingArguments, step: int) -> int:
        """Return the examples of a step, counted from 0 in its epoch; the last may have fewer."""
        at_once: int = args.train_batch_size * args.world_size
        dropped = self._examples % at_once if args.dataloader_drop_last else 0
        batch: int = at_once * args.gradient_accumulation_steps
        return min(batch, self._examples - dropped - step * batch)
