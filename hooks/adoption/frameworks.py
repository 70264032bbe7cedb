"""Decide from requirements and imports what a repository computes with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hooks.adoption.imports import Imports
from hooks.adoption.packages import package_lists, package_of_import
from hooks.adoption.wanted import DEVELOP, Wanted, admits

PYTORCH, HUGGINGFACE, KERAS, JAX, NONE = "pytorch", "huggingface", "keras", "jax", "none"
TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-macos", "tf-nightly")
_TRAINERS = {"Trainer", "TrainingArguments", "Seq2SeqTrainer", "Seq2SeqTrainingArguments"}
_IMAGES = {"pytorch": "torch", "jax": "jax"}


@dataclass(frozen=True)
class Framework:
    """What a repository computes with.

    Attributes:
        training: The answer to the question of that name.
        backend: What Keras computes with: the answer ``keras_backend``, "" elsewhere.
        reason: Why, for people.
        missing: The package that no file declares though the code needs it, "" if none.
        note: What a person should know of it besides, "" if nothing.
    """

    training: str
    backend: str = ""
    reason: str = ""
    missing: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Evidence:
    """How much speaks for one package: those that ask for it, and the files that import it."""

    package: str
    asked: str = ""
    files: int = 0

    def __bool__(self) -> bool:
        return bool(self.asked or self.files)

    @property
    def reason(self) -> str:
        if self.asked:
            return f"{self.asked} is asked for"
        return f"no file declares {self.package}, {files_that_import(self.files)} it"

    @property
    def missing(self) -> str:
        return "" if self.asked else self.package


def decide(
    wanted: Sequence[Wanted], imports: Imports, images: Sequence[tuple[str, str]]
) -> Framework:
    """Decide; what is only tested or developed with decides nothing.

    Args:
        wanted: What is asked for, each once.
        imports: What the code imports.
        images: Base images, each with its file.
    """
    names = {each.name: each for each in wanted if each.use != DEVELOP}
    lists = package_lists()
    torch = _evidence("torch", ["torch", *lists["needs_torch"]], names, imports)
    jax = _evidence("jax", ["jax", *lists["needs_jax"]], names, imports)
    keras = _evidence("keras", ["keras", "keras-hub", "keras-cv"], names, imports)
    tensorflow = _evidence("tensorflow", TENSORFLOW, names, imports)
    if not torch and not jax:
        torch = _from_image("torch", images) or torch
        jax = _from_image("jax", images) or jax
    if keras and _is_keras_3(names) and (torch or jax or not tensorflow):
        backend = "torch" if torch and not jax else "jax"
        return Framework(KERAS, backend, keras.reason, keras.missing)
    if torch and not _wins(jax, torch, names, imports):
        return _of_torch(torch, names, imports)
    if jax:
        return Framework(JAX, reason=jax.reason, missing=jax.missing)
    if tensorflow or keras:
        found = tensorflow or keras
        note = (
            "the repository computes with TensorFlow, which the template has no layer for: its "
            "packages are lines of requirements/ as any others."
        )
        return Framework(NONE, reason=found.reason, missing=found.missing, note=note)
    return Framework(NONE, reason="nothing asks for a framework and no file imports one")


def _of_torch(torch: _Evidence, names: Mapping[str, Wanted], imports: Imports) -> Framework:
    trains = imports.names.get("transformers", set()) & _TRAINERS or imports.count(["trl"])
    if trains and ("transformers" in names or "trl" in names or not names):
        reason = f"{torch.reason}, and the code trains by transformers"
        return Framework(HUGGINGFACE, reason=reason, missing=torch.missing)
    return Framework(PYTORCH, reason=torch.reason, missing=torch.missing)


def _evidence(
    package: str, packages: Sequence[str], names: Mapping[str, Wanted], imports: Imports
) -> _Evidence:
    modules = [name for name in imports.modules() if package_of_import(name) in packages]
    asked = next((name for name in packages if name in names), "")
    if asked and asked != package:
        asked = f"{asked}, which needs {package},"
    return _Evidence(package, asked, imports.count(modules))


def _from_image(package: str, images: Sequence[tuple[str, str]]) -> _Evidence | None:
    words = [name for name, of in _IMAGES.items() if of == package]
    found = next(
        (
            (image, path)
            for image, path in images
            if any(f"/{word}" in f"/{image}" for word in words)
        ),
        None,
    )
    return _Evidence(package, f"{package} (in {found[0]}, {found[1]})") if found else None


def _wins(jax: _Evidence, torch: _Evidence, names: Mapping[str, Wanted], imports: Imports) -> bool:
    """Tell whether a repository that has both computes with JAX rather than with torch."""
    if not jax:
        return False
    asks = ("jax" in names or "jaxlib" in names or "flax" in names, "torch" in names)
    if asks[0] != asks[1]:
        return asks[0]
    return jax.files > torch.files


def _is_keras_3(names: Mapping[str, Wanted]) -> bool:
    keras = names.get("keras")
    return keras is None or admits(keras.requirement.specifier, keras.exact or "3.99")


def files_that_import(count: int) -> str:
    """Return how many files import something, as a sentence goes on."""
    return "1 file imports" if count == 1 else f"{count} files import"
