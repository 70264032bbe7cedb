# Owned by the template: every update rewrites this file. Your own routes go to serving.py.
"""The application around a model of any kind."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse

from ..errors import ProjectError
from . import own, pages, problems
from .guard import Guard
from .logs import log
from .metrics import MEDIA_TYPE, Metrics
from .problems import Problem, Problems
from .service import Service
from .settings import ServingSettings

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src "
    "'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": kind, "content": {problems.MEDIA_TYPE: {}}, "description": about}
    for status, kind, about in (
        (400, Problems, "The body is no JSON"),
        (401, Problem, "The key is missing or wrong"),
        (404, Problem, "There is no such model"),
        (408, Problem, "The body did not come in time"),
        (413, Problem, "The body is too large"),
        (422, Problems, "The request is not what the model takes"),
        (500, Problem, "The server failed"),
        (503, Problem, "The queue is full, or the server ends; Retry-After says when to ask again"),
        (504, Problem, "The answer was not there in time"),
    )
}


class Status(BaseModel):
    """Whether the server is up, and what it serves."""

    status: str
    model: dict[str, str]


class Gate:
    """Whether the server is about to end. It answers all the same until it does."""

    draining = False


def create_app(service: Service, settings: ServingSettings) -> FastAPI:
    """Return the application that serves a model.

    Args:
        service: The model, open and warm.
        settings: The limits and the key.
    """
    metrics, gate = Metrics(), Gate()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await service.start(metrics)
        metrics.show_model(service.facts())
        log("ready", service.facts())
        yield
        await service.stop()
        log("stopped", {})

    app = FastAPI(
        title=service.title,
        version="1",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_name_of,
    )
    app.state.gate, app.state.metrics, app.state.service = gate, metrics, service
    for kind in (HTTPException, RequestValidationError, ProjectError):
        app.add_exception_handler(kind, _handler(service))
    _add_health(app, service, gate)
    _add_pages(app, service, metrics)
    app.include_router(service.router())
    own.add_routes(app)
    app.add_middleware(
        Guard,
        settings=settings,
        metrics=metrics,
        error_members=service.error_members,
        is_draining=lambda: gate.draining,
    )
    return app


async def reload_model(app: FastAPI) -> None:
    """Take the newest version of the model; if there is none that fits, the one before goes on."""
    service, metrics = app.state.service, app.state.metrics
    before = service.facts()
    try:
        await service.reload()
    except (ProjectError, OSError) as error:
        metrics.reloads.labels("failed").inc()
        log("reload failed", {**before, "reason": str(error)}, logging.ERROR)
        return
    metrics.reloads.labels("done").inc()
    metrics.show_model(before, serving=False)
    metrics.show_model(service.facts())
    log("reloaded", service.facts())


def _handler(service: Service) -> Any:
    async def handle(request: Request, error: Exception) -> Response:
        status, detail, headers, faults = problems.describe(error)
        members = service.error_members(request.url.path, detail)
        return problems.response(
            status,
            detail,
            request.state.request_id,
            headers=headers,
            faults=faults,
            members=members,
        )

    return handle


def _add_health(app: FastAPI, service: Service, gate: Gate) -> None:
    @app.get("/health/live", tags=["health"])
    async def live() -> Status:
        """Tell that the process answers; if it does not, restart it."""
        return Status(status="live", model=dict(service.facts()))

    @app.get("/health/ready", tags=["health"], responses={503: {"model": Status}})
    async def ready() -> Response:
        """Tell whether to send requests here: the model is warm, and the server is not ending."""
        status = "draining" if gate.draining else "ready" if service.is_ready() else "loading"
        code = HTTPStatus.OK if status == "ready" else HTTPStatus.SERVICE_UNAVAILABLE
        answer = Status(status=status, model=dict(service.facts()))
        return JSONResponse(answer.model_dump(), code)


def _add_pages(app: FastAPI, service: Service, metrics: Metrics) -> None:
    @app.get("/metrics", include_in_schema=False)
    def show_metrics() -> Response:
        return Response(metrics.text(), headers={"Content-Type": MEDIA_TYPE})

    @app.get("/docs", include_in_schema=False)
    async def show_docs() -> Response:
        return HTMLResponse(pages.DOCS, headers=_PAGE_HEADERS)

    page = own.page()
    if page is not None:

        @app.get("/", include_in_schema=False)
        async def show_page() -> Response:
            return HTMLResponse(page, headers=_PAGE_HEADERS)


def _name_of(route: APIRoute) -> str:
    """Return what generated clients call a route."""
    return route.name


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how errors look, for the documentation of a route."""
    return {status: ERRORS[status] for status in statuses}
