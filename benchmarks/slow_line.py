"""A line of a stated speed to the package indexes: what is fetched through it arrives no faster.

Programs are led through it by the variables for proxies, as behind a company's proxy. Its tunnels
(RFC 9110, CONNECT) pass on what is encrypted, so indexes and certificates are the real ones. Where
torch's wheel lies in a folder of this machine, it is served through the line too, with metadata
apart as on PyTorch's own index, which spares resolvers to fetch it.
"""

from __future__ import annotations

import functools
import re
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.catalog import checked_builds
from tests.support.loopback import QuietHandler, answering
from tests.support.torch_index import make_torch_index

BLOCK = 1 << 16
BITS = 8


class Line:
    """What all connections share."""

    def __init__(self, megabits: float) -> None:
        """Take the speed, in megabits a second."""
        self._bytes_a_second = megabits * 1e6 / BITS
        self._free_at = 0.0
        self._lock = threading.Lock()

    def wait_for(self, size: int) -> None:
        """Return when a block of that many bytes has arrived."""
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size / self._bytes_a_second
            waiting = self._free_at - now
        time.sleep(waiting)


class Tunnel(socketserver.StreamRequestHandler):
    """Connects a program with the host that it names."""

    line: Line

    def handle(self) -> None:
        """Pass on both ways until one side has ended."""
        wanted = re.match(rb"CONNECT ([^\s:]+):(\d+) ", self.rfile.readline())
        while self.rfile.readline().strip():
            pass
        if not wanted:
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            return
        with socket.create_connection((wanted[1].decode(), int(wanted[2]))) as host:
            self.wfile.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            up = threading.Thread(target=_pass_on, args=(self.connection, host, None))
            up.start()
            _pass_on(host, self.connection, self.line)
            up.join()


class Wheels(QuietHandler):
    """Serves torch's wheels."""

    line: Line

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file block by block."""
        while block := source.read(BLOCK):
            self.line.wait_for(len(block))
            outputfile.write(block)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def slow_line(megabits: float, *, with_torch: bool) -> Iterator[dict[str, str]]:
    """Yield variables that lead pip and uv through a line.

    Args:
        megabits: How many of them it carries a second.
        with_torch: Whether torch's wheel for the CPU comes from a folder of this machine.
    """
    shared = Line(megabits)
    handler = type("TunnelOfLine", (Tunnel,), {"line": shared})
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        variables = {"HTTPS_PROXY": address, "https_proxy": address, "NO_PROXY": "127.0.0.1"}
        try:
            if with_torch:
                with _serving_torch(shared) as index:
                    yield {**variables, "TORCH_INDEX": index}
            else:
                yield variables
        finally:
            server.shutdown()


@contextmanager
def _serving_torch(shared: Line) -> Iterator[str]:
    handler = type("WheelsOfLine", (Wheels,), {"line": shared})
    with TemporaryDirectory() as folder:
        make_torch_index(Path(folder), [row for row in checked_builds() if row.build == "cpu"])
        with answering(functools.partial(handler, directory=folder)) as address:
            yield address


def _pass_on(source: socket.socket, sink: socket.socket, line: Line | None) -> None:
    with suppress(OSError):  # the other side may have gone
        while block := source.recv(BLOCK):
            if line:
                line.wait_for(len(block))
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
