# Owned by the template: every update rewrites this file. What requests are: serving.py and task.py.
"""Serve a model of arrays: `/predict` as the task has it, `/v2` as other servers have it.

From the code that you own it calls `task.prepare` (or what `task.open_prepare` returns) and
`task.decode(outputs)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from pydantic import BaseModel, create_model
from starlette.responses import JSONResponse

from ... import task
from ..answers import load_answers
from ..artifacts import newest_model
from ..errors import ArtefactError, InputError, ProjectError, reason_of
from . import open_inference, own, tensors
from .application import create_app, error_responses
from .batching import Answer, Arrays, Batcher
from .metrics import Metrics
from .models import Model, open_model
from .problems import BusyError
from .service import answered
from .settings import ServingSettings


class PredictorService:
    """A `service.Service` for an exported model of arrays."""

    def __init__(
        self, open_newest: Callable[[], Model], model: Model, settings: ServingSettings
    ) -> None:
        """Take an open model.

        Args:
            open_newest: What opens it again, for a reload.
            model: The model.
            settings: The limits.
        """
        self.name = model.name
        self.title = load_answers().project_name
        self.settings = settings
        self.model = model
        self._open_newest = open_newest
        self._batcher: Batcher | None = None
        self._reloading = asyncio.Lock()

    @classmethod
    def open(
        cls, folder: Path, settings: ServingSettings, device: str | None = None
    ) -> PredictorService:
        """Open the model of a folder.

        Raises:
            ProjectError: It cannot be opened, or is for other code.
        """

        def newest() -> Model:
            return open_model(folder, device=device, threads=settings.threads)

        return cls(newest, newest(), settings)

    def facts(self) -> Mapping[str, str]:
        """Return what is served."""
        return self.model.facts()

    def is_ready(self) -> bool:
        """Tell whether a request would be answered now."""
        return self._batcher is not None

    def error_members(self, path: str, detail: str) -> Mapping[str, Any]:
        """Return what clients of the Open Inference Protocol look for in an error."""
        return {"error": detail} if path.startswith("/v2") else {}

    async def start(self, metrics: Metrics) -> None:
        """Begin to answer."""
        self._batcher = Batcher(
            self.model,
            metrics,
            max_batch=self.settings.max_batch,
            max_waiting=max(self.settings.max_waiting, self.settings.max_batch),
        )

    async def stop(self) -> None:
        """Release the model."""
        if self._batcher is not None:
            await self._batcher.close()
            self._batcher = None
        self.model.predictor.close()

    async def reload(self) -> None:
        """Open the model again and let it compute from the next batch on.

        Raises:
            ProjectError: It cannot be opened, or takes or gives other arrays than before.
        """
        async with self._reloading:
            try:
                found = await asyncio.to_thread(self._open_newest)
            except (ProjectError, OSError):
                raise
            except Exception as error:  # runtimes pass on errors of every kind
                raise ArtefactError(f"The new model does not run: {reason_of(error)}") from error
            before, batcher = self.model, self._running()
            same = (found.metadata.inputs, found.metadata.outputs)
            if same != (before.metadata.inputs, before.metadata.outputs):
                found.predictor.close()
                raise ArtefactError(
                    "The new model takes or gives other arrays than the one before: start again."
                )
            self.model = batcher.model = found
            await batcher.in_turn(before.predictor.close)

    async def ask(self, request: Request, prepare: Callable[[], Arrays]) -> Answer:
        """Return what the model gives for a request, together with those that wait beside it.

        Args:
            request: The request, to see whether its client is still there.
            prepare: What makes the inputs, in another thread.

        Raises:
            InputError: It is not what the model takes.
            BusyError: The queue is full, or the server is about to end.
        """
        batcher = self._running()
        batcher.require_room()  # before anything is prepared in vain
        inputs = await asyncio.to_thread(prepare)
        count = self._check(inputs)
        answer: Answer = await answered(request, batcher.submit(inputs), self.settings.timeout)
        request.state.facts = {"examples": count, "version": answer.model.version}
        if not all(_is_finite(array) for array in answer.outputs.values()):
            raise InputError("The model has no finite answer to these values.")
        return answer

    def router(self) -> APIRouter:
        """Return `/predict` and the routes of the Open Inference Protocol."""
        router = APIRouter()
        _add_predict(router, self)
        open_inference.add_routes(router, self)
        return router

    def _running(self) -> Batcher:
        if self._batcher is None:
            raise BusyError("The server is about to end: ask again in a while.")
        return self._batcher

    def _check(self, inputs: Arrays) -> int:
        """Compare the inputs with what the model takes; return the number of examples."""
        self.model.predictor._check(inputs)
        count = len(next(iter(inputs.values())))
        if count > self.settings.max_batch:
            raise InputError(
                f"A request may have {self.settings.max_batch} examples at most, not {count}."
            )
        if not all(_is_finite(array) for array in inputs.values()):
            raise InputError("The values must be finite numbers of the model's type.")
        return count


def describe_interface() -> dict[str, Any]:
    """Return what the server takes and gives, in the form of OpenAPI.

    Where `serving.py` has the type of requests, no model is needed.

    Raises:
        ArtefactError: It is needed, and there is none.
    """
    settings = ServingSettings()
    if own.request_type() is None:
        service = PredictorService.open(newest_model(), settings)
    else:
        nothing: Any = None
        model = Model("model", "", "", nothing, nothing)
        service = PredictorService(lambda: model, model, settings)
    return create_app(service, settings).openapi()


def _is_finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


class ServedBy(BaseModel):
    """Which model answered."""

    name: str
    version: str


def _add_predict(router: APIRouter, service: PredictorService) -> None:
    request_type = own.request_type()
    taken = request_type or tensors.request_type(
        service.model.metadata.inputs, service.settings.max_batch
    )
    predictions: Any = list[own.prediction_type()]  # type: ignore[misc]
    answer_type: Any = create_model(
        "Answer",
        __doc__="One prediction for each example, in their order.",
        predictions=(predictions, ...),
        model=(ServedBy, ...),
        outputs=(dict[str, list[Any]] | None, None),
    )

    async def predict(request: Request, body: Any, outputs: bool) -> Response:
        given = body.model_dump()

        def prepare() -> Arrays:
            if request_type is None:
                return tensors.arrays(given, service.model.metadata.inputs)
            return service.model.prepare(given)

        answer = await service.ask(request, prepare)
        content = {
            "predictions": task.decode(answer.outputs),
            "model": {"name": service.name, "version": answer.model.version},
        }
        if outputs:
            content["outputs"] = {name: each.tolist() for name, each in answer.outputs.items()}
        return JSONResponse(content, headers={"X-Model-Version": answer.model.version})

    async def route(
        request: Request,
        body: taken,  # type: ignore[valid-type]
        outputs: bool = Query(False, description="Give the model's own outputs too."),
    ) -> Response:
        """Predict."""
        return await predict(request, body, outputs)

    # The types are known only now, and annotations are texts in this file.
    route.__annotations__ |= {
        "request": Request,
        "body": taken,
        "outputs": bool,
        "return": Response,
    }
    router.add_api_route(
        "/predict",
        route,
        methods=["POST"],
        name="predict",
        tags=["model"],
        summary="Predict",
        description="Return a prediction for each example of the request.",
        response_model=None,
        responses={
            200: {"model": answer_type},
            **error_responses(400, 401, 408, 413, 422, 500, 503, 504),
        },
    )
