"""`predict`: runs an exported model on images, with the inference runtime and NumPy only."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kit.artifacts import newest_model, note_on_age
from ..kit.errors import InputError
from ..kit.files import read_arrays, write_json
from ..kit.inference import (
    DEFAULT_BATCH_SIZE,
    Predictor,
    check_parity,
    describe_parity,
    load,
    predict_in_batches,
)
from ..preprocessing import SCHEME, prepare

HELP = "predict with an exported model, or verify one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the model, the input and where the result goes."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL_DIR",
        help="folder that export wrote (default: the newest in models/)",
    )
    parser.add_argument(
        "input",
        type=Path,
        nargs="?",
        help=".npz with an array `images`, or .npy: (N, 8, 8) from 0 to 16, or (N, 1, 8, 8)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="write the result there")
    parser.add_argument("--batch-size", type=int, default=DEFAULT_BATCH_SIZE, metavar="N")
    parser.add_argument("--device", help="cpu (default), auto, or a backend such as cuda")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare with the training framework's outputs that travel with the model, as without "
        "any arguments",
    )


def run(args: argparse.Namespace) -> int:
    """Predicts or verifies; a failed verification returns 1."""
    if args.model is None:
        args.verify = True
    elif args.model.is_file() and args.input is None and not args.verify:
        args.model, args.input = None, args.model
    if args.verify == (args.input is not None):
        raise InputError("Give either a file of images or --verify.")
    folder = args.model or newest_model()
    with load(folder, args.device) as predictor:
        _check_preprocessing(predictor, folder)
        if note := note_on_age(folder, predictor.metadata.origin):
            print(note, file=sys.stderr)
        found = (
            check_parity(predictor, folder, args.batch_size).to_json()
            if args.verify
            else _predict(predictor, args)
        )
    result = {"model": str(folder), **found}
    if args.output is not None:
        write_json(args.output, result)
    if args.json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0 if result.get("passed", True) else 1


def _check_preprocessing(predictor: Predictor, folder: Path) -> None:
    if predictor.metadata.preprocessing != SCHEME:
        raise InputError(
            f"{folder} was made for other preprocessing than this code does: export it again."
        )


def _predict(predictor: Predictor, args: argparse.Namespace) -> dict[str, Any]:
    inputs = prepare(_read_images(args.input))
    probabilities = _softmax(predict_in_batches(predictor, inputs, args.batch_size))
    names = predictor.metadata.class_names
    predictions = [
        {"class": names[int(row.argmax())], "probability": float(row.max())}
        for row in probabilities
    ]
    return {"predictions": predictions}


def _read_images(path: Path) -> NDArray[Any]:
    if path.suffix != ".npy":
        return read_arrays(path, "images")[0]
    try:
        images = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a readable .npy file of one plain array.") from error
    return images


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.floating[Any]] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _print(result: dict[str, Any]) -> None:
    if "predictions" in result:
        for number, prediction in enumerate(result["predictions"]):
            print(f"{number:6d}  {prediction['class']}  {prediction['probability']:.4f}")
        return
    verdict = "Equal" if result["passed"] else "NOT EQUAL"
    print(f"{verdict}: {result['model']}, {describe_parity(result)}")
