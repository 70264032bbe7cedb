"""Servers of the loopback interface that stand for package indexes."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from envkeep.toolchain import locking_tools


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, logs nothing, and asks nobody to keep what it served.

    Ports are used again, so what a cache kept could be another test's.
    """

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """Add the header that keeps caches away."""
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


class OverlayHandler(QuietHandler):
    """Serves the packages of a folder and sends all other requests on to another index."""

    def __init__(self, *args: Any, upstream: str, **kwargs: Any) -> None:
        self.upstream = upstream
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        """Answer from the folder, or with a redirection."""
        if not self._goes_elsewhere():
            super().do_GET()

    def do_HEAD(self) -> None:
        """Answer from the folder, or with a redirection."""
        if not self._goes_elsewhere():
            super().do_HEAD()

    def _goes_elsewhere(self) -> bool:
        if Path(self.translate_path(self.path)).exists():
            return False
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", self.upstream.rstrip("/") + urlsplit(self.path).path)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port and yield the address, without a final slash."""
    with answering(functools.partial(QuietHandler, directory=str(folder))) as address:
        yield address


@contextmanager
def overlaying(folder: Path) -> Iterator[str]:
    """Serve the packages of a folder as if they were on this machine's index of ordinary packages.

    The folder holds one folder for each package, with an ``index.html`` (PEP 503); all other
    packages are the real index's.
    """
    handler = functools.partial(
        OverlayHandler, directory=str(folder), upstream=index_of_this_machine()
    )
    with answering(handler) as address:
        yield address


def index_of_this_machine() -> str:
    """Return the address of the index that pip uses here."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return os.environ.get("PIP_INDEX_URL") or configured or locking_tools.pypi(Path(sys.executable))


@contextmanager
def answering(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Let a handler answer on a free port and yield the address, without a final slash."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
