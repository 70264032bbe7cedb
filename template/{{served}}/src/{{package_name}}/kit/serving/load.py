# Owned by the template: every update rewrites this file. Other loads: any tool that speaks HTTP.
"""Ask a server without a pause, for a limited time, and measure how it answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigError

_END_OF_LINE = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_EVENT, _LAST = b"data: ", b"[DONE]"
_BAD = 400
_PATIENCE = 300.0
_SHARES = (50, 95, 99)


@dataclass
class Measured:
    """How a server answered.

    Attributes:
        seconds: Of each request that was answered well.
        statuses: How often each status came.
        unanswered: Requests whose connection broke, or whose answer did not come in time.
        duration: Seconds in all.
        generates: Whether text is asked for, as a stream.
        firsts: Seconds until the first text of each answer.
        tokens: How many all answers had.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    duration: float = 0.0
    generates: bool = False
    firsts: list[float] = field(default_factory=list)
    tokens: int = 0

    @property
    def errors(self) -> int:
        """Requests that were not answered, or with a status from 400 on."""
        bad = sum(count for status, count in self.statuses.items() if status >= _BAD)
        return bad + self.unanswered

    def row(self) -> dict[str, str]:
        """Return what people read."""
        return {
            "requests/s": self._each_second(len(self.seconds)),
            **({"tokens/s": self._each_second(self.tokens)} if self.generates else {}),
            **(_percentiles("first ", self.firsts) if self.generates else {}),
            **_percentiles("", self.seconds),
            "answers": str(self.statuses.total()),
            "errors": str(self.errors),
        }

    def _each_second(self, count: int) -> str:
        return f"{count / self.duration if self.duration else 0.0:.1f}"


def _percentiles(name: str, seconds: Sequence[float]) -> dict[str, str]:
    """Return within how many milliseconds some shares of the good answers came."""
    ordered = sorted(seconds) or [float("nan")]
    places = {share: min(len(ordered) - 1, share * len(ordered) // 100) for share in _SHARES}
    return {f"{name}p{share} ms": f"{1000 * ordered[at]:.1f}" for share, at in places.items()}


async def measure(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    requests: int,
    generates: bool = False,
    patience: float = _PATIENCE,
) -> Measured:
    """Let clients ask, each over a connection of its own and again once it is answered.

    Args:
        address: What is asked, by POST, such as http://127.0.0.1:8000/predict.
        body: What is sent.
        headers: Further headers.
        clients: How many ask at once.
        seconds: How long at most.
        requests: How many at most.
        generates: Whether the answers are text, as a stream.
        patience: Seconds after which an answer that is not whole counts as an error.

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
    measured, began = Measured(generates=generates), time.perf_counter()

    async def client() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.perf_counter() - began < seconds:
            if measured.statuses.total() + measured.unanswered >= requests:
                break
            try:
                place = (parts.hostname, parts.port or 80)
                connection = connection or await asyncio.open_connection(*place)
                async with asyncio.timeout(patience):
                    goes_on = await _ask(*connection, request, measured)
                if not goes_on:
                    connection[1].close()
                    connection = None
            except (OSError, asyncio.IncompleteReadError):
                measured.unanswered += 1
                if connection:
                    connection[1].close()
                connection = None
                await asyncio.sleep(0.05)  # it may be starting
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
    status, text = int(head[0].split()[1]), _Text()
    if headers.get("content-type", "").startswith("text/event-stream"):
        text = await _read_text(reader)
    else:
        await reader.readexactly(int(headers.get("content-length", "0")))
    measured.statuses[status] += 1
    if status < _BAD:
        measured.seconds.append(time.perf_counter() - began)
        measured.firsts += [first - began for first in text.first]
        measured.tokens += text.tokens
    return headers.get("connection") != "close"


@dataclass
class _Text:
    """What is known of a text that was streamed: when it began, if it did, and its tokens."""

    first: list[float] = field(default_factory=list)
    tokens: int = 0


async def _read_text(reader: asyncio.StreamReader) -> _Text:
    """Read a text to its end."""
    text = _Text()
    async for event in _events(reader):
        said = [
            each.get("text") or each.get("delta", {}).get("content") for each in event["choices"]
        ]
        if any(said) and not text.first:
            text.first.append(time.perf_counter())
        if event.get("usage"):
            text.tokens = event["usage"]["completion_tokens"]
    return text


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[Any]:
    """Yield the events of a stream; one that has no last event was cut off."""
    held, is_whole = b"", False
    async for chunk in _chunks(reader):
        *events, held = (held + chunk).split(b"\n\n")
        for content in (each.removeprefix(_EVENT) for each in events if each.startswith(_EVENT)):
            is_whole = content == _LAST
            if not is_whole:
                yield json.loads(content)
    if not is_whole:
        raise asyncio.IncompleteReadError(held, None)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the parts of a body whose length is not known at its start."""
    while size := int(await reader.readuntil(_END_OF_LINE), 16):
        yield (await reader.readexactly(size + len(_END_OF_LINE)))[:size]
    await reader.readuntil(_END_OF_LINE)
