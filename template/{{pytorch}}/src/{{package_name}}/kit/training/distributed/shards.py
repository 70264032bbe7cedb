# Owned by the template: every update rewrites this file. What else to save: pass it in `parts`.
"""Checkpoints of several processes: what each holds of the model lies in files of its own.

`checkpoint.pt` is as one process writes it, but for tensors of which each process has a part. Those
are in a folder beside it (torch.distributed.checkpoint), from which any number of processes reads.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.tensor import DTensor, distribute_tensor

from ...files import replacing
from . import count, from_all, is_started, rank, wait

FOLDER = "shards"
_SHARD = "shard of "


def save(path: Path, content: dict[str, Any]) -> None:
    """Write the content of a checkpoint; all processes call it, and it is whole when it returns."""
    shards: dict[str, DTensor] = {}

    def apart(key: str, value: Any) -> Any:
        if not isinstance(value, DTensor):
            return value
        shards[key] = value
        return _SHARD + key

    content = {**content, "parts": _mapped(content["parts"], apart)}
    content["random_of_all"] = from_all(content["random"])
    if shards:
        progress = content["progress"]
        content[FOLDER] = f"{path.stem}-{progress['epoch']}-{progress['step']}"
        state_dict_saver.save(shards, checkpoint_id=path.parent / content[FOLDER])
    if rank() == 0:
        with replacing(path) as temporary:
            torch.save(content, temporary)
        _remove_others(path, content.get(FOLDER))
    wait()


def fitted(
    path: Path, content: Mapping[str, Any], parts: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """Return the states of the parts, each tensor as this process holds it.

    Args:
        path: The checkpoint's file.
        content: What is in it.
        parts: The models and optimizers that take the states over.
    """
    states = {name: content["parts"][name] for name in parts}
    like_of = _likes(parts)
    shards: dict[str, Any] = {}
    if FOLDER in content:
        folder = path.parent / content[FOLDER]
        sizes = FileSystemReader(folder).read_metadata().state_dict_metadata

        def wanted(key: str, value: Any) -> Any:
            if isinstance(value, str) and value.startswith(_SHARD):
                shards[key] = _empty(sizes[key], like_of(key))
            return value

        _mapped(states, wanted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a single process, which is what is meant
            state_dict_loader.load(shards, checkpoint_id=folder, no_dist=not is_started())

    def own(key: str, value: Any) -> Any:
        return shards[key] if key in shards else _placed(value, like_of(key))

    found: dict[str, Mapping[str, Any]] = _mapped(states, own)
    return found


def own_random(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of this process's random generators, or of the first one's."""
    states = content.get("random_of_all") or [content["random"]]
    found: dict[str, Any] = states[rank()] if len(states) == count() else states[0]
    return found


def renew_random(content: Mapping[str, Any]) -> None:
    """Draw other random numbers in each process, if as many of them wrote no checkpoint."""
    written = len(content.get("random_of_all") or [None])
    if written != count() and rank():
        step = content["progress"]["step"]
        torch.manual_seed((torch.initial_seed() + step * count() + rank()) % 2**63)


def _mapped(tree: Any, function: Callable[[str, Any], Any], key: str = "") -> Any:
    """Return a tree of mappings and lists with each leaf replaced; its key has the whole path."""
    if isinstance(tree, Mapping):
        return {k: _mapped(v, function, f"{key}/{k}" if key else str(k)) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(v, function, f"{key}/{n}") for n, v in enumerate(tree))
    return function(key, tree)


def _likes(parts: Mapping[str, Any]) -> Callable[[str], DTensor | None]:
    """Return what finds the weight, if it is spread, that a tensor of this key is spread like."""
    found: dict[str, DTensor] = {}
    for name, part in parts.items():
        if isinstance(part, torch.nn.Module):
            weights = part.state_dict().items()
            found |= {f"{name}/{key}": each for key, each in weights if isinstance(each, DTensor)}
        elif isinstance(part, torch.optim.Optimizer):
            each_of = (each for group in part.param_groups for each in group["params"])
            for number, each in enumerate(each_of):
                if isinstance(each, DTensor):
                    found[f"{name}/state/{number}"] = each

    def like_of(key: str) -> DTensor | None:
        above = key.rpartition("/")[0]  # of a state such as optimizer/state/3/exp_avg
        return found.get(key, found.get(above))

    return like_of


def _empty(size: Any, like: DTensor | None) -> torch.Tensor:
    dtype = size.properties.dtype
    if like is None or like.shape != size.size:
        return torch.empty(size.size, dtype=dtype)
    return torch.empty_like(like, dtype=dtype)


def _placed(value: Any, like: DTensor | None) -> Any:
    """Return a whole tensor as a part of it, where the weight is spread."""
    if like is None or not isinstance(value, torch.Tensor) or value.shape != like.shape:
        return value
    whole = value.to(like.device)
    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)


def _remove_others(path: Path, kept: str | None) -> None:
    """Remove the folders of checkpoints before."""
    for each in path.parent.glob(f"{path.stem}-*"):
        if each.is_dir() and each.name != kept:
            shutil.rmtree(each, ignore_errors=True)
