# Owned by the template: every update rewrites this file. The number of threads: SERVING_THREADS.
"""What runtimes are told before a model is opened that many will ask for a long time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def limited(inference: str, threads: int) -> Iterator[None]:
    """Let what is opened in here compute with so many threads; 0 lets the runtime choose."""
    if inference == "openvino":
        _set_openvino(threads)
    elif threads and inference == "native":
        _set_torch(threads)
    elif threads and inference == "onnxruntime":
        with _limited_onnxruntime(threads):
            yield
        return
    yield


def _set_openvino(threads: int) -> None:
    core: Any = import_module("..inference.openvino_backend", __package__)._CORE
    # A mapped file that somebody writes over would end the process.
    core.set_property({"ENABLE_MMAP": False})
    if threads:
        core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads})


def _set_torch(threads: int) -> None:
    try:
        torch: Any = import_module("torch")
    except ModuleNotFoundError:  # JAX has no such setting
        return
    torch.set_num_threads(threads)


@contextmanager
def _limited_onnxruntime(threads: int) -> Iterator[None]:
    """Replace the runtime's options for a while, as it has none for a whole process."""
    runtime: Any = import_module("onnxruntime")
    original = runtime.SessionOptions

    def options() -> Any:
        made = original()
        made.intra_op_num_threads = threads
        return made

    runtime.SessionOptions = options
    try:
        yield
    finally:
        runtime.SessionOptions = original
