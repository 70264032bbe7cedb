# Owned by the template: every update rewrites this file. Other loads: any tool that speaks HTTP.
"""Ask a server without a pause, for a limited time, and measure how it answers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..errors import ConfigError

_END_OF_HEAD = b"\r\n\r\n"
_BAD = 400


@dataclass
class Measured:
    """How a server answered.

    Attributes:
        seconds: Of each request that was answered well.
        statuses: How often each status came.
        unanswered: Requests whose connection broke.
        duration: Seconds in all.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    duration: float = 0.0

    @property
    def errors(self) -> int:
        """Requests that were not answered, or with a status from 400 on."""
        bad = sum(count for status, count in self.statuses.items() if status >= _BAD)
        return bad + self.unanswered

    @property
    def per_second(self) -> float:
        """Good answers in a second."""
        return len(self.seconds) / self.duration if self.duration else 0.0

    def percentile(self, share: float) -> float:
        """Return within how many milliseconds that share of the good answers came."""
        ordered = sorted(self.seconds)
        at = min(len(ordered) - 1, int(share * len(ordered)))
        return 1000 * ordered[at] if ordered else float("nan")

    def row(self) -> dict[str, str]:
        """Return what people read."""
        return {
            "requests/s": f"{self.per_second:.0f}",
            **{f"p{share} ms": f"{self.percentile(share / 100):.1f}" for share in (50, 95, 99)},
            "answers": str(self.statuses.total()),
            "errors": str(self.errors),
        }


async def measure(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    requests: int,
) -> Measured:
    """Let clients ask, each over a connection of its own and again once it is answered.

    Args:
        address: What is asked, by POST, such as http://127.0.0.1:8000/predict.
        body: What is sent.
        headers: Further headers.
        clients: How many ask at once.
        seconds: How long at most.
        requests: How many at most.

    Raises:
        ConfigError: The address is none of HTTP.
    """
    parts = urlsplit(address)
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError(f"{address} is no address of HTTP: give one such as http://HOST:PORT.")
    given = {"Host": parts.netloc, "Content-Type": "application/json", **headers}
    given["Content-Length"] = str(len(body))
    lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {text}" for name, text in given.items())]
    request = "\r\n".join(lines).encode() + _END_OF_HEAD + body
    measured, began = Measured(), time.perf_counter()

    async def client() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.perf_counter() - began < seconds:
            if measured.statuses.total() + measured.unanswered >= requests:
                break
            try:
                place = (parts.hostname, parts.port or 80)
                connection = connection or await asyncio.open_connection(*place)
                if not await _ask(*connection, request, measured):
                    connection[1].close()
                    connection = None
            except (OSError, asyncio.IncompleteReadError):
                measured.unanswered += 1
                await asyncio.sleep(0.05)  # it may be starting
                connection = None
        if connection:
            connection[1].close()

    await asyncio.gather(*(client() for _ in range(clients)))
    measured.duration = time.perf_counter() - began
    return measured


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, measured: Measured
) -> bool:
    """Ask once; tell whether the connection may be used again."""
    began = time.perf_counter()
    writer.write(request)
    head = (await reader.readuntil(_END_OF_HEAD)).decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    await reader.readexactly(int(headers.get("content-length", "0")))
    status = int(head[0].split()[1])
    measured.statuses[status] += 1
    if status < _BAD:
        measured.seconds.append(time.perf_counter() - began)
    return headers.get("connection") != "close"
