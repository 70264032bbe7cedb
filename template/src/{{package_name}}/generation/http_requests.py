# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""One HTTP request at a time, with the standard library: timeouts, proxies, errors in sentences.

A redirect is not followed: it would carry the key to another server.
"""

from __future__ import annotations

import functools
import http.client
import urllib.request
from collections.abc import Iterator, Mapping
from email.message import Message
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlsplit

from ..errors import AnswerCutOffError, BadAnswerError, ServerUnreachableError

# No line of a stream and no answer is longer, unless something is wrong.
_LONGEST_LINE = 2**20
_LONGEST_ANSWER = 2**26
_STREAM = "text/event-stream"


class Answer:
    """What a server sends back. Use it as a context manager: leaving closes the connection."""

    def __init__(
        self, response: http.client.HTTPResponse, server: str, read_timeout: float
    ) -> None:
        """Takes the response, of which the headers have come, and what to call the server."""
        self._response = response
        self._server = server
        self._read_timeout = read_timeout

    @property
    def status(self) -> int:
        """The status code."""
        return self._response.status

    @property
    def headers(self) -> Message:
        """The headers; their names are found in any case."""
        return self._response.headers

    @property
    def is_stream(self) -> bool:
        """Whether server-sent events follow."""
        return self.headers.get_content_type() == _STREAM

    def read(self) -> bytes:
        """Returns the whole content.

        Raises:
            AnswerCutOffError: It stopped coming before its end.
            BadAnswerError: It is far too long.
        """
        content = self._received(self._response.read, _LONGEST_ANSWER + 1)
        if len(content) > _LONGEST_ANSWER:
            raise BadAnswerError(f"{self._server} sends an answer without an end.")
        if self._response.length:  # what was promised and did not come
            raise AnswerCutOffError(self._cut_off())
        return content

    def lines(self) -> Iterator[bytes]:
        """Yields the lines as they come.

        Raises:
            AnswerCutOffError: They stopped coming before their end.
            BadAnswerError: One of them is far too long.
        """
        while line := self._received(self._response.readline, _LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise BadAnswerError(f"{self._server} sends a line without an end.")
            yield line.rstrip(b"\r\n")

    def _received(self, receive: Any, size: int) -> bytes:
        try:
            content: bytes = receive(size)
        except TimeoutError as error:
            raise AnswerCutOffError(_silent(self._server, self._read_timeout)) from error
        except (OSError, http.client.HTTPException) as error:
            raise AnswerCutOffError(self._cut_off()) from error
        return content

    def _cut_off(self) -> str:
        return f"{self._server} stopped before its answer's end."

    def __enter__(self) -> Self:
        """Returns the answer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the connection."""
        self._response.close()


class Connector:
    """Makes requests, directly or through the proxies that the environment names."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        """Takes the seconds until a connection stands, and those without a byte from then on."""
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            _PlainHandler(read_timeout),
            _SecureHandler(read_timeout),
        ):
            self._opener.add_handler(handler)

    def ask(self, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Sends a request, POST if it has content, and returns the answer when it begins.

        Raises:
            ServerUnreachableError: There is no connection.
            AnswerCutOffError: The server takes the request and does not answer.
        """
        request = urllib.request.Request(url, content, dict(headers))
        server = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
        try:
            response = self._opener.open(request, timeout=self._connect_timeout)
        except URLError as error:
            raise ServerUnreachableError(self._unreachable(server, error.reason)) from error
        except TimeoutError as error:
            raise AnswerCutOffError(_silent(server, self._read_timeout)) from error
        except (OSError, http.client.HTTPException) as error:
            raise AnswerCutOffError(f"{server} hung up without an answer.") from error
        if not isinstance(response, http.client.HTTPResponse):
            raise ServerUnreachableError(f"{server} is no HTTP server.")
        return Answer(response, server, self._read_timeout)

    def _unreachable(self, server: str, reason: object) -> str:
        if isinstance(reason, TimeoutError):
            reason = f"no connection within {self._connect_timeout:g} seconds"
        elif isinstance(reason, OSError):
            reason = reason.strerror or reason
        return f"{server} cannot be reached ({reason}): is the server up, and base_url its address?"


class _ReadTimeout:
    """Gives a connection another timeout once it stands."""

    def __init__(self, *args: Any, read_timeout: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._read_timeout = read_timeout

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock.settimeout(self._read_timeout)  # type: ignore[attr-defined]


class _PlainConnection(_ReadTimeout, http.client.HTTPConnection):
    pass


class _SecureConnection(_ReadTimeout, http.client.HTTPSConnection):
    pass


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, read_timeout: float) -> None:
        super().__init__()
        self._connection = functools.partial(_PlainConnection, read_timeout=read_timeout)

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, read_timeout: float) -> None:
        super().__init__()
        self._connection = functools.partial(_SecureConnection, read_timeout=read_timeout)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)


def _silent(server: str, seconds: float) -> str:
    return f"{server} sent nothing for {seconds:g} seconds: it is too busy, or raise read_timeout."
