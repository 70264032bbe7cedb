# Owned by the template: every update rewrites this file. Which model encodes: configs/embed.yaml.
"""Texts as vectors, and searching them by meaning."""

from .encoder import DEFAULT_CONFIG, EmbedConfig, Encoder
from .vectors import Found, Vectors

__all__ = ["DEFAULT_CONFIG", "EmbedConfig", "Encoder", "Found", "Vectors"]
