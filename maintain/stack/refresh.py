"""Resolve the stack release again: rewrite its constraints and tools, check its catalog.

Every pin is taken anew, the newest that the cutoff and the other packages admit: in
stack/constraints.txt what stands above the hardware, in stack/constraints/<build>.txt what a build
of torch adds, in stack/exporters/<exporter>.txt what an exporter has instead. The same inputs and
indexes give the same bytes. It reports which pins moved, and for every package that is
older than its newest release, why.

With `--keep` a pin stays where the indexes have it, it was uploaded before the cutoff and still
fits. So a new requirement gets its pins and nothing else moves; with `--check` it proves the pins
that are there, whatever the indexes showed later.

Every row of the hardware catalog is compared with the indexes. A row that differs is an error; one
that could not be compared, as PyTorch's index cannot be reached from everywhere, is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from envkeep.locks.failures import FAR_BEHIND
from maintain.files import replace_files
from maintain.stack.checks import check_rows
from maintain.stack.data import StackError, offered_pythons, oldest
from maintain.stack.generated import (
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
from maintain.stack.held_back import Resolution, explain
from maintain.stack.index import Index, pypi
from maintain.stack.pins import (
    Pin,
    by_name,
    diff_pins,
    parse_pins,
    set_release_values,
    versions_text,
)
from maintain.stack.report import Reporter
from maintain.stack.resolver import Resolver, Unresolvable, find_uv
from maintain.stack.rows import Release
from maintain.stack.torch_requirements import common_requirements

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

    @property
    def has_dates(self) -> bool:
        """Whether files have the day of their upload; those in a folder have none."""
        return not self.options


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
    if indexes.has_dates:
        refuse_fallen_back(resolver, inputs.requirements, by_name(parse_pins(fresh[COMMON])))
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


def refuse_fallen_back(
    resolver: Resolver,
    requirements: Sequence[str],
    pins: Mapping[NormalizedName, Sequence[Pin]],
) -> None:
    """Refuse a pin that no row limits and that had a successor a long time before the cutoff.

    Raises:
        StackError: A package of requirements.yml fell back to an old version.
    """
    rows = map(Requirement, requirements)
    wanted = sorted({canonicalize_name(row.name) for row in rows if not row.specifier})
    earlier = replace(resolver, cutoff=resolver.cutoff - timedelta(days=FAR_BEHIND))
    newest = resolver.newest(wanted, resolver.python)
    for name in (each for each in wanted if pins[each][-1].version < newest[each]):
        try:
            then = earlier.newest([name], resolver.python)[name]
        except Unresolvable:  # a year ago it was not there
            continue
        if pins[name][-1].version < then:
            raise StackError(
                f"stack/requirements.yml: {name} fell back to {pins[name][-1].version}, and "
                f"{then} was there {FAR_BEHIND} days before the cutoff; give its row a floor, "
                f'such as ">={newest[name]}", to see what stands against it.'
            )


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
