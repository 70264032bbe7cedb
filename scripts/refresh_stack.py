"""Resolve the stack release again: rewrite its constraints and tools, check its catalog.

    python scripts/refresh_stack.py [--cutoff YYYY-MM-DD] [--torch X.Y.Z] [--keep] [--check]

Every pin is taken anew, the newest that the cutoff and the other packages admit: in
stack/constraints.txt what stands above the hardware, in stack/constraints/<build>.txt what a build
of torch adds, in stack/exporters/<exporter>.txt what an exporter has instead. The same inputs and
indexes give the same bytes. The command reports which pins moved, and for every package that is
older than its newest release, why.

With `--keep` a pin stays where the indexes have it, it was uploaded before the cutoff and still
fits. So a new requirement gets its pins and nothing else moves; with `--check` it proves the pins
that are there, whatever the indexes showed later.

Every row of the hardware catalog is compared with the indexes. A row that differs is an error; one
that could not be compared, as PyTorch's index cannot be reached from everywhere, is reported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# `python scripts/refresh_stack.py` puts scripts/ on the path, not the folder above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.stack_checks import check_rows
from scripts.stack_data import StackError, offered_pythons, oldest
from scripts.stack_files import (
    COMMON,
    OF_BUILDS,
    OF_EXPORTERS,
    TOOLS,
    Inputs,
    check_cutoff,
    check_pythons,
    load_inputs,
    render_files,
    stack_uv,
)
from scripts.stack_index import Index, pypi
from scripts.stack_pins import (
    Pin,
    by_name,
    diff_pins,
    parse_pins,
    set_release_values,
    versions_text,
)
from scripts.stack_report import Reporter
from scripts.stack_resolver import Resolver, find_uv
from scripts.stack_rows import Release
from scripts.stack_torch import common_requirements
from scripts.stack_why import Resolution, explain

STACK = Path(__file__).resolve().parent.parent / "stack"
REMOVED = ""  # the text of a generated file that is no longer made


@dataclass(frozen=True)
class Indexes:
    """Where packages are looked up.

    Attributes:
        pypi: PyPI.
        torch: Base address of PyTorch's indexes; by default that of the release.
        options: Options of uv that replace PyPI.
    """

    pypi: Index = field(default_factory=pypi)
    torch: str | None = None
    options: tuple[str, ...] = ()


def replace_files(contents: Mapping[Path, str]) -> None:
    """Write files so that none is ever half-written: all beside their places, then all renamed.

    Raises:
        StackError: A file cannot be written; none has changed then.
    """
    siblings = {path: path.with_name(f".{path.name}.new") for path in contents}
    try:
        for path, text in contents.items():
            siblings[path].write_text(text, encoding="utf-8", newline="\n")
        for path, sibling in siblings.items():
            sibling.replace(path)
    except OSError as error:
        raise StackError(f"{error.filename} cannot be written: {error.strerror}.") from None
    finally:
        for sibling in siblings.values():
            sibling.unlink(missing_ok=True)


def refresh(
    stack: Path,
    reporter: Reporter,
    *,
    values: Mapping[str, str],
    check: bool,
    keep: bool = False,
    indexes: Indexes | None = None,
) -> bool:
    """Make the generated files again and write those that changed.

    Args:
        stack: The folder with the data files.
        reporter: Where to say what is done.
        values: New values of release.yml, by key.
        check: Whether to write nothing and to compare only.
        keep: Whether pins stay where they still fit, instead of moving to the newest release.
        indexes: Where packages are looked up, for tests.

    Returns:
        Whether the files on disk were up to date before.

    Raises:
        StackError: An input is wrong, a row of the catalog differs from the indexes, or uv failed;
            nothing is written then.
    """
    indexes = indexes or Indexes()
    release_text = set_release_values(_read(stack / "release.yml"), values)
    inputs = load_inputs(stack)
    inputs = replace(inputs, release=_with_values(inputs.release, values))
    if keep:
        inputs = replace(inputs, kept=present_files(stack))
    check_cutoff(inputs.release.cutoff, datetime.now(UTC).date())
    resolver = _resolver(inputs, indexes, reporter)
    _check_catalog(inputs, indexes, reporter)
    fresh = {"release.yml": release_text, **render_files(resolver, inputs)}
    fresh.update(dict.fromkeys(_left_over(stack, fresh), REMOVED))
    changed = {name: text for name, text in fresh.items() if _read(stack / name) != text}
    _report_changes(stack, fresh, changed, reporter)
    if not check:
        _report_held_back(resolver, inputs, fresh, reporter)
        _write(stack, changed)
        reporter.line(f"wrote {', '.join(changed)}" if changed else "nothing to write")
    return not changed


def _resolver(inputs: Inputs, indexes: Indexes, reporter: Reporter) -> Resolver:
    """Make a resolver that knows what every build of torch asks for, and nothing more."""
    torch = inputs.release.torch
    python = oldest(offered_pythons(inputs.pythons))
    resolver = Resolver(find_uv(), inputs.release.cutoff, python, indexes.options)
    resolver = stack_uv(resolver, inputs)
    reporter.line(f"resolving with uv {resolver.version()}, cutoff {inputs.release.cutoff}")
    check_pythons(resolver, inputs)
    common = common_requirements(indexes.pypi, torch, inputs.catalog)
    return resolver.knowing("torch", torch, common)


def _write(stack: Path, changed: Mapping[str, str]) -> None:
    for folder in (OF_BUILDS, OF_EXPORTERS):
        (stack / folder).mkdir(exist_ok=True)
    replace_files({stack / name: text for name, text in changed.items() if text != REMOVED})
    for name, text in changed.items():
        if text == REMOVED:
            (stack / name).unlink()


def _check_catalog(inputs: Inputs, indexes: Indexes, reporter: Reporter) -> None:
    torch_index = indexes.torch or inputs.release.torch_index
    findings = list(check_rows(inputs, indexes.pypi, torch_index))
    columns = ("row", "compared with", "what", "result")
    reporter.table("rows of the catalog", columns, [each.cells for each in findings])
    wrong = sorted({each.row for each in findings if each.differs})
    if wrong:
        raise StackError(
            f"The catalog differs from the indexes in {', '.join(wrong)}; correct these rows."
        )


def _left_over(stack: Path, fresh: Mapping[str, str]) -> list[str]:
    """List the pins of builds and exporters that the data no longer have."""
    folders = [stack / each for each in (OF_BUILDS, OF_EXPORTERS)]
    paths = [path for folder in folders for path in folder.glob("*.txt")]
    found = sorted(path.relative_to(stack).as_posix() for path in paths)
    return [name for name in found if name not in fresh]


def _report_changes(
    stack: Path, fresh: Mapping[str, str], changed: Mapping[str, str], reporter: Reporter
) -> None:
    if "release.yml" in changed:
        reporter.line("release.yml: the given values are new")
    for name in (name for name in fresh if name != "release.yml"):
        diff = diff_pins(_present_pins(stack, name), parse_pins(fresh[name]))
        moved = [
            (move.name, move.old, move.new, "major" if move.major else "") for move in diff.moved
        ]
        reporter.table(f"moved in {name}", ("package", "old", "new", ""), moved)
        reporter.table(f"added to {name}", ("package",), [(pin,) for pin in diff.added])
        reporter.table(f"removed from {name}", ("package",), [(pin,) for pin in diff.removed])
        if name in changed and not diff:
            reporter.line(f"{name}: the pins are the same, other lines differ")


def present_files(stack: Path) -> dict[str, str]:
    """Read the generated files that are there, by path below the stack's folder.

    Raises:
        StackError: One of them is no list of pins.
    """
    names = sorted(path.relative_to(stack).as_posix() for path in stack.rglob("*.txt"))
    return {name: _read(stack / name) for name in names if _present_pins(stack, name)}


def _present_pins(stack: Path, name: str) -> list[Pin]:
    try:
        return parse_pins(_read(stack / name))
    except StackError as error:
        raise StackError(f"stack/{name}: {error} Delete the file and run again.") from None


def _report_held_back(
    resolver: Resolver, inputs: Inputs, fresh: Mapping[str, str], reporter: Reporter
) -> None:
    wanted: dict[str, tuple[Sequence[str], str]] = {COMMON: (inputs.requirements, "")}
    wanted |= {f"{name}.txt": (inputs.tools[name], fresh[COMMON]) for name in TOOLS}
    for name, (requirements, constraints) in wanted.items():
        resolution = Resolution(requirements, constraints, by_name(parse_pins(fresh[name])))
        rows = _held_back(resolver, resolution, inputs.pythons[0], reporter)
        direct = {canonicalize_name(Requirement(each).name) for each in requirements}
        rows.sort(key=lambda row: (row[0] not in direct, row[0]))
        columns = ("package", "pin", "newest", "why")
        reporter.table(f"older than the newest release, in {name}", columns, rows)


def _held_back(
    resolver: Resolver, resolution: Resolution, newest_python: str, reporter: Reporter
) -> list[tuple[str, str, str, str]]:
    newest = resolver.newest(resolution.pins, newest_python)
    behind = resolution.behind(newest)
    return [
        (
            name,
            versions_text(resolution.pins[name]),
            str(newest[name]),
            explain(resolver, resolution, name, newest[name]),
        )
        for name in reporter.steps(behind, "asking why the newest is not taken:")
    ]


def _with_values(release: Release, values: Mapping[str, str]) -> Release:
    cutoff = date.fromisoformat(values["cutoff"]) if "cutoff" in values else release.cutoff
    torch = values.get("torch", release.torch)
    return release.model_copy(update={"cutoff": cutoff, "torch": torch})


def _read(path: Path) -> str:
    # The generated files do not exist before the first refresh.
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from None


def _release_of_torch(text: str) -> str:
    try:
        version = Version(text)
    except InvalidVersion:
        raise argparse.ArgumentTypeError(f"{text!r} is no version; write X.Y.Z") from None
    if version.is_prerelease or version.local:
        raise argparse.ArgumentTypeError(f"{text!r} is no final release without a label")
    return str(version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when all is well, 1 when `--check` found a difference, 2 after a failure.
    """
    parser = argparse.ArgumentParser(description="Resolve the stack release again.")
    parser.add_argument("--cutoff", type=_day, help="last day of uploads (YYYY-MM-DD)")
    parser.add_argument("--torch", type=_release_of_torch, help="version of torch (X.Y.Z)")
    parser.add_argument("--keep", action="store_true", help="move no pin that still fits")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if files differ")
    options = parser.parse_args(arguments)
    given = {"cutoff": options.cutoff, "torch": options.torch}
    values = {key: value for key, value in given.items() if value}
    try:
        up_to_date = refresh(
            STACK, Reporter(), values=values, check=options.check, keep=options.keep
        )
    except StackError as error:
        print(f"refresh_stack: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("refresh_stack: stopped before it was done; run it again.", file=sys.stderr)
        return 130
    if options.check and not up_to_date:
        print("refresh_stack: the files differ; run scripts/refresh_stack.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
