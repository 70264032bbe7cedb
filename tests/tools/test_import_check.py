"""The import check says what cannot be imported, and how long the rest takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from template.tools import import_check

SCRIPT = Path(import_check.__file__)
TICKS = f"""
import importlib, itertools, sys, time
sys.path[:0] = [{str(SCRIPT.parent)!r}, "."]
import import_check
time.process_time = itertools.count().__next__
stopwatch = import_check.time_compiling()
import module
print(stopwatch.seconds)
del sys.modules["module"]
importlib.import_module("module")
print(stopwatch.seconds)
"""


def install(site: Path, name: str, code: str) -> None:
    """Write a distribution with one module."""
    (site / f"{name}.py").write_text(code)
    facts = site / f"{name}-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (facts / "RECORD").write_text(f"{name}.py,,\n{name}-1.dist-info/METADATA,,\n")


def check(site: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *names],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )


def test_it_prints_seconds_of_what_imports(tmp_path: Path) -> None:
    install(tmp_path, "good", "print('hello')\n")
    done = check(tmp_path, "good", "left-out-by-its-marker")
    assert done.returncode == 0, done.stderr
    hello, seconds = done.stdout.splitlines()
    assert hello == "hello"
    assert float(seconds) >= 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nowhere\n", "ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
    ],
)
def test_it_names_what_cannot_be_imported(tmp_path: Path, code: str, said: str) -> None:
    install(tmp_path, "good", "")
    install(tmp_path, "bad", code)
    done = check(tmp_path, "good", "bad")
    assert done.returncode == 1
    assert done.stdout == f"bad: {said}\n"


def test_only_the_first_import_of_a_module_is_timed_as_compiling(tmp_path: Path) -> None:
    install(tmp_path, "module", "")
    printed = subprocess.run(
        [sys.executable, "-c", TICKS],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    ).stdout
    compiling, again = map(float, printed.split())
    assert compiling > 0
    assert again == compiling


def test_calls_inside_each_other_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Iterator[float] = iter([1.0, 4.0, 10.0, 12.0])
    monkeypatch.setattr(import_check.time, "process_time", lambda: next(clock))
    stopwatch = import_check.Stopwatch()
    inner = stopwatch.timed(lambda: None)
    stopwatch.timed(inner)()
    assert stopwatch.seconds == 3.0
    inner()
    assert stopwatch.seconds == 5.0
