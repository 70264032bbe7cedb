# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Which process trains a run, whether it is still there, and how it hears that it shall end."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import Terminated

_PROC = Path("/proc")
_START_TIME = 22 - 4  # field 22 of /proc/PID/stat (see proc(5)), counted from the fourth
_GONE = ("Z", "X")  # its exit status is all that is left of it
_STILL_ACTIVE = 259


def process_facts() -> dict[str, Any]:
    """Returns what tells this process from all others, on this and other machines."""
    return {
        "pid": os.getpid(),
        "started": _start_of(os.getpid()),
        "host": platform.node(),
        "boot": _boot(),
        "namespace": _namespace(),
    }


def is_alive(process: Mapping[str, Any] | None) -> bool | None:
    """Tells whether a process is still there; None if that cannot be known here.

    Args:
        process: What `process_facts` returned in it; runs of earlier releases have none.
    """
    if not process or process["host"] != platform.node():
        return None
    if process["boot"] != _boot():
        return False
    if process["namespace"] != _namespace():
        return None  # of another container on this machine
    pid = int(process["pid"])
    if process["started"] is not None:
        return bool(_start_of(pid) == process["started"])
    return _is_there(pid)


class Sigterm:
    """Lets SIGTERM raise `Terminated`, as Ctrl-C raises KeyboardInterrupt.

    Only the main thread hears signals: in another one nothing changes.
    """

    def __init__(self) -> None:
        """Changes nothing yet."""
        self._before: Any = None
        self._owner = 0

    def start(self) -> None:
        """Begins to raise."""
        if threading.current_thread() is threading.main_thread():
            self._owner = os.getpid()
            self._before = signal.signal(signal.SIGTERM, self._end) or signal.SIG_DFL

    def ignore(self) -> None:
        """Lets nothing interrupt what is written about the end."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def stop(self) -> None:
        """Leaves the signal to whoever had it before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _end(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() == self._owner:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)  # a worker that was forked: it has no record
        os.kill(os.getpid(), number)


def _start_of(pid: int) -> str | None:
    """Returns when a process started, in ticks since the boot; None if it is gone or unknown."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in _GONE else fields[_START_TIME]


def _boot() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _namespace() -> str | None:
    """Returns in which numbering of processes this one is; containers have their own."""
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None


def _is_there(pid: int) -> bool:
    if sys.platform == "win32":  # where signal 0 is Ctrl-C
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        code = ctypes.c_ulong()
        known = kernel.GetExitCodeProcess(handle, ctypes.byref(code)) if handle else 0
        kernel.CloseHandle(handle)
        return bool(known) and code.value == _STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
