"""The data of this project. To use your own, import it here instead of the digits."""

from .digits import Samples, Splits, create, load_splits

__all__ = ["Samples", "Splits", "create", "load_splits"]
