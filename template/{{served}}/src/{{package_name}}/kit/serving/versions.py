# Owned by the template: every update rewrites this file. The second model: SERVING_CANDIDATE.
"""Versions of a model side by side: opened together, told apart, and chosen by a request's id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import ArtefactError, ProjectError, reason_of
from .models import Model


def falls_into(share: float, request_id: str) -> bool:
    """Tell whether a request is one of this share of all; with one id it always is or never is."""
    digest = hashlib.sha256(request_id.encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48 < share


def told_apart(models: Sequence[Model]) -> list[Model]:
    """Return the model and the candidate, with versions that differ.

    Raises:
        ArtefactError: The candidate takes or gives other arrays than the model.
    """
    model, *others = models
    for other in others:
        _require_same(model, other, "The candidate takes or gives other arrays than the model.")
    return [
        model,
        *(
            replace(each, version=f"{each.version}-{each.name}-{each.sha256[:8]}")
            if each.version == model.version
            else each
            for each in others
        ),
    ]


def open_all(opening: Sequence[Callable[[], Model]]) -> list[Model]:
    """Open all; if one fails, none stays open."""
    found: list[Model] = []
    try:
        for each in opening:
            found.append(each())
    except BaseException:
        _close(found)
        raise
    return found


def open_newer(opening: Sequence[Callable[[], Model]], before: Sequence[Model]) -> list[Model]:
    """Open what shall take the place of models.

    Raises:
        ProjectError: One cannot be opened, or takes or gives other arrays than the one before.
    """
    try:
        found = open_all(opening)
    except (ProjectError, OSError):
        raise
    except Exception as error:  # runtimes pass on errors of every kind
        raise ArtefactError(f"The new model does not run: {reason_of(error)}") from error
    try:
        for new, old in zip(found, before, strict=True):
            _require_same(
                new,
                old,
                "The new model takes or gives other arrays than the one before: start again.",
            )
        return told_apart(found)
    except ArtefactError:
        _close(found)
        raise


def _require_same(one: Model, other: Model, otherwise: str) -> None:
    arrays = [(each.metadata.inputs, each.metadata.outputs) for each in (one, other)]
    if arrays[0] != arrays[1]:
        raise ArtefactError(otherwise)


def _close(models: Sequence[Model]) -> None:
    for model in models:
        model.predictor.close()
