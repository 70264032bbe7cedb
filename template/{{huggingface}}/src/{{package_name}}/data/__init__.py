"""The data of this project. To use your own, import it here instead of the book."""

from .text import Texts, create, load_texts

__all__ = ["Texts", "create", "load_texts"]
