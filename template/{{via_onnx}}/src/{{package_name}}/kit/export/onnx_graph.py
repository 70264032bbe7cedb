# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""What is set right in a graph that an exporter made."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import numpy_helper


def drop_empty_biases(program: onnx.ModelProto) -> None:
    """Remove the zero that jax2onnx adds to every product of matrices.

    The quantizer of ONNX Runtime takes a bias for a list of numbers and stops at a single one.
    """
    single = [each for each in program.graph.initializer if not each.dims]
    zeros = {each.name for each in single if not numpy_helper.to_array(each).any()}
    for node in program.graph.node:
        if node.op_type == "Gemm" and len(node.input) == 3 and node.input[2] in zeros:
            del node.input[2]
    used = {name for node in program.graph.node for name in node.input}
    for each in single:
        if each.name not in used:
            program.graph.initializer.remove(each)


def name_output(program: onnx.ModelProto, *names: str) -> None:
    """Give each output a name, wherever they are written and read.

    Args:
        program: It is changed.
        names: In the order in which the outputs are there.
    """
    found = [output.name for output in program.graph.output]
    new = dict(zip(found, names, strict=True))
    for output in program.graph.output:
        output.name = new[output.name]
    for node in program.graph.node:
        for values in (node.input, node.output):
            values[:] = [new.get(each, each) for each in values]


def order_outputs(program: onnx.ModelProto, names: Sequence[str]) -> None:
    """Put the outputs into an order."""
    outputs = {output.name: output for output in program.graph.output}
    ordered = [outputs[name] for name in names]
    del program.graph.output[:]
    program.graph.output.extend(ordered)
