# Owned by the template: every update rewrites this file. What is shared out: train.py.
"""Several processes that train one model: who they are, what they tell one another, how they end.

torchrun starts them and says to each in variables which one it is. Only the first one writes the
record of the run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from ...errors import ConfigError, ProjectError, RunError, Terminated
from ...reporting import Reporter

LOST = "Another process of the run is gone or cannot be reached."
PEER_TIMEOUT = "PEER_TIMEOUT_SECONDS"
_TIMEOUT_SECONDS = 600.0
_ERROR = "error of the first process"
_SECONDS_FOR_FIRST = 5.0
_CARRIERS = ("gloo/", "NCCL", "by peer", "Broken pipe", "Timed out waiting", "Socket")

_facts: dict[str, Any] = {}
_reporter = Reporter()
_control: dist.ProcessGroup | None = None  # for what is told on the CPU, whatever trains


def rank() -> int:
    """Return the number of this process; the first one is 0."""
    return dist.get_rank() if is_started() else 0


def count() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if is_started() else 1


def is_started() -> bool:
    """Tell whether this is one of several processes."""
    return _control is not None


def asked_count() -> int:
    """Return how many processes the launcher has started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def working(asked: int | None, reporter: Reporter) -> Iterator[None]:
    """Be one of the processes that a launcher started; without one nothing happens.

    Args:
        asked: How many the command line names.
        reporter: What people see of the first process; the others print nothing but errors.

    Raises:
        ConfigError: Another number of processes was started than asked for.
    """
    if asked is not None and asked != asked_count():
        raise ConfigError(f"{asked} processes were asked for, and {asked_count()} started.")
    if asked_count() == 1:
        yield
        return
    _start(reporter)
    try:
        yield
        wait()
    except KeyboardInterrupt as interrupt:
        if rank():
            raise SystemExit(143 if isinstance(interrupt, Terminated) else 130) from None
        raise
    except Exception as error:
        keep_from_ending()
        if rank() and (is_lost(error) or not _must_speak()):
            raise SystemExit(2) from None
        if rank() == 0:
            _tell_of_error()
        if is_lost(error):
            raise RunError(LOST) from error
        raise
    finally:
        _end()


def _start(reporter: Reporter) -> None:
    global _control, _reporter
    seconds = float(os.environ.get(PEER_TIMEOUT, _TIMEOUT_SECONDS))
    accelerator = torch.accelerator.current_accelerator()
    backend = "gloo"
    if accelerator is not None:
        own = dist.get_default_backend_for_device(accelerator)
        backend = f"cpu:gloo,{accelerator.type}:{own}"
    try:
        dist.init_process_group(backend, timeout=timedelta(seconds=seconds))
        _control = dist.new_group(backend="gloo", timeout=timedelta(seconds=seconds))
    except (RuntimeError, ValueError) as error:
        raise RunError(f"The processes cannot reach one another: {error}") from error
    _reporter = reporter
    if rank():
        reporter.console.quiet = True
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _end() -> None:
    """Leave the others; after an error they may be gone already."""
    global _control
    if sys.exc_info()[0] is None:
        dist.destroy_process_group()
    _control = None


def _tell_of_error() -> None:
    """Let the other processes know that the first one says what is wrong."""
    with suppress(RuntimeError, ValueError):  # of whoever keeps the store, and is gone
        dist.distributed_c10d._get_default_store().set(_ERROR, "told")


def _must_speak() -> bool:
    """Tell whether an error is this process's alone; one of all is said by the first."""
    try:
        store = dist.distributed_c10d._get_default_store()
        store.wait([_ERROR], timedelta(seconds=_SECONDS_FOR_FIRST))
    except (RuntimeError, ValueError):
        return True
    return False


def require_started() -> None:
    """Refuse to train alone beside others.

    Raises:
        ConfigError: A launcher started several processes, and no command made them one training.
    """
    if not is_started() and asked_count() > 1:
        raise ConfigError(
            f"{asked_count()} processes were started, and this command trains with one: take "
            "`train` of kit/commands/."
        )


def note(strategy: str) -> None:
    """Remember how the processes train together."""
    _facts["strategy"] = strategy


def facts() -> dict[str, Any]:
    """Return what `run.json` says of the processes.

    Raises:
        ConfigError: Nothing has shared the training out among them.
    """
    if not _facts:
        raise ConfigError(
            "train.py shares nothing out among several processes: docs/scale-out.md says which "
            "lines of a new project do."
        )
    return {"processes": count(), **_facts}


def onlooker() -> Any:
    """Return the record of the run that the first process has made or reopened."""
    from .record import Onlooker

    return Onlooker.of_first()


def say(text: str) -> None:
    """Print one line, once for all processes."""
    if rank() == 0:
        _reporter.say(text)


def wait() -> None:
    """Wait until all processes are here."""
    if is_started():
        dist.barrier(_control)


def from_first(value: Any = None) -> Any:
    """Return what the first process passes, in all of them."""
    if not is_started():
        return value
    values = [value]
    dist.broadcast_object_list(values, group=_control)
    return values[0]


def from_all(value: Any) -> list[Any]:
    """Return what each process passes, in their order."""
    values: list[Any] = [None] * count()
    dist.all_gather_object(values, value, group=_control)
    return values


def is_any(value: bool) -> bool:
    """Tell whether it is true in one of the processes."""
    if not is_started():
        return value
    flag = torch.tensor(int(value))
    dist.all_reduce(flag, dist.ReduceOp.MAX, group=_control)
    return bool(flag)


def is_lost(error: BaseException) -> bool:
    """Tell whether an error says that another process is gone or cannot be reached."""
    if not is_started() or isinstance(error, ProjectError):
        return False
    if isinstance(error, dist.DistNetworkError | dist.DistBackendError):
        return True
    return isinstance(error, RuntimeError) and any(each in str(error) for each in _CARRIERS)


def keep_from_ending() -> None:
    """Let no signal end this process any more: a launcher sends one as soon as another ended."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
