"""The models of a new run: `build_tokenizer` and `build_model` are all that training asks for."""

from .llama import build_model, build_tokenizer

__all__ = ["build_model", "build_tokenizer"]
