# Owned by the template: every update rewrites this file. Your own handler goes elsewhere.
"""AWS Lambda's way to the model: an event in, predictions out.

From the code that you own it calls `task.prepare(request)` and `task.decode(outputs)`, and before
them `task.open_prepare(folder)` where the task has that. The folder
of the model is `MODEL` in the environment, or the only one in `models/`.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ...task import SCHEME, decode
from ..errors import ArtefactError, InputError, ProjectError
from .metadata import METADATA_FILE
from .predictor import Predictor, load, predict_in_batches, preparation

_OK, _BAD_REQUEST = 200, 400


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer one event: what `task.prepare` takes, or a web request with that as its JSON body.

    Returns:
        `{"predictions": [...]}`, of `task.decode`; for a web request that as its body, and status
        400 with a sentence if the request is wrong.

    Raises:
        ProjectError: The event is no web request, and is not what the model takes.
        ArtefactError: The model is missing or changed.
    """
    predictor = _predictor()
    if "body" not in event:
        return _predict(predictor, event)
    try:
        return _response(_OK, _predict(predictor, _body(event)))
    except ProjectError as error:
        return _response(_BAD_REQUEST, {"error": str(error)})


@cache
def _predictor() -> Predictor:
    """Open the model once, for all events that this process answers."""
    predictor = load(_model_folder())
    if predictor.metadata.preprocessing != SCHEME:
        raise ArtefactError(
            "The model was made for other preprocessing than this code does: export it again."
        )
    return predictor


def _model_folder() -> Path:
    named = os.environ.get("MODEL")
    if named:
        return Path(named)
    root = Path(os.environ.get("LAMBDA_TASK_ROOT", "."), "models")
    found = sorted(path.parent for path in root.glob(f"*/{METADATA_FILE}"))
    if len(found) != 1:
        raise ArtefactError(f"{root} holds {len(found)} exported models: name one in MODEL.")
    return found[0]


@cache
def _prepare() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Open once what makes inputs of requests."""
    return preparation(_model_folder())


def _predict(predictor: Predictor, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"predictions": decode(predict_in_batches(predictor, _prepare()(request)))}


def _body(event: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        text = event["body"] or ""
        request = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except ValueError as error:
        raise InputError("The body of the request is not JSON.") from error
    if not isinstance(request, dict):
        raise InputError("The body of the request is not a JSON object.")
    return request


def _response(status: int, content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(content),
    }
