# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""The versions that hold for all layers of one target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .backends import Target
from .paths import CONSTRAINTS, OVERRIDES, REQUIREMENTS, STACK, shown
from .project import python_version
from .requirements import LAYERS, Line, overrides, parse, statements
from .torch_builds import torch_build

INPUTS = "# inputs: sha256:"


def effective_constraints(target: Target) -> str:
    """Return the stack's pins with the overrides in their place and torch's build spelled out."""
    build = torch_build(target)
    pins = build.pins if build else {}
    own = [line for line in overrides() if line.name not in pins]
    own += [Line(name, f"{name}=={version}") for name, version in pins.items()]
    kept = _without(stack_pins(target), own)
    header = [
        f"# Made by `make lock` for {target.name}: the stack's pins, with overrides.txt applied.",
        f"{INPUTS}{inputs_hash(target)}",
    ]
    return "\n".join([*header, *(line.text for line in sorted([*kept, *own], key=str))]) + "\n"


def stack_pins(target: Target) -> list[Line]:
    """Return the stack's pins for a target that no override replaces."""
    stack = [line for path in _stack_files(target) for line in parse(path)]
    return _without(stack, overrides())


def inputs_hash(target: Target) -> str:
    """Return the SHA-256 of everything that the locks are compiled from; comments do not count."""
    build = torch_build(target)
    facts = (target.name, python_version(), *(sorted(build.pins.items()) if build else ()))
    digest = hashlib.sha256(repr(facts).encode())
    files = [*STACK.glob("*.in"), *REQUIREMENTS.glob("*.in"), *_stack_files(target), OVERRIDES]
    for path in sorted(path for path in files if path.exists() and not _is_of_other(path, target)):
        digest.update("\n".join(["", shown(path), *statements(path)]).encode())
    return digest.hexdigest()


def _without(lines: Iterable[Line], others: Iterable[Line]) -> list[Line]:
    replaced = {line.name for line in others}
    return [line for line in lines if line.name not in replaced]


def _is_of_other(path: Path, target: Target) -> bool:
    """Tell whether a requirements file is for one backend, and for another one than this."""
    layer = next((layer for layer in LAYERS if path.stem.startswith(f"{layer}-")), None)
    return layer is not None and path.stem != f"{layer}-{target.backend}"


def _stack_files(target: Target) -> list[Path]:
    """Return the stack's pins for every target, and those of this target's hardware if any."""
    hardware = STACK / f"constraints-{target.backend}.txt"
    return [CONSTRAINTS, *([hardware] if hardware.exists() else [])]
