# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`predict`: runs an exported model, with the inference runtime and NumPy only."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...task import SCHEME, decode
from ..artifacts import newest_model, note_on_age
from ..errors import InputError
from ..files import read_all_arrays, read_json, write_json
from ..inference import (
    DEFAULT_BATCH_SIZE,
    Predictor,
    check_parity,
    describe_parity,
    load,
    predict_in_batches,
    preparation,
)

HELP = "predict with an exported model, or verify one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the input and where the result goes."""
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
        help=".npz or .json with what `prepare` in task.py takes, or .npy named after the array",
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
    """Predict or verify; a failed verification returns 1."""
    if args.model is None:
        args.verify = True
    elif args.model.is_file() and args.input is None and not args.verify:
        args.model, args.input = None, args.model
    if args.verify == (args.input is not None):
        raise InputError("Give either an input or --verify.")
    folder = args.model or newest_model()
    with load(folder, args.device) as predictor:
        _check_preprocessing(predictor, folder)
        if note := note_on_age(folder, predictor.metadata.origin):
            print(note, file=sys.stderr)
        found = (
            check_parity(predictor, folder, args.batch_size).to_json()
            if args.verify
            else _predict(predictor, folder, args)
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


def _predict(predictor: Predictor, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    inputs = preparation(folder)(_read(args.input))
    return {"predictions": decode(predict_in_batches(predictor, inputs, args.batch_size))}


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".npz":
        return read_all_arrays(path)
    if path.suffix != ".npy":
        content: Mapping[str, Any] = read_json(path)
        return content
    try:
        return {path.stem: np.lib.format.open_memmap(path, mode="r")}
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a readable .npy file of one plain array.") from error


def _print(result: dict[str, Any]) -> None:
    if "predictions" in result:
        for number, prediction in enumerate(result["predictions"]):
            values = (f"{v:.4f}" if isinstance(v, float) else str(v) for v in prediction.values())
            print(f"{number:6d}  {'  '.join(values)}")
        return
    verdict = "Equal" if result["passed"] else "NOT EQUAL"
    print(f"{verdict}: {result['model']}, {describe_parity(result)}")
