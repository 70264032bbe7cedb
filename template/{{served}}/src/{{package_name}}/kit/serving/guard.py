# Owned by the template: every update rewrites this file. Your own middleware: serving.py.
"""What surrounds every request: an id, the key, the limits, the time, a line in the log."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import problems
from .logs import log, places
from .metrics import Metrics
from .service import ClientLeftError
from .settings import ServingSettings

OPEN_PATHS = re.compile(r"/(docs|openapi\.json|metrics|(v2/)?health/(live|ready))?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_QUIET = re.compile(r"/(metrics|(v2/)?health/(live|ready))")


class Guard:
    """The outermost layer of the application. Plain ASGI shows when a client leaves."""

    def __init__(
        self,
        app: ASGIApp,
        settings: ServingSettings,
        metrics: Metrics,
        error_members: Callable[[str, str], Mapping[str, Any]],
        is_draining: Callable[[], bool],
    ) -> None:
        """Surround an application."""
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._error_members = error_members
        self._is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(Request(scope))
        scope.setdefault("state", {})["request_id"] = request_id
        began, sent = time.perf_counter(), [0]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent[0] = message["status"]
                message["headers"] = [*message.get("headers", []), *self._headers(request_id)]
            await send(message)

        with self._metrics.in_flight.track_inprogress():
            try:
                self._check(Request(scope))
                await self._app(scope, self._limited(receive), sending)
            except ClientLeftError as error:
                sent[0] = error.status_code
            except Exception as error:  # whatever it is, the server goes on
                await self._answer(error, scope, sending, sent[0])
        self._note(scope, request_id, sent[0], time.perf_counter() - began)

    def _headers(self, request_id: str) -> list[tuple[bytes, bytes]]:
        found = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        return [*found, (b"connection", b"close")] if self._is_draining() else found

    def _check(self, request: Request) -> None:
        if self._settings.api_key and not OPEN_PATHS.fullmatch(request.url.path):
            _check_key(request, self._settings.api_key)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._settings.max_body:
            raise self._too_large()

    def _too_large(self) -> HTTPException:
        most = self._settings.max_body
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"A request may have {most} bytes at most.",
            {"Connection": "close"},
        )

    def _limited(self, receive: Receive) -> Receive:
        """Return what receives a body of limited size, in limited time."""
        deadline = time.monotonic() + self._settings.timeout
        size, complete = 0, False

        async def receiving() -> Message:
            nonlocal size, complete
            if complete:
                return await receive()  # what comes now is the client's leave
            try:
                left = max(0.0, deadline - time.monotonic())
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError as error:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT,
                    f"The request was not here after {self._settings.timeout:g} seconds.",
                    {"Connection": "close"},
                ) from error
            size += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if size > self._settings.max_body:
                raise self._too_large()
            return message

        return receiving

    async def _answer(self, error: Exception, scope: Scope, send: Send, sent: int) -> None:
        status, detail, headers, faults = problems.describe(error)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            facts = {"request_id": scope["state"]["request_id"], **places(error)}
            log("failed", facts, logging.ERROR)
        if sent:  # an answer has begun: it can only be cut off
            raise ConnectionAbortedError from error
        answer = problems.response(
            status,
            detail,
            scope["state"]["request_id"],
            headers=headers,
            faults=faults,
            members=self._error_members(scope["path"], detail),
        )
        await answer(scope, _nothing, send)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        """Measure and log a request; its route stands for its path, which may hold anything."""
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.seconds.labels(method, route, str(status)).observe(seconds)
        facts = {
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
            **scope["state"].get("facts", {}),
        }
        log("request", facts, logging.DEBUG if _QUIET.fullmatch(route) else logging.INFO)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _id_of(request: Request) -> str:
    """Return the client's id for a request, or a new one where it has none that is safe to log."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _check_key(request: Request, key: str) -> None:
    """Compare the key that was sent, in a time that says nothing about the right one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not hmac.compare_digest(_digest(given), _digest(key)):
        raise HTTPException(
            HTTPStatus.UNAUTHORIZED,
            "Send the key of this server, as `Authorization: Bearer KEY`.",
            {"WWW-Authenticate": "Bearer"},
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
