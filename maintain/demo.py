"""Show that the template works here: render, set up, train, evaluate, export, predict, test.

Every step is a command of the rendered project, as people type it. What a step prints goes to a
file beside the project; a summary says what came out and how long it took.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from envkeep.files import write_whole
from envkeep.paths import python
from envkeep.process import envkeep_command
from hooks.errors import HookError
from hooks.new_project import machine_answers
from hooks.rendering import Request, render
from maintain import ROOT

DEFAULT_PROJECT = ROOT / "build" / "demo"
TAIL_LINES = 30
BYTES_PER_MEGABYTE = 1_000_000
ENVIRONMENTS = {"development": ".venv", "production": ".venv-prod"}
STEPS: Mapping[str, tuple[str, ...]] = {
    "setup": ("setup",),
    "data": ("data",),
    "train": ("train", "--json"),
    "evaluate": ("evaluate", "--json"),
    "export": ("export", "--json"),
    "install-prod": ("install-prod",),
    "predict": ("predict", "models/digits", "--verify", "--json"),
    "test": ("test",),
}
HAS_TORCH = "import importlib.util as u; print(u.find_spec('torch') is not None)"


@dataclass(frozen=True)
class Environment:
    """An environment of the project: its size in megabytes, and whether torch can be imported."""

    megabytes: float
    torch: bool


@dataclass
class Outcome:
    """What the demo found.

    Attributes:
        answers: The template's answers that the machine decided.
        results: The JSON object that a step printed, by step.
        environments: The two environments by their use.
        seconds: Duration of each step, in the order in which they ran.
    """

    answers: dict[str, str] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the summary for programs: accuracies, parity, megabytes and seconds."""
        predicted = self.results["predict"]
        return {
            "answers": self.answers,
            "accuracy": self.results["evaluate"]["accuracy"],
            "accuracy_in_production": predicted["metrics"]["accuracy"],
            "parity": {
                name: predicted[name]
                for name in ("examples", "agreement", "max_abs_difference", "tolerance")
            },
            "environments": {name: vars(each) for name, each in self.environments.items()},
            "seconds": self.seconds,
        }


class Demo:
    """One project, made and used step by step."""

    def __init__(self, project: Path, console: Console) -> None:
        """Take where the project goes and where progress is shown."""
        self.project = project
        self.logs = logs_of(project)
        self.console = console
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Run all steps.

        Raises:
            HookError: A step failed, or the production environment holds torch.
        """
        with self._timed("render"):
            self._render()
        for name, command in STEPS.items():
            with self._timed(name):
                self._run_command(name, command)
        self._measure()
        return self.outcome

    def _render(self) -> None:
        self.outcome.answers = machine_answers()
        request = Request(str(ROOT), self.project, self.outcome.answers, ref="HEAD")
        render(request)
        self.logs.mkdir(parents=True, exist_ok=True)

    def _run_command(self, name: str, command: Sequence[str]) -> None:
        log = self.logs / f"{name}.log"
        with log.open("wb") as file:
            done = subprocess.run(
                envkeep_command(*command),
                cwd=self.project,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        text = log.read_text(encoding="utf-8", errors="replace")
        if done.returncode:
            tail = "\n".join(text.splitlines()[-TAIL_LINES:])
            self.console.print(tail, soft_wrap=True, markup=False)
            raise HookError(
                f"step {name} failed with exit code {done.returncode}; the end of its output is "
                f"above, all of it is in {log}.",
                exit_code=1,
            )
        if "--json" in command:
            self.outcome.results[name] = last_json(text)

    def _measure(self) -> None:
        for name, link in ENVIRONMENTS.items():
            folder = self.project / link
            self.outcome.environments[name] = Environment(size(folder), has_torch(folder))
        if self.outcome.environments["production"].torch:
            raise HookError("the production environment can import torch; it must not.", 1)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        with self.console.status(f"{name} ...") if self.console.is_terminal else nullcontext():
            yield
        seconds = time.perf_counter() - start
        self.outcome.seconds[name] = round(seconds, 2)
        self.console.print(f"{name:<13} {seconds:7.1f} s")


def last_json(text: str) -> dict[str, Any]:
    """Return the last line of a step's output that is a JSON object.

    Raises:
        HookError: There is none.
    """
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            result: dict[str, Any] = json.loads(line)
            return result
    raise HookError("a step printed no JSON although it was asked to; see its log.", 1)


def size(folder: Path) -> float:
    """Return the size of all files under a folder in megabytes (10^6 bytes).

    A file with several names counts once, what links inside the folder point at does not count.
    """
    seen = {}
    for parent, _, names in os.walk(folder.resolve()):
        for name in names:
            facts = (Path(parent) / name).lstat()
            seen[facts.st_dev, facts.st_ino] = facts.st_size
    return round(sum(seen.values()) / BYTES_PER_MEGABYTE, 1)


def has_torch(environment: Path) -> bool:
    """Tell whether torch can be imported in an environment."""
    program = python(environment)
    done = subprocess.run([program, "-c", HAS_TORCH], capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


def summary_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return the tables that people see at the end.

    Args:
        summary: What ``Outcome.to_json`` returns.
    """
    parity = summary["parity"]
    result = Table("result", "", title="Demo", title_justify="left")
    result.add_row("Python", summary["answers"]["python_version"])
    result.add_row("accuracy on the test images", f"{summary['accuracy']:.4f}")
    result.add_row("the same in production", f"{summary['accuracy_in_production']:.4f}")
    result.add_row("images compared", str(parity["examples"]))
    result.add_row("the same class", f"{100 * parity['agreement']:.1f} %")
    result.add_row("largest logit difference", f"{parity['max_abs_difference']:.2e}")
    environments = Table("environment", "size", "torch")
    for name, each in summary["environments"].items():
        environments.add_row(
            name, f"{each['megabytes']:.0f} MB", "with" if each["torch"] else "without"
        )
    steps = Table("step", "seconds")
    for name, seconds in summary["seconds"].items():
        steps.add_row(name, f"{seconds:.1f}")
    steps.add_section()
    steps.add_row("all", f"{sum(summary['seconds'].values()):.1f}")
    return [result, environments, steps]


def make_room(project: Path) -> None:
    """Remove an earlier demo and its logs; only the default folder is ever removed."""
    if project == DEFAULT_PROJECT:
        shutil.rmtree(project, ignore_errors=True)
        shutil.rmtree(logs_of(project), ignore_errors=True)


def logs_of(project: Path) -> Path:
    """Return the folder beside a project in which the output of its steps goes."""
    return project.with_name(f"{project.name}-logs")


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary in one step."""
    write_whole(path, f"{json.dumps(summary, indent=2)}\n".encode())


def show(project: Path, summary_file: Path | None) -> int:
    """Run the demo, print its summary and return the exit code.

    Raises:
        HookError: A step failed, or the summary's folder is missing.
    """
    if summary_file and not summary_file.absolute().parent.is_dir():
        raise HookError(f"the folder of {summary_file} does not exist: make it first.")
    make_room(project)
    console = Console(highlight=False)
    summary = Demo(project, console).run().to_json()
    if summary_file:
        write_summary(summary_file, summary)
    console.print(*summary_tables(summary), sep="\n")
    return 0
