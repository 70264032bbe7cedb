# Owned by the template: every update rewrites this file. Your own routes go to serving.py.
"""The Open Inference Protocol, version 2: what clients of KServe and Triton speak.

It takes and gives the model's arrays as they are, without the task's `prepare` and `decode`. Arrays
come as JSON, or as bytes after it (Triton's extension for binary tensors).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ..errors import InputError
from ..inference import TensorSpec
from .application import error_responses
from .batching import Arrays
from .tensors import array_of

if TYPE_CHECKING:
    from .predicting import PredictorService

JSON_LENGTH = "Inference-Header-Content-Length"
_OF_NUMPY = {
    "bool": "BOOL",
    **{
        f"{kind}{bits}": f"{kind.upper()}{bits}"
        for kind in ("int", "uint")
        for bits in (8, 16, 32, 64)
    },
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
}
_TO_NUMPY = {name: dtype for dtype, name in _OF_NUMPY.items()}


class InferTensor(BaseModel):
    """An array: its data as a flat or nested list."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: str
    shape: list[int] = Field(min_length=1, max_length=16)
    datatype: str
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class WantedOutput(BaseModel):
    """An output that the client wants."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """Inputs for the model."""

    id: str | None = None
    parameters: dict[str, Any] = {}
    inputs: list[InferTensor] = Field(min_length=1, max_length=64)
    outputs: list[WantedOutput] = Field([], max_length=64)


class InferResponse(BaseModel):
    """The outputs of the model."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[InferTensor]


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """An input or an output; a size of -1 is free."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What the model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


def add_routes(router: APIRouter, service: PredictorService) -> None:
    """Add the routes of the protocol, over the same queue as `/predict`."""
    tags: list[Any] = ["Open Inference Protocol"]
    missing = error_responses(401, 404)

    def check(name: str, version: str | None = None) -> None:
        known = version in (None, *(model.version for model in service.models))
        if name != service.name or not known:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such model or version here.")

    @router.get("/v2/health/live", tags=tags)
    async def v2_live() -> dict[str, bool]:
        """Tell that the process answers."""
        return {"live": True}

    @router.get("/v2/health/ready", tags=tags, responses=error_responses(503))
    async def v2_ready(request: Request) -> dict[str, bool]:
        """Tell whether to send requests here."""
        if request.app.state.gate.draining or not service.is_ready():
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "The server is not ready.")
        return {"ready": True}

    @router.get("/v2", tags=tags, responses=error_responses(401))
    async def v2_server() -> ServerMetadata:
        """Tell what the server is."""
        return ServerMetadata(
            name=service.title, version=service.model.version, extensions=["binary_tensor_data"]
        )

    @router.get("/v2/models/{name}", tags=tags, responses=missing)
    @router.get(
        "/v2/models/{name}/versions/{version}", tags=tags, responses=missing, name="v2_version"
    )
    async def v2_model(name: str, version: str | None = None) -> ModelMetadata:
        """Tell what the model takes and gives."""
        check(name, version)
        return describe(service)

    @router.get("/v2/models/{name}/ready", tags=tags, responses=missing)
    @router.get(
        "/v2/models/{name}/versions/{version}/ready",
        tags=tags,
        responses=missing,
        name="v2_version_ready",
    )
    async def v2_model_ready(name: str, version: str | None = None) -> dict[str, Any]:
        """Tell whether the model answers."""
        check(name, version)
        return {"name": name, "ready": service.is_ready()}

    body = {
        "content": {"application/json": {"schema": _schema(InferRequest)}},
        "required": True,
    }
    options: dict[str, Any] = {
        "tags": tags,
        "openapi_extra": {"requestBody": body},
        "response_model": None,
        "responses": missing
        | {200: {"model": InferResponse}}
        | error_responses(400, 408, 413, 422, 500, 503, 504),
    }

    @router.post("/v2/models/{name}/infer", **options)
    @router.post("/v2/models/{name}/versions/{version}/infer", name="v2_version_infer", **options)
    async def v2_infer(request: Request, name: str, version: str | None = None) -> Response:
        """Compute the model's outputs for its inputs."""
        check(name, version)
        wanted, inputs = _read(await request.body(), request.headers.get(JSON_LENGTH))
        _check_outputs(wanted, service.model.metadata.outputs)
        answer = await service.ask(request, lambda model: inputs, version)
        facts = {"model_name": service.name, "model_version": answer.model.version}
        return _response(facts, wanted, answer.outputs)


def describe(service: PredictorService) -> ModelMetadata:
    """Return what the model takes and gives, in the protocol's words."""
    metadata = service.model.metadata
    return ModelMetadata(
        name=service.name,
        versions=[model.version for model in service.models],
        platform=f"{metadata.format}_{metadata.precision}",
        inputs=[_tensor(spec) for spec in metadata.inputs],
        outputs=[_tensor(spec) for spec in metadata.outputs],
    )


def _tensor(spec: TensorSpec) -> TensorMetadata:
    sizes = [-1 if isinstance(size, str) else size for size in spec.shape]
    return TensorMetadata(name=spec.name, datatype=_OF_NUMPY[spec.dtype], shape=[-1, *sizes])


def _schema(model: type[BaseModel]) -> Any:
    """Return the schema of a type without references, as it stands in a document of others."""
    whole = model.model_json_schema()
    parts = whole.pop("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return resolved(parts[value["$ref"].rpartition("/")[2]])
        return {name: resolved(each) for name, each in value.items()}

    return resolved(whole)


def datatype(dtype: np.dtype[Any]) -> str:
    """Return the protocol's name of a type."""
    return _OF_NUMPY[str(dtype)]


def _read(body: bytes, json_length: str | None) -> tuple[InferRequest, dict[str, NDArray[Any]]]:
    """Return a request and the arrays in it.

    Raises:
        InputError: It is not what the protocol says.
    """
    length = len(body)
    if json_length is not None:
        if not json_length.isdecimal() or int(json_length[:20]) > len(body):
            raise InputError(f"{JSON_LENGTH} is not the length of the JSON in the body.")
        length = int(json_length)
    try:
        request = InferRequest.model_validate_json(body[:length])
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, found["loc"])).encode("utf-8", "replace").decode()
        raise InputError(f"{place or 'The body'}: {found['msg']}") from error
    rest = memoryview(body)[length:]
    arrays: dict[str, NDArray[Any]] = {}
    for tensor in request.inputs:
        dtype = _TO_NUMPY.get(tensor.datatype)
        if dtype is None or tensor.name in arrays:
            raise InputError("Each input needs a name of its own and a datatype such as FP32.")
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            arrays[tensor.name] = _of_json(tensor, dtype)
        else:
            arrays[tensor.name] = _of_bytes(tensor, dtype, rest, size)
            rest = rest[size:]
    if len(rest):
        raise InputError("The body holds more bytes than its inputs have.")
    return request, arrays


def _of_json(tensor: InferTensor, dtype: str) -> NDArray[Any]:
    found = array_of(tensor.data, tensor.name, dtype)
    return _shaped(found, tensor)


def _of_bytes(tensor: InferTensor, dtype: str, rest: memoryview, size: Any) -> NDArray[Any]:
    wanted = math.prod(tensor.shape) * np.dtype(dtype).itemsize
    if type(size) is not int or size != wanted or size > len(rest):
        raise InputError(f"{tensor.name}: the shape and the datatype are of other bytes than came.")
    return _shaped(np.frombuffer(rest[:size], dtype=np.dtype(dtype).newbyteorder("<")), tensor)


def _shaped(array: NDArray[Any], tensor: InferTensor) -> NDArray[Any]:
    if min(tensor.shape) < 0 or array.size != math.prod(tensor.shape):
        raise InputError(f"{tensor.name}: the data is not of the shape.")
    return array.reshape(tensor.shape)


def _check_outputs(request: InferRequest, known: Sequence[TensorSpec]) -> None:
    names = {spec.name for spec in known}
    if any(output.name not in names for output in request.outputs):
        raise InputError(f"The model's outputs are: {', '.join(sorted(names))}.")


def _response(facts: Mapping[str, str], request: InferRequest, outputs: Arrays) -> Response:
    """Return the outputs that are wanted: as JSON, or as bytes where the client asks for them."""
    chosen = {each.name: each.parameters for each in request.outputs} or {
        name: {} for name in outputs
    }
    as_bytes = bool(request.parameters.get("binary_data_output"))
    described: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, parameters in chosen.items():
        array = outputs[name]
        shape = list(array.shape)
        tensor: dict[str, Any] = {"name": name, "datatype": datatype(array.dtype), "shape": shape}
        if parameters.get("binary_data", as_bytes):
            parts.append(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = array.ravel().tolist()
        described.append(tensor)
    content = {
        **facts,
        **({"id": request.id} if request.id is not None else {}),
        "outputs": described,
    }
    headers = {"X-Model-Version": facts["model_version"]}
    if not parts:
        return JSONResponse(content, headers=headers)
    head = json.dumps(content).encode()
    headers |= {JSON_LENGTH: str(len(head))}
    return Response(head + b"".join(parts), headers=headers, media_type="application/octet-stream")
