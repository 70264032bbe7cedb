# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Quantizes a model of OpenVINO; a program for the environment of the exporter openvino-int8.

Its arguments: the model, an archive of named inputs (N, ...), and where the new model goes.
"""

import importlib
import sys

import numpy as np

BATCH = 64


def main(whole: str, inputs: str, path: str) -> None:
    """Scale weights and activations by the values that occur with the inputs."""
    nncf, openvino = map(importlib.import_module, ("nncf", "openvino"))
    given = dict(np.load(inputs))
    count = len(next(iter(given.values())))
    batches = [
        {name: array[at : at + BATCH] for name, array in given.items()}
        for at in range(0, count, BATCH)
    ]
    model = openvino.Core().read_model(whole)
    quantised = nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        fast_bias_correction=False,  # the fast one moves the example's logits by 0.3 on average
    )
    # Operations are named after their place; NNCF's own names count through the whole process.
    for number, operation in enumerate(quantised.get_ordered_ops()):
        operation.set_friendly_name(f"{operation.get_type_name()}_{number}")
    openvino.save_model(quantised, path, compress_to_fp16=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
