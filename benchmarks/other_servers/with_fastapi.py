"""Serve the digits as FastAPI's documentation leads to: a function is called for each request.

python with_fastapi.py MODEL.onnx PORT
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from digits import Digits
from fastapi import FastAPI

MODEL, PORT = sys.argv[1:]

app = FastAPI()
digits = Digits(MODEL)


@app.post("/predict")
def predict(body: dict[str, Any]) -> dict[str, Any]:
    """Return the class of the image, computed in one of FastAPI's threads."""
    return digits.answer(digits.read(body)[None])[0]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="warning")
