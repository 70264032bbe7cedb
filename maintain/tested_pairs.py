"""Collect from test results which framework was run with which runtime, and write the page.

A test that goes from an empty folder to a prediction, or to generated text, in a production
environment records the pair of `training` and `inference` that it did this with, as a property
``tested_pair``. This command takes what passed, merges it into stack/tested_pairs.yml and writes
docs/reference/tested-pairs.md. What was found with another stack release, or for a pair that is no
longer offered, is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import yaml

from maintain.files import changed_files, replace_files
from maintain.stack.data import load_frameworks, load_platforms, load_release, load_runtimes
from maintain.tested_on import ResultError, line, recorded

PROPERTY = "tested_pair"
DATA = Path("stack/tested_pairs.yml")
PAGE = Path("docs/reference/tested-pairs.md")

HEADER = """\
# Which framework the tests ran with which runtime, one row per pair, platform and Python.
# Made by scripts/tested_pairs.py from test results; do not edit.
"""
INTRODUCTION = """\
<!-- Made by scripts/tested_pairs.py from test results; do not edit. -->
# Which pairs are run where

Every pair of `training` and `inference` that is offered. **Run** means: a project was made in an
empty folder, locked and installed, its example trained and exported, the development environment
deleted, and in the production environment the model gave the classes, or the text, that the
framework gives, within the stated tolerance. Without training, the project was installed, tested
and its production environment made. The rows come from the results of the template's own tests,
with the day of the newest one that passed; nobody writes them by hand.
"""


Answers = tuple[str, str, str]
"""The answers `training`, `keras_backend` ("" without Keras) and `inference`."""


@dataclass(frozen=True)
class Pair:
    """A pair of answers, and where it was run.

    Attributes:
        training: The framework.
        inference: The runtime.
        platform: Name of the platform in the catalog.
        python: ``major.minor``.
        release: Name of the stack release.
        keras_backend: What Keras computes with; empty for the other frameworks.
    """

    training: str
    inference: str
    platform: str
    python: str
    release: str
    keras_backend: str = ""


def read_known(path: Path) -> dict[Pair, str]:
    """Return the days of the data file by pair.

    Raises:
        ResultError: The file is damaged.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
        return {_pair(row): str(row["date"]) for row in rows}
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ResultError(
            f"{path.name} is damaged ({error}); restore it with `git checkout -- {DATA}`."
        ) from None


def read_results(path: Path) -> dict[Pair, str]:
    """Return the pairs that the passed tests of a run recorded, with the day.

    Raises:
        ResultError: The file of results is missing or damaged.
    """
    found = {}
    for text, day in recorded(path, PROPERTY):
        try:
            found[_pair(json.loads(text))] = day
        except (ValueError, TypeError, KeyError):
            raise ResultError(f"{path}: a test recorded {text!r}, which is no pair.") from None
    return found


def render_data(found: Mapping[Pair, str]) -> str:
    """Return the text of the data file."""
    rows = [
        {name: value for name, value in asdict(pair).items() if value} | {"date": found[pair]}
        for pair in sorted(found, key=astuple)
    ]
    return HEADER + yaml.safe_dump(rows, sort_keys=False, width=200)


def render_page(found: Mapping[Pair, str], stack: Path) -> str:
    """Return the text of the page: a row for each pair that is offered.

    Raises:
        StackError: A file of the stack is wrong.
    """
    titles = {row.platform: row.title for row in load_platforms(stack)}
    runtimes = {row.runtime: row.title for row in load_runtimes(stack)}
    lines = [line(("training", "inference", "run on")), line(["---"] * 3)]
    for offered, title in _offered(stack).items():
        said = [
            f"{titles[pair.platform]}, Python {pair.python}, {found[pair]}"
            for pair in sorted(found, key=astuple)
            if _answers(pair) == offered
        ]
        lines.append(line((title, runtimes[offered[-1]], "; ".join(said) or "not run")))
    return "\n".join([INTRODUCTION, *lines]) + "\n"


def collect(results: Iterable[Path], root: Path, *, write: bool) -> list[Path]:
    """Merge results into the files.

    Args:
        results: Files that pytest wrote with ``--junit-xml``.
        root: This repository.
        write: Whether to write the files.

    Returns:
        The files that changed, or would.

    Raises:
        ResultError: A file of results or the data file is wrong; nothing was written.
        StackError: The stack is wrong, or a file cannot be written.
    """
    stack = root / "stack"
    days = read_known(root / DATA)
    for path in results:
        for pair, day in read_results(path).items():
            days[pair] = max(day, days.get(pair, ""))
    offered = _offered(stack)
    release = load_release(stack).name
    kept = {
        pair: day
        for pair, day in days.items()
        if _answers(pair) in offered and pair.release == release
    }
    texts = {DATA: render_data(kept), PAGE: render_page(kept, stack)}
    changed = changed_files(root, texts)
    if write:
        replace_files({root / path: text for path, text in changed.items()})
    return list(changed)


def _pair(row: Mapping[str, object]) -> Pair:
    given = {"keras_backend": "", **row}
    return Pair(*(str(given[field.name]) for field in fields(Pair)))


def _answers(pair: Pair) -> Answers:
    return pair.training, pair.keras_backend, pair.inference


def _offered(stack: Path) -> dict[Answers, str]:
    """Return the pairs that are offered, and what the page calls the framework."""
    frameworks = load_frameworks(stack)
    alone = {row.computes_with[0]: row.title for row in reversed(frameworks) if row.computes_with}
    found = {}
    for framework in frameworks:
        for answers in framework.answers:
            backend = answers.get("keras_backend", "")
            title = f"{framework.title} with {alone[backend]}" if backend else framework.title
            for runtime in framework.inference:
                found[framework.framework, backend, runtime] = title
    return found
