# Owned by the template: every update rewrites this file. Your own helpers go into your own modules.
"""Trees of arrays, such as weights and the state of an optimizer, as flat mappings of NumPy arrays.

Every leaf is named by its place in the tree, such as `classifier/bias`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

_SEPARATOR = "/"


def flatten(tree: Any, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the leaves, named `prefix/place`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {_name(prefix, path): np.asarray(leaf) for path, leaf in leaves}


def fill(tree: Any, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return a tree of the same structure with the leaves that `flatten` returned.

    Args:
        tree: The leaves need a shape and a type, no values: `jax.eval_shape` makes such a tree.
        prefix: What the names begin with.
        arrays: The leaves by name; others may be among them.

    Raises:
        KeyError: A leaf is not there.
        ValueError: A leaf has another shape or type.
    """

    def find(path: Any, leaf: Any) -> jax.Array:
        name = _name(prefix, path)
        found = arrays[name]
        if (found.shape, found.dtype) != (leaf.shape, leaf.dtype):
            raise ValueError(f"{name} is {found.dtype} {found.shape}")
        return jnp.asarray(found)

    return jax.tree_util.tree_map_with_path(find, tree)


def _name(prefix: str, path: Any) -> str:
    place = jax.tree_util.keystr(path, simple=True, separator=_SEPARATOR)
    return _SEPARATOR.join(part for part in (prefix, place) if part)
