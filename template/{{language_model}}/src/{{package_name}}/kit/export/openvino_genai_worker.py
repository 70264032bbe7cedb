# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Converts a causal language model for OpenVINO GenAI; a program for the exporter openvino-genai.

Its arguments: the folder of the model in transformers' format (config.json, model.safetensors, and
the tokenizer's files), the folder that is made, and the precision of the weights.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WEIGHTS: Mapping[str, Mapping[str, Any]] = {
    "float32": {},
    "int8": {"bits": 8, "sym": False},
    # Weights that share a scale; where they do not fill a group, groups are made smaller.
    "int4": {"bits": 4, "sym": False, "group_size": 128, "group_size_fallback": "adjust"},
}


def convert(source: Path, target: Path, precision: str) -> None:
    """Convert model and tokenizer.

    Args:
        source: The model's folder.
        target: The folder that is made; it must not exist.
        precision: One of `WEIGHTS`. What is computed stays in full precision.

    Raises:
        ValueError: There is no such precision.
        FileExistsError: There is something at `target`.
    """
    if precision not in WEIGHTS:
        raise ValueError(f"there is no precision {precision!r}: choose {' or '.join(WEIGHTS)}")
    if target.exists():
        raise FileExistsError(f"{target} exists")
    os.environ["HF_HUB_OFFLINE"] = "1"  # all that it needs is in the folder
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        made = Path(folder) / target.name
        _convert_model(source, made, WEIGHTS[precision])
        _convert_tokenizer(source, made)
        made.replace(target)


def _convert_model(source: Path, target: Path, weights: Mapping[str, Any]) -> None:
    optimum = importlib.import_module("optimum.intel")
    settings = optimum.OVWeightQuantizationConfig(**weights) if weights else None
    model = optimum.OVModelForCausalLM.from_pretrained(
        source,
        export=True,
        compile=False,
        load_in_8bit=False,  # else large models are quantised unasked
        quantization_config=settings,
        local_files_only=True,
    )
    model.save_pretrained(target)


def _convert_tokenizer(source: Path, target: Path) -> None:
    """Write the tokenizer and its inverse as models, which OpenVINO GenAI looks for by name."""
    openvino, tokenizers, transformers = map(
        importlib.import_module, ("openvino", "openvino_tokenizers", "transformers")
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True)
    tokenizer.save_pretrained(target)
    converted = tokenizers.convert_tokenizer(tokenizer, with_detokenizer=True)
    for name, model in zip(("tokenizer", "detokenizer"), converted, strict=True):
        openvino.save_model(model, target / f"openvino_{name}.xml")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
