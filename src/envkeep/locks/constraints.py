"""The versions that hold for all layers of one target."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from envkeep.locks import indexes
from envkeep.locks.torch_builds import torch_build
from envkeep.paths import CONSTRAINTS, ORDER, OVERRIDES, REQUIREMENTS, STACK, shown
from envkeep.project.metadata import python_version
from envkeep.project.requirements import (
    EXPORTERS,
    LAYERS,
    RAY,
    Line,
    all_statements,
    input_files,
    layers,
    overrides,
    read_requirements,
    statements,
)
from envkeep.project.target import Target, exporters_of, locked_alone, named_of

INPUTS = "# inputs: sha256:"
INPUTS_OF = re.compile(r"^# inputs of (?P<lock>\S+): sha256:(?P<sha256>\w+)$", re.MULTILINE)


def effective_constraints(target: Target, more: Sequence[Line] = ()) -> str:
    """Return the stack's pins with the overrides in their place and torch's build spelled out.

    Args:
        target: What they are for.
        more: Overrides that no file has yet.
    """
    build = torch_build(target)
    pins = build.pins if build else {}
    own = [line for line in (*overrides(), *more) if line.name not in pins]
    header = [
        f"# Made by `make lock` for {target.name}: the stack's pins, with overrides.txt applied.",
        f"{INPUTS}{inputs_hash(target)}",
        *indexes.facts(target),
        *(f"# inputs of {lock}: sha256:{each}" for lock, each in inputs_by_lock(target).items()),
    ]
    return _text(header, stack_pins(target), own, pins)


def constraints_of_exporter(target: Target, exporter: str) -> str:
    """Return the pins for what is locked alone: the stack's, less those that it replaces itself.

    Those of the layers do not hold for it: that is why it has an environment of its own. For Ray
    they do, as it runs what they hold.
    """
    with_layers = exporter == RAY
    build = torch_build(target, () if with_layers else (exporter,))
    pins = build.pins if build else {}
    asked = read_requirements(input_files(exporter, target.backend)[0])
    own = [line for line in asked if line.names_version]
    header = [f"# Made by `make lock` for {target.name}: the stack's pins for {exporter}."]
    stack = STACK / f"{exporter}.txt"
    kept = _without(read_requirements(stack) if stack.exists() else [], own)
    more = [line for line in overrides() if line.name not in pins] if with_layers else []
    if with_layers:
        kept = [*stack_pins(target), *_without(kept, overrides())]
    return _text(header, kept, more, pins)


def stack_pins(target: Target, more: Sequence[Line] = ()) -> list[Line]:
    """Return the stack's pins for a target that no override replaces, also none of ``more``."""
    stack = [line for path in _stack_files(target) for line in read_requirements(path)]
    return _without(stack, [*overrides(), *more])


def inputs_hash(target: Target) -> str:
    """Return the SHA-256 of everything that the locks are compiled from; comments do not count."""
    build = torch_build(target)
    facts = (target.name, python_version(), *(sorted(build.pins.items()) if build else ()))
    facts = (*facts, *indexes.facts(target))
    digest = hashlib.sha256(repr(facts).encode())
    files = [*STACK.glob("*.in"), *REQUIREMENTS.glob("*.in"), *_stack_files(target)]
    files += [OVERRIDES, ORDER]
    if exporters_of(target):
        files += [
            *STACK.glob(f"{EXPORTERS}/*"),
            *REQUIREMENTS.glob(f"{EXPORTERS}/*.in"),
        ]
    for path in sorted(path for path in files if path.exists() and not _is_of_other(path, target)):
        digest.update("\n".join(["", shown(path), *statements(path)]).encode())
    for name in named_of(target):
        digest.update("\n".join(["", name, *_asked(name, target)]).encode())
    return digest.hexdigest()


def inputs_by_lock(target: Target) -> dict[str, str]:
    """Return the SHA-256 of what each lock is compiled from, earlier locks apart."""
    build = torch_build(target)
    pins = sorted(build.pins.items()) if build else []
    of_all = [repr((target.name, python_version(), layers(), pins)), *indexes.facts(target)]
    of_layers = [str(line) for line in (*stack_pins(target), *overrides())]
    found = {layer: [*of_layers, *_asked(layer, target)] for layer in layers()}
    for exporter in locked_alone(target):
        found[exporter] = [constraints_of_exporter(target, exporter), *_asked(exporter, target)]
    return {
        lock: hashlib.sha256("\n".join([*of_all, *lines]).encode()).hexdigest()
        for lock, lines in found.items()
    }


def _asked(lock: str, target: Target) -> list[str]:
    return [line for path in input_files(lock, target.backend) for line in all_statements(path)]


def _text(
    header: Sequence[str], stack: Sequence[Line], own: Sequence[Line], torch: Mapping[str, str]
) -> str:
    """Return the text of constraints: the stack's lines where neither of the others has one."""
    exact = [*own, *(Line(name, f"{name}=={version}") for name, version in torch.items())]
    lines = sorted([*_without(stack, exact), *exact], key=str)
    return "\n".join([*header, *(line.text for line in lines)]) + "\n"


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
