# Owned by the template: every update rewrites this file. How many workers: SERVING_WORKERS.
"""Processes that listen to one socket, and what signals do to them.

SIGTERM and Ctrl-C end the server once all that it accepted is answered. SIGHUP exchanges the model.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from ..errors import ConfigError, ProjectError
from .application import create_app, reload_model
from .logs import log, write_lines
from .metrics import SHARED
from .service import Service
from .settings import ServingSettings

OpenService = Callable[[], Service]
_BACKLOG = 2048
_FAILED = 2
_PAUSE = 1.0
_ENDING = (signal.SIGINT, signal.SIGTERM)
_RELOAD = getattr(signal, "SIGHUP", None)  # Windows has none


def serve(open_service: OpenService, settings: ServingSettings, *, watched: bool = False) -> int:
    """Serve until a signal ends it; return the exit status.

    Args:
        open_service: What opens the model. With several workers it is called in each of them, so it
            must be something that can be pickled.
        settings: Address, workers, limits.
        watched: Whether a single worker is a process of its own too, which is replaced if it dies.

    Raises:
        ProjectError: The model cannot be opened, or the address is taken.
    """
    with listening(settings) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        place = f"http://{shown}:{port}"
        print(f"{place} answers until Ctrl-C, with pages at / and /docs: process {os.getpid()}")
        sys.stdout.flush()
        if settings.workers == 1 and not watched:
            return run_worker(open_service, settings, listener)
        return _Supervisor(open_service, settings, listener).run()


def listening(settings: ServingSettings) -> socket.socket:
    """Return a socket that listens to the address.

    Raises:
        ConfigError: The address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=_BACKLOG
        )
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise ConfigError(
            f"{place} cannot be listened to ({error.strerror or error}): choose another --port."
        ) from error
    # An answer is written in two parts, and the second would wait for the client: up to 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def run_worker(
    open_service: OpenService, settings: ServingSettings, listener: socket.socket
) -> int:
    """Open the model and answer in this process, until a signal ends it."""
    write_lines()
    app = create_app(open_service(), settings)
    asyncio.run(_answer(app, settings, listener))
    return 0


async def _answer(app: FastAPI, settings: ServingSettings, listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(reload_model(app))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server, has_terminal = Server(app, settings), os.isatty(0)

    def hang_up() -> None:
        """Exchange the model, or end if the signal says that the terminal is gone."""
        if has_terminal and not os.isatty(0):
            server.handle_exit(signal.SIGTERM, None)
        else:
            reload()

    if _RELOAD is not None:
        loop.add_signal_handler(_RELOAD, hang_up)
    await server.serve([listener])


class Server(uvicorn.Server):
    """uvicorn, which at the end first tells balancers to go elsewhere, and ends with status 0."""

    def __init__(self, app: FastAPI, settings: ServingSettings) -> None:
        """Take the application and its settings."""
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=max(1, round(settings.grace)),
            )
        )
        self._gate = app.state.gate
        self._drain = settings.drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals that end the server; they are not raised again after it."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread gets signals
            return
        before = {each: signal.signal(each, self.handle_exit) for each in _ENDING}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Say that the server is not ready, and end it a while later."""
        again = self._gate.draining
        self._gate.draining = True
        if again or sig == signal.SIGINT or not self._drain:
            super().handle_exit(sig, frame)
            return
        log("draining", {"seconds": self._drain})
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._drain, super().handle_exit, sig, frame)


class _Supervisor:
    """The parent of several workers: hands on signals, and replaces a worker that died."""

    def __init__(
        self, open_service: OpenService, settings: ServingSettings, listener: socket.socket
    ) -> None:
        self._arguments = (open_service, settings, listener)
        self._settings, self._listener = settings, listener
        self._spawn = multiprocessing.get_context("spawn")
        self._workers: list[BaseProcess] = []
        self._ending = False

    def run(self) -> int:
        """Serve until a signal ends it."""
        write_lines()
        with tempfile.TemporaryDirectory(prefix="serving-metrics-") as folder, self._signals():
            os.environ[SHARED] = folder
            self._workers = [self._start() for _ in range(self._settings.workers)]
            while not self._ending:
                wait([each.sentinel for each in self._workers], timeout=_PAUSE)
                self._replace_dead()
            self._end()
        return max((abs(each.exitcode or 0) for each in self._workers), default=0)

    def _start(self) -> BaseProcess:
        worker = self._spawn.Process(target=_work, args=self._arguments)
        worker.start()
        return worker

    def _replace_dead(self) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        for at, worker in enumerate(self._workers):
            if self._ending or worker.is_alive():
                continue
            mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
            if worker.exitcode == _FAILED:  # it cannot serve, nor could another one
                self._ending = True
                return
            facts = {"pid": worker.pid, "status": worker.exitcode}
            log("worker died", facts, logging.ERROR)
            time.sleep(_PAUSE)
            self._workers[at] = self._start()

    def _end(self) -> None:
        self._listener.close()  # or new clients would wait for a worker in vain
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self._settings.drain + self._settings.grace + 5
        for worker in self._workers:
            worker.join(max(0.1, deadline - time.monotonic()))
            if worker.is_alive():
                worker.kill()
                worker.join()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def end(number: int, frame: FrameType | None) -> None:
            self._ending = True

        has_terminal = os.isatty(0)

        def reload(number: int, frame: FrameType | None) -> None:
            self._ending = has_terminal and not os.isatty(0)  # the signal says that it is gone
            self._send(number)

        handlers: dict[signal.Signals, Any] = dict.fromkeys(_ENDING, end)
        if _RELOAD is not None:
            handlers[_RELOAD] = reload
        before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _send(self, number: int) -> None:
        for worker in self._workers:
            if worker.is_alive() and worker.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)


def _work(open_service: OpenService, settings: ServingSettings, listener: socket.socket) -> None:
    """Be a worker."""
    try:
        sys.exit(run_worker(open_service, settings, listener))
    except (ProjectError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(_FAILED)
