"""Clients that ask a server of this machine without a pause, and count what becomes of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Counts:
    """What clients got.

    Attributes:
        statuses: How often each status was answered.
        versions: How often each version of the model answered.
        lost: Requests that were sent over a connection which the server had, and were not answered.
        seconds: How long it took altogether.
        latencies: The seconds of each request that was answered.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many requests were answered, with whatever status."""
        return self.statuses.total()

    @property
    def per_second(self) -> float:
        """How many requests were answered in a second."""
        return self.answers / self.seconds


async def ask(port: int, body: bytes, *, clients: int, seconds: float, most: int) -> Counts:
    """Let clients ask `/predict`, each over one connection, until the server closes it.

    Args:
        port: Of the server.
        body: What is sent.
        clients: How many ask at once.
        seconds: How long at most.
        most: How many requests at most.
    """
    counts, began = Counts(), time.monotonic()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.monotonic() - began < seconds and counts.answers < most:
                if not await _asked(reader, writer, body, counts):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            counts.lost += 1
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    counts.seconds = time.monotonic() - began
    return counts


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, counts: Counts
) -> bool:
    """Ask once; tell whether the connection may be used again."""
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    began = time.monotonic()
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(END_OF_HEAD)).decode().lower().splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    answer = json.loads(await reader.readexactly(int(headers["content-length"])))
    counts.latencies.append(time.monotonic() - began)
    status = int(lines[0].split()[1])
    counts.statuses[status] += 1
    if "model" in answer:
        counts.versions[answer["model"]["version"]] += 1
    return headers.get("connection") != "close"
