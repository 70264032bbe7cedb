"""The exported model of digits, from pixels to probabilities; with one thread of ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime


class Digits:
    """The model, and what is before and after it."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options)
        self._name = self._session.get_inputs()[0].name

    def read(self, body: dict[str, Any]) -> Any:
        """Return the image of a request, shape [1, 8, 8]."""
        return np.asarray(body["images"], np.float32) / 16

    def answer(self, images: Any) -> list[dict[str, Any]]:
        """Return class and probabilities of each image, of shape [images, 1, 8, 8]."""
        (logits,) = self._session.run(None, {self._name: images})
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [{"class": int(each.argmax()), "probabilities": each.tolist()} for each in shares]
