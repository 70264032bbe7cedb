# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes GGUF, the file that llama.cpp, Ollama and others run; for Llama with byte-level BPE."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from ..errors import ExportError
from ..generation import Generator
from ..generation.llama_cpp_backend import open_generator
from .artifact import ExportRequest, Precision

FORMAT = "gguf"
MODEL_FILE = "model.gguf"
FORMAT_OPTIONS: Mapping[str, Any] = {"architecture": "llama", "tokenizer": "gpt2"}

# llama.cpp keeps keys and values of attention in float16, which is most of the first difference.
# The others are what weights of 8 and of 4 bits leave; perplexity and agreement tell more there.
PRECISIONS: Mapping[str, Precision] = {
    "float32": Precision(tolerance=0.02, relative=0.001),
    "float16": Precision(tolerance=0.05, relative=0.005, agreement=0.95, equal_text=False),
    "int8": Precision(tolerance=0.5, agreement=0.9, equal_text=False),
    "int4": Precision(tolerance=4.0, agreement=0.6, equal_text=False),
}
_TYPES = {
    "float32": (gguf.LlamaFileType.ALL_F32, gguf.GGMLQuantizationType.F32),
    "float16": (gguf.LlamaFileType.MOSTLY_F16, gguf.GGMLQuantizationType.F16),
    "int8": (gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0),
    "int4": (gguf.LlamaFileType.MOSTLY_Q4_0, gguf.GGMLQuantizationType.Q4_0),
}
_BLOCK = 32  # weights of a row that share a scale
_OF_LAYERS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_ELSEWHERE = "convert it with llama.cpp's own convert_hf_to_gguf.py."


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write sizes, tokenizer and weights; the same bytes for the same model.

    Raises:
        ExportError: It is no plain Llama, or its tokenizer no byte-level BPE as GPT-2 has it.
    """
    config = request.model.config
    _refuse_other_models(config)
    tokens = _tokenizer(request.tokenizer)
    file_type, weight_type = _TYPES[precision]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(path.stem)
    writer.add_file_type(file_type)
    _add_sizes(writer, config)
    _add_tokenizer(writer, tokens, request.tokenizer)
    for name, weight in _weights(request.model):
        small = weight.ndim < 2 or weight.shape[-1] % _BLOCK
        kind = gguf.GGMLQuantizationType.F32 if small else weight_type
        writer.add_tensor(name, gguf.quants.quantize(weight, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def open_model(path: Path) -> Generator:
    """Open the file with llama.cpp, computing with one thread."""
    values = {"model": str(path), "chat": False, "context": 0, "threads": 1, "device": "cpu"}
    return open_generator(values, "the export")


def _refuse_other_models(config: Any) -> None:
    rope = config.rope_parameters if config.model_type == "llama" else {}
    plain = (
        config.model_type == "llama"
        and rope.get("rope_type", "default") == "default"
        and not config.attention_bias
        and not config.mlp_bias
        and config.hidden_act == "silu"
    )
    if not plain:
        raise ExportError(
            f"This export to GGUF knows the plain Llama only, not this {config.model_type}: "
            f"{_ELSEWHERE}"
        )


def _tokenizer(tokenizer: Any) -> dict[str, Any]:
    """Return the description of a tokenizer that llama.cpp's GPT-2 tokenizer stands in for."""
    described: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    before = described["pre_tokenizer"] or {}
    plain = (
        described["model"]["type"] == "BPE"
        and before.get("type") == "ByteLevel"
        and before.get("use_regex")
        and not before.get("add_prefix_space")
        and described["normalizer"] is None
        and tokenizer("a")["input_ids"] == tokenizer("a", add_special_tokens=False)["input_ids"]
    )
    if not plain:
        raise ExportError(
            "This export to GGUF knows byte-level BPE as GPT-2 has it only, not the tokenizer of "
            f"this model: {_ELSEWHERE}"
        )
    return described


def _add_sizes(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def _add_tokenizer(writer: gguf.GGUFWriter, described: dict[str, Any], tokenizer: Any) -> None:
    special = {each["id"]: each["content"] for each in described["added_tokens"]}
    numbers = {number: token for token, number in described["model"]["vocab"].items()} | special
    tokens = [numbers[number] for number in range(len(numbers))]
    kinds = [
        gguf.TokenType.CONTROL if number in special else gguf.TokenType.NORMAL
        for number in range(len(tokens))
    ]
    merges = described["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([each if isinstance(each, str) else " ".join(each) for each in merges])
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)


def _weights(model: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the weights under llama.cpp's names, in the order of its files."""
    config = model.config
    weights = {name: each.detach().float().numpy() for name, each in model.state_dict().items()}
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    yield "token_embd.weight", weights["model.embed_tokens.weight"]
    yield "output_norm.weight", weights["model.norm.weight"]
    yield "output.weight", weights["lm_head.weight"]
    for layer in range(config.num_hidden_layers):
        for name, theirs in _OF_LAYERS.items():
            weight = weights[f"model.layers.{layer}.{name}.weight"]
            if theirs in heads:
                weight = _rotated(weight, heads[theirs])
            yield f"blk.{layer}.{theirs}.weight", np.ascontiguousarray(weight)


def _rotated(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Order rows so that the two numbers that are rotated together are neighbours."""
    parts = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return parts.swapaxes(1, 2).reshape(weight.shape)
