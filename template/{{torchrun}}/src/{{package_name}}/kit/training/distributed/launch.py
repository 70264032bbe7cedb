# Owned by the template: every update rewrites this file. Several machines: docs/scale-out.md.
"""Start torchrun for several processes on this machine, and say in a sentence how they ended."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import RunError
from ...tracking.store import list_runs, way_on
from . import asked_count

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
_SECONDS_TO_SAVE = 120  # from a signal on; then torchrun kills
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def must_launch(processes: int | None) -> bool:
    """Tell whether this process is to start others, and is none of them."""
    return processes is not None and processes > 1 and asked_count() == 1


def launch(processes: int) -> int:
    """Run this command again in each of several processes and return the exit status.

    Raises:
        RunError: One of them was killed.
    """
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    logging.disable(logging.ERROR)  # torchrun's account of what is told in a sentence here
    if sys.platform in _LOOPBACK:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK[sys.platform])
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torchrun would say that it does so
    package = __name__.partition(".")[0]
    try:
        run.run(run.parse_args([*_options(processes), "-m", package, *sys.argv[1:]]))
    except ChildFailedError as error:
        return _status(error.failures)
    except SignalException as error:  # the processes have ended, and the first one has said how
        return 130 if error.sigval == signal.SIGINT else 143
    return 0


def _options(processes: int) -> list[str]:
    """Return what torchrun is told: all stays on this machine, and signals reach each process."""
    return [
        "--standalone",
        "--local-addr=127.0.0.1",
        f"--nproc-per-node={processes}",
        f"--signals-to-handle={SIGNALS}",
        f"--shutdown-timeout={_SECONDS_TO_SAVE}",
    ]


def _status(failures: Mapping[int, ProcessFailure]) -> int:
    """Return the exit status of a process that failed; it has said why, unless it was killed."""
    for number, failure in failures.items():
        if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM:  # torchrun's own
            name = signal.Signals(-failure.exitcode).name
            raise RunError(f"Process {number} was killed by {name}.{_way_on(failure.pid)}")
    return max(1, *(failure.exitcode for failure in failures.values()))


def _way_on(pid: int) -> str:
    """Return how the run goes on that this process recorded; nothing if it did not."""
    for each in list_runs():
        if (each.facts.get("process") or {}).get("pid") == pid:
            return f" {way_on(each.facts)}"
    return ""
