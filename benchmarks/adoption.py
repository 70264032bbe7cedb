"""Say how many shapes of repositories are adopted as expected, and how many of them lock.

    .venv/bin/python benchmarks/adoption.py [NAME ...]

Each is planned as its maintainer does: the package index is asked, and the plan is locked for the
CPU in a folder of its own. PyTorch's index need not be in reach: stub wheels stand for its own.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hooks.adopt import make_plan
from hooks.adoption.report import show
from hooks.errors import HookError
from tests.adopt.repository import of_files, options
from tests.adopt.shapes import SHAPES, Shape
from tests.support.copier_runs import stage
from tests.support.loopback import serving
from tests.support.torch_index import make_torch_index


@dataclass(frozen=True)
class Outcome:
    """What became of a shape.

    Attributes:
        wrong: What differs from what is expected, "" if nothing.
        locks: What the trial said.
        seconds: How long it took.
    """

    wrong: str
    locks: str
    seconds: float


def main(names: Sequence[str]) -> int:
    """Print the table; 1 if a plan is not as expected."""
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="adoption-") as folder:
        template = stage(Path(folder) / "template", "998.0.0")
        with serving(make_torch_index(Path(folder) / "index").root) as address:
            for name in names or SHAPES:
                print(f"{name} ...", file=sys.stderr, flush=True)
                outcomes[name] = outcome(SHAPES[name], Path(folder) / name, template, address)
    table = Table("shape", "like", "plan", "make lock", "seconds")
    for name, each in outcomes.items():
        plan = each.wrong or "as expected"
        table.add_row(name, SHAPES[name].like, plan, each.locks, f"{each.seconds:.0f}")
    Console(width=150).print(table)
    good = sum(not each.wrong for each in outcomes.values())
    locked = sum(each.locks.startswith("it locks") for each in outcomes.values())
    print(
        f"{good} of {len(outcomes)} plans are as expected; {locked} lock, and the others said so."
    )
    return int(good < len(outcomes))


def outcome(shape: Shape, folder: Path, template: Path, torch_index: str) -> Outcome:
    """Plan one shape and compare."""
    began = time.perf_counter()
    repository = of_files(folder, shape.files)
    arguments = options(folder, template, *shape.options)
    arguments.no_lock = False
    uses_torch = shape.training in ("pytorch", "huggingface")
    given = {"torch_index": torch_index} if uses_torch else {}
    try:
        planned = make_plan(repository, given, arguments)
    except HookError as error:
        return Outcome(str(error), "", time.perf_counter() - began)
    printed = io.StringIO()
    show(Console(file=printed, width=1000, highlight=False), planned)
    asked = sorted(pin.wanted.name for pin in planned.requirements.pins)
    lacking = [words for words in shape.said if words not in printed.getvalue()]
    locks = planned.trial.verdict if planned.trial else ""
    wrong = []
    if planned.answers["training"] != shape.training:
        wrong.append(f"training {planned.answers['training']}")
    if asked != shape.asked.split():
        wrong.append(f"asks for {' '.join(asked)}")
    if lacking:
        wrong.append(f"does not say {lacking}")
    if locks.startswith("it locks") != shape.locks:
        wrong.append(planned.trial.reason if planned.trial else locks)
    return Outcome("; ".join(wrong), locks, time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
