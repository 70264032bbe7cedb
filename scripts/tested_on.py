"""Collect from test results what was proved on which hardware, and write the page about it.

    python scripts/tested_on.py [RESULTS.xml ...] [--check]

Tests that prove something about a build of torch on a platform record it as a property
``tested_on``; ``make test-all`` keeps the results as JUnit XML. This command takes what passed,
merges it into stack/tested_on.yml and writes docs/reference/tested-on.md. What was found with
another torch, or for a row that the catalog no longer has, is dropped.
"""

from __future__ import annotations

import argparse
import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Protocol

import yaml
from packaging.version import Version

# `python scripts/tested_on.py` puts scripts/ on the path, not the folder above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.refresh_stack import replace_files
from scripts.stack_catalog import Catalog, load_catalog
from scripts.stack_data import StackError, load_pythons, load_release, offered_pythons
from scripts.stack_rows import Build

ROOT = Path(__file__).resolve().parent.parent
PROPERTY = "tested_on"
NOT_PASSED = ("failure", "error", "skipped")
RESULTS = ("resolved", "run")  # the later outranks the earlier
DATA = Path("stack/tested_on.yml")
PAGE = Path("docs/reference/tested-on.md")

HEADER = """\
# What the tests proved, one row per build of torch, platform and Python.
# Made by scripts/tested_on.py from test results; do not edit.
"""
INTRODUCTION = """\
<!-- Made by scripts/tested_on.py from test results; do not edit. -->
# Tested on

Every build of torch in the stack release, on every platform that it has wheels for, with every
Python that the template offers. The rows come from the results of the template's own tests, with
the day of the newest test that passed; nobody writes them by hand.

- **run**: a project was rendered for this build and installed on this platform with its hardware,
  and the example was trained there.
- **resolved**: the project's locks for this build, platform and Python were compiled by the real
  resolver, and torch's build, its helper packages, the order of the layers and the hashes were
  checked; nothing was installed. PyTorch's index cannot be reached from where the tests run: stub
  wheels with the published names, versions, tags and dependencies stood for its packages, all
  others came from PyPI itself.
- **not tested**: neither has been done with this version of torch.
- **no wheel**: torch has no wheel of this build for that Python.
"""
ABOUT_CONDA = """
## From conda-forge

conda-forge cannot be reached from where the tests run. An environment of Python and pip, repacked
into a local channel, is solved, made and filled from the locks there; what else `environment.yml`
can list is only read, as conda reads it.
"""


class Collect(Protocol):
    """What merges results into files."""

    def __call__(self, results: Iterable[Path], root: Path, *, write: bool) -> list[Path]:
        """Return the files that changed, or would."""


class ResultError(Exception):
    """What is wrong with a file of results, in one sentence."""


@dataclass(frozen=True)
class Cell:
    """A build of torch on a platform with one Python.

    Attributes:
        build: Name of the build in the catalog.
        platform: Name of the platform in the catalog.
        python: ``major.minor``.
        torch: torch's version with the build's label.
    """

    build: str
    platform: str
    python: str
    torch: str


CELL = tuple(field.name for field in fields(Cell))


@dataclass(frozen=True)
class Proof:
    """What was found about a cell: ``run`` or ``resolved``, and on which day."""

    cell: Cell
    result: str
    date: str

    @property
    def _rank(self) -> tuple[int, str]:
        return RESULTS.index(self.result), self.date

    def better(self, other: Proof | None) -> Proof:
        """Return which of two proofs of a cell to keep: the stronger, then the newer one."""
        return self if other is None or self._rank > other._rank else other


@dataclass(frozen=True)
class Stack:
    """The parts of the stack release that the table is made of.

    Attributes:
        torch: Version of torch without a label.
        pythons: The Pythons that the template offers, newest first.
        catalog: Builds, platforms and backends.
    """

    torch: str
    pythons: tuple[str, ...]
    catalog: Catalog

    @classmethod
    def of(cls, folder: Path) -> Stack:
        """Read the stack release.

        Raises:
            StackError: One of its files is wrong.
        """
        offered = sorted(offered_pythons(load_pythons(folder)), key=Version, reverse=True)
        return cls(load_release(folder).torch, tuple(offered), load_catalog(folder))

    def rows(self) -> Iterator[tuple[Build, str]]:
        """Yield every build with each platform that it has wheels for, in the catalog's order."""
        for build in self.catalog.builds:
            for platform in build.wheels:
                yield build, platform

    def cells(self) -> list[Cell]:
        """Return all cells that torch has a wheel for, in the catalog's order."""
        return [
            self.cell(build, platform, python)
            for build, platform in self.rows()
            for python in self.pythons
            if python in build.wheels[platform].pythons
        ]

    def cell(self, build: Build, platform: str, python: str) -> Cell:
        """Return one cell."""
        return Cell(
            build.build, platform, python, self.torch + build.wheels[platform].local_version
        )

    def heads(self, build: Build, platform: str) -> list[str]:
        """Return the first columns of a build and a platform: titles, and torch's version."""
        backend = next(row for row in self.catalog.backends if row.backend == build.backend)
        torch = f"`{self.torch}{build.wheels[platform].local_version}`"
        return [backend.title, build.title, self.catalog.platform(platform).title, torch]


def read_results(path: Path) -> Iterator[Proof]:
    """Yield what the passed tests of a run recorded about hardware.

    Args:
        path: A file that pytest wrote with ``--junit-xml``.

    Raises:
        ResultError: It is missing, or not such a file.
    """
    return (_proof(path, text, day) for text, day in recorded(path, PROPERTY))


def recorded(path: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield what the passed tests of a run recorded under a name, and the day of the run.

    Args:
        path: A file that pytest wrote with ``--junit-xml``.
        name: The property.

    Raises:
        ResultError: The file is missing, or not such a file.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}.") from None
    except ElementTree.ParseError as error:
        raise ResultError(f"{path} is not JUnit XML: {error}.") from None
    for suite in root.iter("testsuite"):
        day = _day(path, suite.get("timestamp", ""))
        for test in suite.iter("testcase"):
            if not any(test.find(outcome) is not None for outcome in NOT_PASSED):
                yield from ((text, day) for text in _values(test, name))


def read_known(path: Path) -> Iterator[Proof]:
    """Yield the rows of the data file.

    Raises:
        ResultError: The file is damaged.
    """
    try:
        for row in yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else ():
            yield Proof(Cell(*(row[name] for name in CELL)), row["result"], row["date"])
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ResultError(
            f"{path.name} is damaged ({error}); restore it with `git checkout -- {DATA}`."
        ) from None


def merge(proofs: Iterable[Proof], cells: Iterable[Cell]) -> dict[Cell, Proof]:
    """Keep the best proof of each cell that there is, in the order of the cells."""
    best: dict[Cell, Proof] = {}
    for proof in proofs:
        best[proof.cell] = proof.better(best.get(proof.cell))
    return {cell: best[cell] for cell in cells if cell in best}


def render_data(proofs: Mapping[Cell, Proof]) -> str:
    """Return the text of the data file."""
    rows = [
        {**asdict(cell), "result": proof.result, "date": proof.date}
        for cell, proof in proofs.items()
    ]
    return HEADER + yaml.safe_dump(rows, sort_keys=False, width=200)


def render_page(proofs: Mapping[Cell, Proof], stack: Stack) -> str:
    """Return the text of the page: a row for each build and platform, a column for each Python."""
    columns = ["for", "build", "platform", "torch", *(f"Python {each}" for each in stack.pythons)]
    lines = [line(columns), line(["---"] * len(columns))]
    for build, platform in stack.rows():
        said = [_said(build, stack.cell(build, platform, each), proofs) for each in stack.pythons]
        lines.append(line([*stack.heads(build, platform), *said]))
    conda = ("package", "for", "result"), ("---", "---", "---"), *_of_conda(stack)
    return "\n".join([INTRODUCTION, *lines, ABOUT_CONDA, *map(line, conda)]) + "\n"


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Collect, and write both files, or with ``--check`` tell whether they would change."""
    return collect_by_command(__doc__, collect, argv, root)


def collect_by_command(
    about: str | None, collect: Collect, argv: Sequence[str] | None, root: Path
) -> int:
    """Read the command line of a page that test results write, and write the page.

    Args:
        about: What the command does, in its first line.
        collect: What merges results into files and returns those that changed, or would.
        argv: The command line; by default that of the process.
        root: This repository.

    Returns:
        0, or 1 after an error or if ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("results", nargs="*", type=Path, metavar="RESULTS.xml")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would")
    arguments = parser.parse_args(argv)
    try:
        changed = collect(arguments.results, root, write=not arguments.check)
    except (ResultError, StackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path in changed:
        print(f"{'differs' if arguments.check else 'written'}: {path}")
    return 1 if arguments.check and changed else 0


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
        StackError: The catalog is wrong, or a file cannot be written.
    """
    stack = Stack.of(root / "stack")
    proofs = [*read_known(root / DATA), *(each for path in results for each in read_results(path))]
    best = merge(proofs, stack.cells())
    texts = {DATA: render_data(best), PAGE: render_page(best, stack)}
    changed = [path for path, text in texts.items() if _text(root / path) != text]
    if write:
        replace_files({root / path: texts[path] for path in changed})
    return changed


def _values(test: ElementTree.Element, name: str) -> list[str]:
    found = test.iterfind("properties/property")
    return [each.get("value", "") for each in found if each.get("name") == name]


def _proof(path: Path, text: str, day: str) -> Proof:
    try:
        facts = json.loads(text)
        proof = Proof(Cell(*(str(facts[name]) for name in CELL)), facts["result"], day)
    except (ValueError, TypeError, KeyError):
        raise ResultError(f"{path}: a test recorded {text!r}, which says no result.") from None
    if proof.result not in RESULTS:
        raise ResultError(f"{path}: {proof.result!r} is none of {', '.join(RESULTS)}.")
    return proof


def _day(path: Path, timestamp: str) -> str:
    try:
        return date.fromisoformat(timestamp[:10]).isoformat()
    except ValueError:
        raise ResultError(f"{path}: a test suite does not say when it ran.") from None


def _said(build: Build, cell: Cell, proofs: Mapping[Cell, Proof]) -> str:
    if cell.python not in build.wheels[cell.platform].pythons:
        return "no wheel"
    proof = proofs.get(cell)
    return f"{proof.result}, {proof.date}" if proof else "not tested"


def _of_conda(stack: Stack) -> Iterator[tuple[str, str, str]]:
    for build in stack.catalog.builds:
        for spec in build.conda_libraries:
            yield f"`{spec}`", build.title, "not tested"


def line(values: Iterable[str]) -> str:
    """Return a line of a table in Markdown."""
    return f"| {' | '.join(values)} |"


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
