"""Serve the digits by LitServe: up to 32 requests at once, for which it waits a millisecond.

python with_litserve.py MODEL.onnx PORT
"""

import sys
from typing import Any

import litserve
import numpy as np
from digits import Digits

MODEL, PORT = sys.argv[1:]


class Api(litserve.LitAPI):
    """The model as LitServe wants it."""

    def setup(self, device: str) -> None:
        """Load the model in the process that computes."""
        self.digits = Digits(MODEL)

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Return the image of a request."""
        return self.digits.read(request)

    def batch(self, inputs: list[Any]) -> Any:
        """Return one array of the images of all requests."""
        return np.stack(inputs)

    def predict(self, x: Any) -> list[dict[str, Any]]:
        """Return the answers to all of them."""
        return self.digits.answer(x)

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the answers one by one."""
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return an answer as it is sent."""
        return output


if __name__ == "__main__":
    api = Api(max_batch_size=32, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=int(PORT), generate_client_file=False, log_level="warning")
