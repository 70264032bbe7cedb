# Owned by the template: every update rewrites this file. What inputs are made of: task.py.
"""An exported model that is open, warm and known by its version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ... import task
from ..answers import load_answers
from ..errors import ArtefactError
from ..inference import Arrays, Metadata, Predictor, load, preparation
from ..inference.metadata import METADATA_FILE
from ..inference.parity import read_parity
from . import drift, runtimes


@dataclass(frozen=True)
class Model:
    """A version of the model.

    Attributes:
        name: What it is called.
        version: The run that it comes from, or the beginning of its hash.
        sha256: Of its description, which holds the hashes of all its files.
        predictor: What computes.
        prepare: What makes its inputs of a request.
        references: What it was trained with.
    """

    name: str
    version: str
    sha256: str
    predictor: Predictor
    prepare: Callable[[Mapping[str, Any]], dict[str, NDArray[Any]]]
    references: tuple[drift.Reference, ...] = ()

    @property
    def metadata(self) -> Metadata:
        """The description that travels with it."""
        return self.predictor.metadata

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return the named outputs for named inputs."""
        return self.predictor.predict(inputs)

    def facts(self) -> dict[str, str]:
        """Return what it is, in words."""
        origin = self.metadata.origin
        of_origin = {
            name: str(origin[key])
            for name, key in (("commit", "git_commit"), ("data_sha256", "data_sha256"))
            if origin.get(key)
        }
        return {
            "model": self.name,
            "version": self.version,
            "sha256": self.sha256,
            "format": self.metadata.format,
            "precision": self.metadata.precision,
            **of_origin,
        }


def open_model(folder: Path, *, device: str | None = None, threads: int = 0) -> Model:
    """Open an exported model and let it compute once.

    Args:
        folder: What `export` wrote.
        device: What shall run it, as `devices.choose_device` takes it.
        threads: With how many threads; 0 lets the runtime choose.

    Raises:
        ProjectError: It is missing, changed, for other code than this, or does not run.
    """
    with runtimes.limited(load_answers().inference, threads):
        predictor = load(folder, device)
    if predictor.metadata.preprocessing != task.SCHEME:
        predictor.close()
        raise ArtefactError(
            f"{folder} was made for other preprocessing than this code does: export it again."
        )
    sha256 = hashlib.sha256((folder / METADATA_FILE).read_bytes()).hexdigest()
    version = str(predictor.metadata.origin.get("run_id") or sha256[:12])
    references = drift.read_reference(folder)
    model = Model(folder.name, version, sha256, predictor, preparation(folder), references)
    inputs, _, _ = read_parity(folder, predictor.metadata)
    model.predict({name: array[:1] for name, array in inputs.items()})
    return model
