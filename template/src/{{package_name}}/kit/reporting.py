# Owned by the template: every update rewrites this file. Your own output goes into your commands.
"""What people see while a command works: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .answers import optional

# Without a terminal nothing says how wide the output may be; tables must not lose columns.
_WIDTH_WITHOUT_TERMINAL = 160


class StepReport(Protocol):
    """What training calls while it goes on."""

    def step(self) -> None:
        """One optimizer step is done."""

    def epoch(self, text: str) -> None:
        """One epoch is done; `text` is its summary."""


class Reporter:
    """Prints for people, or one JSON object on stdout and everything else on stderr."""

    def __init__(self, *, as_json: bool = False) -> None:
        """Take whether stdout belongs to a program."""
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False)
        if not self.console.is_terminal:
            self.console = Console(stderr=as_json, highlight=False, width=_WIDTH_WITHOUT_TERMINAL)

    def say(self, text: str) -> None:
        """Print one plain line."""
        self.console.print(text, markup=False, soft_wrap=True)

    def finish(self, result: Any, summary: object) -> None:
        """End a command: the result as JSON for programs, or the summary for people.

        In a stage of DVC the numbers of the result go to `metrics/` too.
        """
        if pipeline := optional("pipeline"):
            pipeline.write_metrics(result)
        if self.as_json:
            print(json.dumps(result))
        else:
            self.console.print(summary, markup=False, soft_wrap=isinstance(summary, str))

    @contextmanager
    def training(self, total_steps: int, done_steps: int = 0) -> Iterator[StepReport]:
        """Yield what training reports its steps and epochs to."""
        if not self.console.is_terminal:
            yield _Lines(self)
            return
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task("training", total=total_steps, completed=done_steps)
            yield _Bar(self, progress, task)


class _Lines:
    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def step(self) -> None:
        """Print nothing: a line per step would bury the epochs."""

    def epoch(self, text: str) -> None:
        self._reporter.say(text)


class _Bar(_Lines):
    def __init__(self, reporter: Reporter, progress: Progress, task: Any) -> None:
        super().__init__(reporter)
        self._progress = progress
        self._task = task

    def step(self) -> None:
        self._progress.advance(self._task)


@contextmanager
def silenced() -> Iterator[None]:
    """Keep the progress, warnings and log lines of a library away from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
