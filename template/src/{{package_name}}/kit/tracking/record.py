# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Write one run: `experiments/<run id>/` with its configuration, metrics and facts.

The facts say where a result comes from: its code, environment and machine.

- `config.yaml`: the resolved configuration
- `metrics.jsonl`: one line per optimizer step and per epoch, written within a second
- `run.json`: status, times, process, code, data, environment, checkpoint, final metrics, and at the
  end the peak of memory and the speed; where memory was short, also advice
- the checkpoint: the state after the last whole epoch; `run.json` says where it is
- the best checkpoint, where training keeps one: the weights of the best epoch; likewise
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import yaml

from .. import out_of_memory
from ..answers import optional
from ..errors import ProjectError, RunError, Terminated, TrainingError
from ..files import read_json, write_json, write_text
from .process import Sigterm, Usage, is_alive, process_facts
from .store import CONFIG_FILE, EXPERIMENTS, METRICS_FILE, RUN_FILE, Run, way_on

GENERATION_FILE = "generation.json"
_FRAMEWORKS = ("torch", "transformers", "keras", "jax")
_GIT_TIMEOUT_SECONDS = 30
_WAIT_SECONDS = 1.0
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class RunRecord:
    """One run that is going on; a context manager that notes how it ends."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """Use `create` or `reopen`."""
        self.folder = folder
        self.facts = facts
        self._since = time.monotonic()
        self._seconds_before = float(facts["seconds"])
        self._sigterm = Sigterm()
        self._usage = Usage()
        self._trackers = _make_trackers()
        self._others = _others()
        self._steps: list[tuple[float, int]] = []
        self._is_entered = False
        self._waiting: list[dict[str, Any]] = []
        self._written = 0.0

    @classmethod
    def create(
        cls, config: Mapping[str, Any], facts: Mapping[str, Any], name: str | None = None
    ) -> Self:
        """Make the folder of a new run.

        Args:
            config: The resolved configuration, plain values only.
            facts: What else `run.json` shall hold.
            name: Ends the run's id, so that people can find it.

        Raises:
            RunError: The name is not fit for a folder.
        """
        others = _others()
        shared = others.facts() if others else {}
        if others and others.rank():
            return others.onlooker()  # type: ignore[no-any-return]
        if name is not None and not _NAME.fullmatch(name):
            raise RunError(f"Run name {name!r} is not valid: use a-z, 0-9, - and _, at most 40.")
        folder = _new_folder(name)
        write_text(folder / CONFIG_FILE, yaml.safe_dump(dict(config), sort_keys=False))
        (folder / METRICS_FILE).touch()
        record = cls(folder, {"run_id": folder.name, "seconds": 0.0})
        now = _now()
        record.update(
            status="running", started=now, finished=None, command=_command(),
            process=process_facts(), **git_facts(), **environment_facts(),
            **_with_versions(config, facts),
            final_metrics=None, resumed=[], **shared,
        )  # fmt: skip
        record._tell_others()
        return record

    @classmethod
    def reopen(cls, run: Run, last_epoch: int, last_step: int = 0) -> Self:
        """Continue a run after its checkpoint; later metrics are dropped.

        Args:
            run: The run.
            last_epoch: The last epoch that was finished.
            last_step: The last step, if the checkpoint was written within an epoch.

        Raises:
            RunError: Another process on this machine still trains it.
        """
        others = _others()
        shared = others.facts() if others else {}
        if others:
            others.wait()
            if others.rank():
                return others.onlooker()  # type: ignore[no-any-return]
        _refuse_running(run)
        record = cls(run.folder, dict(run.facts))
        record._keep_metrics(last_epoch, last_step)
        again = {"at": _now(), "command": _command(), **git_facts(), **environment_facts()}
        resumed = [*run.facts["resumed"], again]
        for name in ("advice", "processes", "strategy"):
            record.facts.pop(name, None)
        record.update(
            status="running", finished=None, error=None, process=process_facts(), resumed=resumed,
            **shared,
        )  # fmt: skip
        record._tell_others()
        return record

    def _keep_metrics(self, last_epoch: int, last_step: int) -> None:
        """Drop the metrics after a checkpoint; remember the steps of an epoch that goes on."""
        lines = (self.folder / METRICS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if _is_kept(line, last_epoch, last_step)]
        write_text(self.folder / METRICS_FILE, "".join(kept))
        for line in map(json.loads, kept):
            self._remember(line)

    def _tell_others(self) -> None:
        """Tell the other processes that train this run, if there are any."""
        if self._others:
            self._others.from_first((self.folder.as_posix(), self.facts))

    def log(self, **values: Any) -> None:
        """Append one line of metrics.

        A line with `kind="step"` waits for up to a second, so that training neither writes a file
        nor asks the device for each. All others are on disk when this returns.

        Args:
            values: Those of the line: numbers, or scalars of PyTorch or JAX. From `samples` of
                steps come the samples per second of the run.

        Raises:
            TrainingError: The `loss` of a step is not finite.
        """
        if values.get("kind") == "epoch":
            self.facts.pop("step", None)  # its checkpoint is that of a whole epoch again
        self._usage.count(values)
        self._waiting.append({name: _kept(value) for name, value in values.items()})
        waits = self._is_entered and values.get("kind") == "step"
        if not waits or time.monotonic() - self._written >= _WAIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait; what the device still computes is waited for.

        Raises:
            TrainingError: The `loss` of a step is not finite.
        """
        texts: list[str] = []
        try:
            for line in self._waiting:
                texts.append(_line(line))
                self._usage.wait(line)
                self._remember(json.loads(texts[-1]))
        finally:
            with (self.folder / METRICS_FILE).open("a", encoding="utf-8", newline="\n") as file:
                file.write("".join(texts))
            del self._waiting[: len(texts)]
            self._written = time.monotonic()
            if self._trackers:
                self._trackers.log(texts)

    def train_loss(self) -> float:
        """Return the mean loss of the steps of this epoch, also of those before a checkpoint.

        Raises:
            TrainingError: The `loss` of a step is not finite.
        """
        self.flush()
        total = sum(loss * size for loss, size in self._steps)
        return total / sum(size for _, size in self._steps)

    def _remember(self, line: Mapping[str, Any]) -> None:
        """Keep the loss of a step until the line of its epoch."""
        if line.get("kind") == "epoch":
            self._steps = []
        elif line.get("kind") == "step" and "loss" in line:
            self._steps.append((line["loss"], line.get("samples", 1)))

    def must_end(self) -> bool:
        """Tell whether a signal asked for the end; whoever asks after each step saves, and ends.

        Of several processes all get one answer.
        """
        asked = self._sigterm.is_asked()
        return self._others.is_any(asked) if self._others else asked

    def end(self, **facts: Any) -> NoReturn:
        """End the run as the signal asks.

        Args:
            facts: Of the checkpoint that was written for it: its path, and the `step`.

        Raises:
            KeyboardInterrupt: Always; Terminated, if it was not Ctrl-C.
        """
        self.update(**facts)
        self._sigterm.end()

    def update(self, **facts: Any) -> None:
        """Set facts in `run.json`."""
        self.facts.update(facts)
        seconds = self._seconds_before + time.monotonic() - self._since
        self.facts["seconds"] = round(seconds, 3)
        write_json(self.folder / RUN_FILE, self.facts)
        self._usage.pause()

    def __enter__(self) -> Self:
        """Return the record itself; from now on SIGTERM ends the run as Ctrl-C does."""
        self._is_entered = True
        self._written = time.monotonic()
        self._sigterm.start(with_interrupt=bool(self._others))
        if self._trackers:
            self._start_trackers()
        self._usage.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Note how the run ended, and what it took.

        Raises:
            KeyboardInterrupt: the run was interrupted; the text says how it can go on.
            Terminated: the run was terminated; the text says how it can go on.
            OutOfMemoryError: memory was short; the text says what would fit.
            TrainingError: the loss of one of the last steps was not finite.
        """
        self._sigterm.ignore()
        try:
            late = self._last_error()
            error = error or late
            self.facts.update(self._usage.facts(self.facts))
            if error is None:
                self.update(status="finished", finished=_now())
            elif isinstance(error, KeyboardInterrupt):
                is_asked = self._sigterm.is_asked_by(Terminated)
                kind = Terminated if isinstance(error, Terminated) or is_asked else type(error)
                ended = "terminated" if kind is Terminated else "interrupted"
                self.update(status=ended, finished=_now())
                raise kind(way_on(self.facts)) from None
            else:
                self._fail(error)
            if kind is None and late is not None:
                raise late
        finally:
            self._is_entered = False
            if self._others and error is not None:
                self._others.keep_from_ending()
            else:
                self._sigterm.stop()  # the record is whole, and trackers may take a while
            if self._trackers and self._trackers.finish(self.facts):
                self.update()

    def _start_trackers(self) -> None:
        try:
            started = self._trackers.start(self.facts)
        except KeyboardInterrupt as error:  # it can take a while, and nobody else calls __exit__
            self.__exit__(type(error), error, None)
            raise
        if started:
            self.update(trackers=started)

    def _last_error(self) -> Exception | None:
        """Write the lines that wait; return what that revealed, such as an error of the device."""
        try:
            self.flush()
        except Exception as error:  # each framework has its own
            return error
        return None

    def _fail(self, error: BaseException) -> None:
        reason = f"{type(error).__name__}: {error}"
        if self._others and self._others.is_lost(error):
            self.update(status="failed", finished=_now(), error=reason)
            raise RunError(f"{self._others.LOST} {way_on(self.facts)}") from None
        if not out_of_memory.is_out_of_memory(error):
            self.update(status="failed", finished=_now(), error=reason)
            return
        out_of_memory.release(error)
        ways = out_of_memory.find_ways(error, self.folder / CONFIG_FILE)
        advice = out_of_memory.to_json(ways)
        self.update(status="failed", finished=_now(), error=reason, advice=advice)
        raise out_of_memory.explain(error, ways, self.facts.get("device")) from None


def _make_trackers() -> Any:
    """Return what hands a run on; projects without the answer `trackers` have no module for it."""
    trackers = optional("tracking.trackers")
    return trackers.Trackers() if trackers else None


def _others() -> Any:
    """Return what speaks with the other processes of this run; None where there are none."""
    distributed = optional("training.distributed")
    return distributed if distributed and distributed.is_started() else None


def _with_versions(config: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a new run, with DVC's hash of the data beside that of the manifest."""
    pipeline = optional("pipeline")
    return pipeline.with_versions(config, facts) if pipeline else dict(facts)


def git_facts() -> dict[str, Any]:
    """Return the commit and whether the work tree differs from it; nulls without git."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain") if commit else None
    return {"git_commit": commit, "git_dirty": None if changes is None else bool(changes)}


def environment_facts() -> dict[str, Any]:
    """Return the lock that the environment was made from, the main versions and the platform."""
    return {
        **_generation_facts(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        **{name: version for name in _FRAMEWORKS if (version := _version(name))},
        "platform": platform.platform(),
    }


def _refuse_running(run: Run) -> None:
    process = run.facts.get("process") or {}
    pid = process.get("pid")
    if run.status == "running" and pid != os.getpid() and is_alive(process):
        raise RunError(
            f"Run {run.id} is still trained by process {pid}: wait for it, or end it first."
        )


def _kept(value: Any) -> Any:
    """Return a value as it is now: of a tensor a copy without what its gradients need."""
    return value.detach().clone() if hasattr(value, "detach") else value


def _line(values: Mapping[str, Any]) -> str:
    plain = {name: each.item() if hasattr(each, "item") else each for name, each in values.items()}
    if plain.get("kind") == "step" and not math.isfinite(plain.get("loss", 0.0)):
        raise TrainingError(f"The loss is {plain['loss']}: lower training.learning_rate.")
    return json.dumps(plain, allow_nan=False) + "\n"


def _new_folder(name: str | None) -> Path:
    EXPERIMENTS.mkdir(parents=True, exist_ok=True)
    while True:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        folder = EXPERIMENTS / "-".join(part for part in (moment, name) if part)
        if any(EXPERIMENTS.glob(f"{moment}*")):
            continue
        try:
            folder.mkdir()
        except FileExistsError:  # another process took this microsecond
            continue
        return folder


def _is_kept(line: str, last_epoch: int, last_step: int) -> bool:
    """Tell whether a line of metrics is of before a checkpoint; a power cut may have cut it."""
    try:
        values = json.loads(line)
        is_before = values.get("kind") == "step" and values["step"] <= last_step
        return line.endswith("\n") and (values["epoch"] <= last_epoch or is_before)
    except ValueError:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _command() -> str:
    return shlex.join(["python", "-m", __name__.partition(".")[0], *sys.argv[1:]])


def _generation_facts() -> dict[str, Any]:
    """Read what envkeep wrote into the environment; nulls for any other environment."""
    try:
        generation = read_json(Path(sys.prefix) / GENERATION_FILE)
    except ProjectError:
        generation = {}
    return {"lock_sha256": generation.get("lock_sha256"), "generation": generation.get("name")}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=_GIT_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
