# Owned by the template: every update rewrites this file. Errors of your own: subclass ProjectError.
"""Errors as `application/problem+json` (RFC 9457), with a sentence and nothing of the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ..errors import InputError, ProjectError

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 20


class BusyError(ProjectError):
    """The server takes no more requests for now."""

    retry_after = 1


class TooSlowError(ProjectError):
    """An answer was not there in time."""


class Problem(BaseModel):
    """What went wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str


class Fault(BaseModel):
    """Where a request is not what it should be."""

    where: list[str | int]
    what: str


class Problems(Problem):
    """What went wrong, and where."""

    faults: list[Fault]


def describe(error: Exception) -> tuple[int, str, dict[str, str], list[dict[str, Any]]]:
    """Return the status, the sentence, the headers and the faults that an error stands for."""
    if isinstance(error, RequestValidationError):
        found = _faults(error.errors())
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if any(each["type"] == "json_invalid" for each in error.errors()):
            status = HTTPStatus.BAD_REQUEST
        return status, "The request is not what this address takes.", {}, found
    if isinstance(error, BusyError):
        headers = {"Retry-After": str(error.retry_after)}
        return HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers, []
    if isinstance(error, TooSlowError):
        return HTTPStatus.GATEWAY_TIMEOUT, str(error), {}, []
    if isinstance(error, InputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY, str(error), {}, []
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), dict(error.headers or {}), []
    return HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log says where.", {}, []


def response(
    status: int,
    detail: str,
    request_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    faults: Sequence[Mapping[str, Any]] = (),
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Return the response for a problem.

    Args:
        status: The status of HTTP.
        detail: The sentence.
        request_id: What the log and the client call the request.
        headers: Such as Retry-After.
        faults: Where a request is not what it should be.
        members: What the clients of some interface look for besides.
    """
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "request_id": request_id,
        **({"faults": list(faults)} if faults else {}),
        **(members or {}),
    }
    error = content.get("error")
    if isinstance(error, dict):  # as OpenAI's clients show it, which look nowhere else
        places = [f"{'.'.join(map(str, each['where']))}: {each['what']}." for each in faults]
        content["error"] = {**error, "message": " ".join([detail, *places])}
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def _faults(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return places and reasons, without the values that were sent."""
    return [
        {"where": [_shown(part) for part in each["loc"]], "what": str(each["msg"])}
        for each in errors[:MOST_FAULTS]
    ]


def _shown(part: str | int) -> str | int:
    """Return a part of a place as JSON can hold it; names of keys may be any text."""
    return part if isinstance(part, int) else part[:100].encode("utf-8", "replace").decode()
