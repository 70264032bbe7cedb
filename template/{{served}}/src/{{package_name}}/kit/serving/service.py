# Owned by the template: every update rewrites this file. Your own routes go to serving.py.
"""What a kind of model gives to the application that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request

from .metrics import Metrics
from .problems import TooSlowError

_CLIENT_LEFT = 499  # as nginx has it: nobody reads this answer


class ClientLeftError(Exception):
    """The client has closed its connection before it was answered."""

    status_code = _CLIENT_LEFT


class Service(Protocol):
    """A model that can be asked over HTTP.

    Attributes:
        name: What the model is called.
        title: What people read at the top of pages.
    """

    name: str
    title: str

    def router(self) -> APIRouter:
        """Return the routes of this kind of model."""

    def facts(self) -> Mapping[str, str]:
        """Return what is served: `version`, `sha256` and more, for metrics, pages and logs."""

    def error_members(self, path: str, detail: str) -> Mapping[str, Any]:
        """Return what clients of a path expect in an error besides what all have."""

    def is_ready(self) -> bool:
        """Tell whether a request would be answered now."""

    async def start(self, metrics: Metrics) -> None:
        """Begin to answer; the model is loaded and warm already."""

    async def reload(self) -> None:
        """Take the newest version of the model, without losing a request.

        Raises:
            ProjectError: There is none that fits; the one before goes on.
        """

    async def stop(self) -> None:
        """Release the model, after all is answered."""


async def answered(request: Request, work: Awaitable[Any], timeout: float) -> Any:
    """Return what some work gives; it is cancelled when the client leaves or time is up.

    Args:
        request: Its body is read already.
        work: What is awaited.
        timeout: The most seconds.

    Raises:
        ClientLeftError: The client left.
        TooSlowError: The time was up.
    """
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, leaving}, timeout=timeout, return_when="FIRST_COMPLETED")
        if task.done():
            return task.result()
        if leaving.done():
            raise ClientLeftError
        raise TooSlowError(f"The answer was not there after {timeout:g} seconds.")
    finally:
        for each in (task, leaving):
            each.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """End when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
