# Owned by the template: every update rewrites this file. What requests are: serving.py and task.py.
"""Serve a model of arrays: `/predict` as the task has it, `/v2` as other servers have it.

From the code that you own it calls `task.prepare` (or what `task.open_prepare` returns) and
`task.decode(outputs)`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
from ..errors import InputError
from ..inference import read_metadata
from ..inference.parity import read_parity
from . import open_inference, own, tensors, versions
from .application import create_app, error_responses
from .batching import Answer, Arrays, Batcher
from .drift import Watch
from .metrics import Metrics
from .models import Model, open_model
from .problems import BusyError
from .service import ClientLeftError, answered
from .settings import ServingSettings

Open = Callable[[], Model]


class PredictorService:
    """A `service.Service` for an exported model of arrays, and perhaps a candidate beside it."""

    def __init__(
        self,
        open_newest: Open,
        model: Model,
        settings: ServingSettings,
        candidate: tuple[Open, Model] | None = None,
    ) -> None:
        """Take an open model.

        Args:
            open_newest: What opens it again, for a reload.
            model: The model.
            settings: The limits.
            candidate: The same of a model that gets the share of the requests.

        Raises:
            ArtefactError: The candidate takes or gives other arrays than the model.
        """
        self.name = model.name
        self.title = load_answers().project_name
        self.settings = settings
        self._opening = [open_newest, *([candidate[0]] if candidate else [])]
        self.models = versions.told_apart([model, *([candidate[1]] if candidate else [])])
        self._batchers: list[Batcher] = []
        self._watches: list[Watch] = []
        self._metrics: Metrics | None = None
        self._reloading = asyncio.Lock()

    @classmethod
    def open(
        cls, folder: Path, settings: ServingSettings, device: str | None = None
    ) -> PredictorService:
        """Open the model of a folder, and the candidate that the settings name.

        Raises:
            ProjectError: One cannot be opened, or is for other code.
        """
        folders = [folder, *([Path(settings.candidate)] if settings.candidate else [])]
        opening = [
            partial(open_model, at, device=device, threads=settings.threads) for at in folders
        ]
        model, *others = versions.open_all(opening)
        candidate = (opening[1], others[0]) if others else None
        return cls(opening[0], model, settings, candidate)

    @property
    def model(self) -> Model:
        """The model that is no candidate."""
        return self.models[0]

    def facts(self) -> Mapping[str, str]:
        """Return what is served."""
        facts = self.model.facts()
        return facts | {"candidate": self.models[1].version} if self.models[1:] else facts

    def is_ready(self) -> bool:
        """Tell whether a request would be answered now."""
        return bool(self._batchers)

    def error_members(self, path: str, detail: str) -> Mapping[str, Any]:
        """Return what clients of the Open Inference Protocol look for in an error."""
        return {"error": detail} if path.startswith("/v2") else {}

    async def start(self, metrics: Metrics) -> None:
        """Begin to answer."""
        self._metrics = metrics
        for model in self.models:
            watch = Watch(metrics, self.settings.drift_window)
            watch.follow(model)
            batcher = Batcher(
                model,
                metrics,
                max_batch=self.settings.max_batch,
                max_waiting=max(self.settings.max_waiting, self.settings.max_batch),
                observe=watch.add,
            )
            self._watches.append(watch)
            self._batchers.append(batcher)
        self._show_candidate(True)

    async def stop(self) -> None:
        """Release the models."""
        ending, self._batchers = self._batchers, []
        for batcher in ending:
            await batcher.close()
        for model in self.models:
            model.predictor.close()

    async def reload(self) -> None:
        """Open the models again and let them compute from the next batch on: all, or none.

        Raises:
            ProjectError: One cannot be opened, or takes or gives other arrays than before.
        """
        async with self._reloading:
            self._require_running()
            found = await asyncio.to_thread(versions.open_newer, self._opening, self.models)
            before, self.models = self.models, found
            for batcher, model in zip(self._batchers, found, strict=True):
                batcher.model = model
            self._show_candidate(False, before)
            self._show_candidate(True)
            for at, batcher in enumerate(self._batchers):
                await batcher.in_turn(partial(self._watches[at].follow, found[at]))
                await batcher.in_turn(before[at].predictor.close)

    async def ask(
        self, request: Request, prepare: Callable[[Model], Arrays], version: str | None = None
    ) -> Answer:
        """Return what a model gives for a request, together with those that wait beside it.

        Args:
            request: The request, to see whether its client is still there.
            prepare: What makes the inputs of a model, in another thread.
            version: Which one shall answer; by default the share and the id of the request decide.

        Raises:
            InputError: It is not what the model takes.
            BusyError: The queue is full, or the server is about to end.
        """
        self._require_running()
        at = self._choice(request, version)
        batcher, model = self._batchers[at], self.models[at]
        batcher.require_room()  # before anything is prepared in vain
        inputs = await asyncio.to_thread(prepare, model)
        count = self._check(inputs)
        request.state.facts = {"examples": count, "version": model.version}
        answer = await self._answer(request, batcher, inputs, model.version)
        request.state.facts = {"examples": count, "version": answer.model.version}
        if not all(_is_finite(array) for array in answer.outputs.values()):
            raise InputError("The model has no finite answer to these values.")
        return answer

    async def _answer(
        self, request: Request, batcher: Batcher, inputs: Arrays, version: str
    ) -> Answer:
        assert self._metrics is not None
        try:
            answer: Answer = await answered(request, batcher.submit(inputs), self.settings.timeout)
        except (BusyError, ClientLeftError):  # which says nothing of the model
            raise
        except Exception:
            self._metrics.answers.labels(version, "failed").inc()
            raise
        self._metrics.answers.labels(answer.model.version, "done").inc()
        return answer

    def _choice(self, request: Request, version: str | None) -> int:
        """Return the place of the model that shall answer."""
        if len(self.models) == 1:
            return 0
        names = [model.version for model in self.models]
        if version in names:
            return names.index(version)
        share = self.settings.candidate_share
        return int(versions.falls_into(share, request.state.request_id))

    def _show_candidate(self, serving: bool, models: Sequence[Model] | None = None) -> None:
        for model in (models or self.models)[1:]:
            if self._metrics is not None:
                self._metrics.show_model(model.facts(), serving)

    def router(self) -> APIRouter:
        """Return `/predict` and the routes of the Open Inference Protocol."""
        router = APIRouter()
        _add_predict(router, self)
        open_inference.add_routes(router, self)
        return router

    def _require_running(self) -> None:
        if not self._batchers:
            raise BusyError("The server is about to end: ask again in a while.")

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


def example_request(folder: Path) -> tuple[str, bytes]:
    """Return where the first example of an exported model goes to, and the request with it."""
    inputs, _, _ = read_parity(folder, read_metadata(folder))
    tensors = [
        {
            "name": name,
            "shape": [1, *array.shape[1:]],
            "datatype": open_inference.datatype(array.dtype),
            "data": array[:1].ravel().tolist(),
        }
        for name, array in inputs.items()
    ]
    return f"/v2/models/{folder.name}/infer", json.dumps({"inputs": tensors}).encode()


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

        def prepare(model: Model) -> Arrays:
            if request_type is None:
                return tensors.arrays(given, model.metadata.inputs)
            return model.prepare(given)

        answer = await service.ask(request, prepare)
        content = {
            "predictions": task.decode(answer.outputs),
            "model": {"name": answer.model.name, "version": answer.model.version},
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
