"""Try whether the plan locks, and what of the repository imports then; nothing is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from envkeep import progress
from hooks.adoption.imports import Graph
from hooks.adoption.packages import package_of_import
from hooks.machine_answers import find_python

OVERRIDES = "requirements/overrides.txt"
_LOCK = ("keep.py", "lock", "--fast", "--loosen")
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==", re.MULTILINE)


@dataclass(frozen=True)
class Trial:
    """Whether a plan locks.

    Attributes:
        verdict: The outcome, for people.
        reason: Why it does not lock, "" if it does or could not be tried.
        overrides: ``requirements/overrides.txt`` with the lines that it took, None if it took none.
        locked: Names of all that is locked.
    """

    verdict: str
    reason: str = ""
    overrides: bytes | None = None
    locked: Collection[str] = ()

    @property
    def is_conflict(self) -> bool:
        """Whether it fails because versions do not go together."""
        return "does not go together" in self.reason or "older versions" in self.reason


def lock(written: Mapping[str, bytes], python: str) -> Trial:
    """Lock for this machine's platform, as the first `make lock` will.

    Args:
        written: The files that the plan writes.
        python: The Python that it answers.
    """
    if find_python(python) is None:
        return Trial(f"not tried: Python {python} is not on this machine")
    with tempfile.TemporaryDirectory(prefix="adopt-lock-") as name:
        folder = Path(name)
        for path, content in written.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        done = _run(folder)
        if done.returncode:
            return Trial("it does not lock", f"`make lock` will fail: {_sentence(done.stderr)}")
        text = "".join(
            path.read_text(encoding="utf-8")
            for path in (folder / "requirements" / "locks").rglob("*.txt")
        )
        overrides = (folder / OVERRIDES).read_bytes()
        taken = overrides if overrides != written[OVERRIDES] else None
        more = ", with lines that overrides.txt gets for it" if taken else ""
        locked = {str(canonicalize_name(each)) for each in _LOCKED.findall(text)}
        return Trial(f"it locks for this machine{more}", overrides=taken, locked=locked)


def modules(graph: Graph, locked: Collection[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return which of the repository's top modules find all that they import in the locks.

    Nothing is run: a module counts as found if the package that it belongs to is locked.

    Returns:
        The modules that do, and those that do not, each with what is missing.
    """
    whole, lacking = [], {}
    for module in graph.tops():
        missing = [name for name in graph.needed_by(module) if not _is_locked(name, locked)]
        if missing:
            lacking[module] = missing
        else:
            whole.append(module)
    return whole, lacking


def _is_locked(module: str, locked: Collection[str]) -> bool:
    return str(canonicalize_name(module)) in locked or package_of_import(module) in locked


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with progress.waiting("trying whether the plan locks"):
        return subprocess.run(
            [sys.executable, *_LOCK],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )


def _sentence(errors: str) -> str:
    lines: Sequence[str] = [line for line in errors.splitlines() if line.startswith("error: ")]
    said = lines[-1].removeprefix("error: ") if lines else errors.strip()[-300:]
    # The log lies in the folder of the trial, which is gone.
    return re.sub(r"; (the locks were left|all that was printed)[^;]*", "", said).rstrip(".") + "."
