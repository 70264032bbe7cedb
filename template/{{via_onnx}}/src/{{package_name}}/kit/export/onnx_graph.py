# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""What is set right in a graph that an exporter made."""

from __future__ import annotations

import onnx
from onnx import numpy_helper


def drop_empty_biases(program: onnx.ModelProto) -> None:
    """Removes the zero that jax2onnx adds to every product of matrices.

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


def name_output(program: onnx.ModelProto, name: str) -> None:
    """Gives the only output a name, wherever it is written and read."""
    (output,) = program.graph.output
    before, output.name = output.name, name
    for node in program.graph.node:
        for names in (node.input, node.output):
            for place, each in enumerate(names):
                if each == before:
                    names[place] = name
