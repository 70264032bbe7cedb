"""Say how many shapes of repositories are adopted as expected, and how many of them lock.

    .venv/bin/python benchmarks/adoption.py [--install] [NAME ...]

Each is planned as its maintainer does: the package index is asked, and the plan is locked for the
CPU in a folder of its own. PyTorch's index need not be in reach: stub wheels stand for its own.
With --install each branch is locked, installed, and the repository's modules are imported in it, by
the torch that this machine has.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hooks.adopt import make_plan, write
from hooks.adoption.plan import BRANCH
from hooks.adoption.report import show
from hooks.errors import HookError
from hooks.new_project import machine_answers
from tests.adopt.repository import of_files, options
from tests.adopt.shapes import SHAPES, Shape
from tests.support.copier_runs import git, stage
from tests.support.loopback import serving
from tests.support.torch_index import make_torch_index


@dataclass(frozen=True)
class Outcome:
    """What became of a shape.

    Attributes:
        wrong: What differs from what is expected, "" if nothing.
        locks: What the trial said.
        imports: The modules that were imported in the branch's environment, "" if none was tried.
        seconds: How long it took.
    """

    wrong: str
    locks: str
    imports: str
    seconds: float


def main(argv: Sequence[str]) -> int:
    """Print the table; 1 if a plan is not as expected."""
    installs = "--install" in argv
    names = [each for each in argv if each != "--install"]
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="adoption-") as folder:
        template = stage(Path(folder) / "template", "998.0.0")
        with serving(make_torch_index(Path(folder) / "index").root) as address:
            for name in names or SHAPES:
                print(f"{name} ...", file=sys.stderr, flush=True)
                index = "" if installs else address
                outcomes[name] = outcome(SHAPES[name], Path(folder) / name, template, index)
    table = Table("shape", "like", "plan", "make lock", "imports", "seconds")
    for name, each in outcomes.items():
        plan = each.wrong or "as expected"
        table.add_row(
            name, SHAPES[name].like, plan, each.locks, each.imports, f"{each.seconds:.0f}"
        )
    Console(width=150).print(table)
    good = sum(not each.wrong for each in outcomes.values())
    locked = sum(each.locks.startswith("it locks") for each in outcomes.values())
    print(
        f"{good} of {len(outcomes)} plans are as expected; {locked} lock, and the others said so."
    )
    return int(good < len(outcomes))


def outcome(shape: Shape, folder: Path, template: Path, torch_index: str) -> Outcome:
    """Plan one shape and compare.

    Args:
        shape: Which.
        folder: Where it is made.
        template: The template.
        torch_index: Stub wheels of torch; "" for this machine's torch, and the installation.
    """
    began = time.perf_counter()
    repository = of_files(folder, shape.files)
    arguments = options(folder, template, *shape.options)
    arguments.no_lock = False
    uses_torch = shape.training in ("pytorch", "huggingface")
    given = {"torch_index": torch_index} if uses_torch else {}
    if not torch_index:
        given = {**machine_answers(), "backends": "[cpu]"} if uses_torch else {}
    try:
        planned = make_plan(repository, given, arguments)
    except HookError as error:
        return Outcome(str(error), "", "", time.perf_counter() - began)
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
    imports = ""
    if not torch_index and locks.startswith("it locks"):
        write(planned)
        imports = imported(folder, planned.found.imports.graph.tops())
        wrong += [imports] if imports.startswith("error") else []
    return Outcome("; ".join(wrong), locks, imports, time.perf_counter() - began)


def imported(folder: Path, modules: Sequence[str]) -> str:
    """Install the branch and import modules in it; return them, or what failed."""
    git(folder, "switch", "--quiet", BRANCH)
    python = folder / ".venv" / "bin" / "python"
    commands = [
        [sys.executable, "keep.py", "lock", "--fast", "--quiet"],
        [sys.executable, "keep.py", "install"],
        *([str(python), "-c", f"import {module}"] for module in modules),
    ]
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"error: {' '.join(command[1:])}: {done.stderr.strip()[-300:]}"
    return " ".join(modules)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
