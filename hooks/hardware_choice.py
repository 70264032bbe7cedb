"""Choose the backends and builds of torch that a machine's hardware and drivers serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from envkeep.hardware.catalog import driver_serves
from envkeep.hardware.machine import Machine
from maintain.stack.rows import Backend, Build

CPU = "cpu"


@dataclass(frozen=True)
class Hardware:
    """What a project on a machine can compute with.

    Attributes:
        answers: Answers to the questions about hardware; none where only the CPU is left.
        reason: Why these, for people.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    reason: str = "CPU, as no GPU was found."


def propose(
    machine: Machine,
    backends: Sequence[Backend],
    builds: Sequence[Build],
    is_available: Callable[[Build], bool],
) -> Hardware:
    """Propose every backend that the machine has, each with the first build that its driver serves.

    Args:
        machine: What was detected.
        backends: The backends of the catalog.
        builds: The builds of the catalog, per backend the preferred one first.
        is_available: Whether a build has wheels that a project here could take.
    """
    present = [row for row in backends if machine.drives(row.backend)]
    chosen: dict[str, Build] = {}
    for row in present:
        served = (each for each in builds if each.backend == row.backend)
        fitting = (each for each in served if driver_serves(each.model_dump(), machine))
        build = next(filter(is_available, fitting), None)
        if build:
            chosen[row.backend] = build
    if not present:
        return Hardware()
    if not chosen:
        titles = " and ".join(f"the {row.title}" for row in present)
        return Hardware(reason=f"CPU, as no build of torch that can be had here serves {titles}.")
    answers = {"backends": f"[{', '.join([CPU, *chosen])}]"}
    answers |= {
        f"{name}_build": row.build for name, row in chosen.items() if _is_asked(row, builds)
    }
    return Hardware(answers, f"CPU and {', '.join(row.title for row in chosen.values())}.")


def _is_asked(build: Build, builds: Sequence[Build]) -> bool:
    """Tell whether people are asked for the build, which they are where there are several."""
    return sum(row.backend == build.backend for row in builds) > 1
