"""Compile the locks of a target, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from envkeep.errors import CommandError, ToolError
from envkeep.locks import failures, indexes, lockfile, package_index
from envkeep.locks.constraints import constraints_of_exporter, effective_constraints, stack_pins
from envkeep.locks.failures import Failure
from envkeep.locks.lock_set import Locks, entries_of
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.overrides import loosened
from envkeep.locks.torch_builds import TorchBuild, torch_build
from envkeep.paths import REQUIREMENTS, RESOLUTIONS, shown
from envkeep.process import say
from envkeep.project.metadata import project_metadata, python_version
from envkeep.project.named_environments import is_named
from envkeep.project.requirements import (
    Line,
    input_files,
    overrides,
    read_requirements,
    with_included,
)
from envkeep.project.target import Target, locked_alone


class Resolver(Protocol):
    """A resolver: turns the requirements of one target's layers into exact versions."""

    def compile(
        self, sources: Sequence[Path], output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[LockEntry]:
        """Resolve requirements files together and return the entries of their lock.

        Versions that ``output`` already holds are kept unless ``upgrade`` is true. The entries of
        packages that come from PyTorch's index hold the hashes of files from there alone.
        """


ResolverFor = Callable[[Target, TorchBuild | None], Resolver]


UNTOUCHED = "the locks were left as they were"


class NeedsOlderPins(ToolError):
    """Pins of the stack contradict an older version in overrides.txt.

    Attributes:
        lines: What overrides.txt lacks for that.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__(
            "requirements/overrides.txt names older versions than the stack release goes with: add "
            f"to it {' and '.join(f'`{line}`' for line in lines)}, with which all can be locked "
            f"(`make lock ARGS=--loosen` does so); {UNTOUCHED}."
        )


@dataclass(frozen=True)
class _Attempt:
    """One attempt to lock the layers of a target.

    Attributes:
        locks: What is written.
        resolver: What resolves.
        build: The build of torch, if there is one.
        upgrade: Do not keep the versions that the locks hold.
        unchanged: The locks whose own inputs are as they were.
        more: Overrides that no file has yet.
    """

    locks: Locks
    resolver: Resolver
    build: TorchBuild | None
    upgrade: bool
    unchanged: Set[str]
    more: tuple[Line, ...] = ()


def lock(
    target: Target,
    layers: Sequence[str],
    resolver_for: ResolverFor,
    *,
    upgrade: bool,
    only_changed: bool = False,
    top: Path | None = None,
) -> None:
    """Compile all layers in order, each constrained by all earlier ones, and the others alone.

    Args:
        target: What they are for.
        layers: In their order.
        resolver_for: What resolves.
        upgrade: Do not keep the versions that the locks hold.
        only_changed: Leave a lock as it is if what it was compiled from is as it was and the
            earlier locks agree with it: resolving would keep each of its versions.
        top: Where the folders of all targets' locks lie, if not in the project's own place.

    Raises:
        NeedsOlderPins: The layers could be locked with more lines in overrides.txt.
        ToolError: A layer or an exporter cannot be resolved, or not with hashes.
    """
    indexes.refuse_options(target)
    build = torch_build(target)
    if build:
        check_python(build)
    locks = Locks(target, top)
    unchanged = locks.unchanged() if only_changed else set()
    _forget_files_of_other_indexes(locks)
    resolver = resolver_for(target, build)
    attempt = _Attempt(locks, resolver, build, upgrade, unchanged)
    while True:
        try:
            _lock_layers(attempt, layers)
            break
        except NeedsOlderPins as error:
            say(f"That does not go with pins of the stack; trying {' '.join(error.lines)} as well.")
            more = [*attempt.more, *map(Line.of, error.lines)]
            attempt = replace(attempt, more=tuple(more), unchanged=frozenset())
    if attempt.more:
        raise NeedsOlderPins([line.text for line in attempt.more])
    for exporter in locked_alone(target):
        _announce(locks, exporter, stays=exporter in unchanged)
        if exporter not in unchanged:
            _lock_alone(locks, exporter, resolver_for, upgrade=upgrade)
    locks.remove_superseded()


def _forget_files_of_other_indexes(locks: Locks) -> None:
    """Let the locks keep their versions, but no hash, where packages changed their index."""
    if not locks.constraints.exists():
        return
    lines = locks.constraints.read_text(encoding="utf-8").splitlines()
    if [line for line in lines if line.startswith(indexes.TIED)] == indexes.facts(locks.target):
        return
    for file in filter(Path.exists, map(locks.file, locks.names)):
        text = lockfile.without_hashes(file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8", newline="\n")


def _lock_layers(attempt: _Attempt, layers: Sequence[str]) -> None:
    """Compile the layers.

    Raises:
        NeedsOlderPins: A layer could be locked with more lines in overrides.txt.
        ToolError: A layer or an exporter cannot be resolved, or not with hashes.
    """
    locks = attempt.locks
    constraints = effective_constraints(locks.target, attempt.more)
    locks.constraints.write_text(constraints, encoding="utf-8", newline="\n")
    earlier: list[Path] = []
    for layer in layers:
        file, sources = locks.file(layer), input_files(layer, locks.target.backend)
        stays = layer in attempt.unchanged and _agrees(file, earlier)
        _announce(locks, layer, stays=stays)
        if not stays:
            before = entries_of(file) if file.exists() else []
            entries = _compiled(attempt, sources, file, [locks.constraints, *earlier])
            if attempt.build is None:
                _refuse_torch(entries, sources)
            known = [(line.name, line.exact_version) for line in stack_pins(locks.target)]
            new = _new(entries, [*known, *_versions(before)], attempt.build)
            _look_at_new(new, sources, [*overrides(), *attempt.more])
            _write(file, entries, attempt.build, _header(locks.target))
        earlier.append(file)


def _header(target: Target) -> str:
    return f"Made by `make lock` for {target.name}, Python {python_version()}; do not edit."


def _agrees(file: Path, earlier: Sequence[Path]) -> bool:
    """Tell whether no earlier lock names a package of a lock in another version."""
    pins = {entry.name: entry.requirement for path in earlier for entry in entries_of(path)}
    return all(
        pins.get(each.name, each.requirement) == each.requirement for each in entries_of(file)
    )


def _lock_alone(locks: Locks, exporter: str, resolver_for: ResolverFor, *, upgrade: bool) -> None:
    """Compile a lock that no layer constrains: an exporter's, or that of a named environment."""
    target, file = locks.target, locks.file(exporter)
    sources = input_files(exporter, target.backend)
    build = torch_build(target, (exporter,))
    limits = RESOLUTIONS / target.name / f"{exporter}.txt"
    for path in (limits, file):
        path.parent.mkdir(parents=True, exist_ok=True)
    limits.write_text(constraints_of_exporter(target, exporter), encoding="utf-8")
    before = entries_of(file) if file.exists() else []
    resolver = resolver_for(target, build)
    try:
        entries = resolver.compile(sources, file, [limits], upgrade=upgrade)
    except CommandError as error:
        _refuse_without_network(error)
        reason = Failure(error.output, sources).cause() or _clash(exporter, sources, build)
        raise ToolError(f"{reason}; {UNTOUCHED}.") from error
    _refuse_unhashed(entries, sources)
    if build is None:
        _refuse_torch(entries, sources)
    known = [(line.name, line.exact_version) for line in read_requirements(limits)]
    _look_at_new(_new(entries, [*known, *_versions(before)], build), sources, overrides())
    _write(file, entries, build, _header(target))


def _clash(name: str, sources: Sequence[Path], build: TorchBuild | None) -> str:
    """Return the sentence about requirements, locked alone, that contradict each other."""
    if not is_named(name):
        return (
            f"{_named(sources)} does not go together with the stack release's versions for it (the "
            f"resolver's reason is above): name the version you need in requirements/{name}.in"
        )
    torch = (
        f", or with torch {build.version}: if it needs another torch, name that one's exact "
        "version in it, and those of torchvision and torchaudio if it needs them"
        if build
        else ""
    )
    return f"{_named(sources)} contradicts itself (the resolver's reason is above){torch}"


def _announce(locks: Locks, name: str, *, stays: bool) -> None:
    number = f"[{locks.names.index(name) + 1}/{len(locks.names)}]"
    sources = _named(input_files(name, locks.target.backend))
    say(f"{locks.target.name} {number} {sources}{': stays as it is' if stays else ''}")


def _write(file: Path, entries: Sequence[LockEntry], build: TorchBuild | None, header: str) -> None:
    _refuse_foreign(entries, build)
    file.write_text(lockfile.render_lock(entries, header), encoding="utf-8", newline="\n")


def check_python(build: TorchBuild) -> None:
    """Refuse a Python that the stack's torch has no wheels for.

    Raises:
        ToolError: The stack's torch has no wheel of the build for the project's Python.
    """
    target = build.target
    served = target.build["wheels"][target.platform]["pythons"]
    is_of_stack = build.version.partition("+")[0] == project_metadata()["torch"]["version"]
    if is_of_stack and python_version() not in served:
        raise ToolError(
            f"torch has no {target.build['title']} wheel for Python {python_version()} on "
            f"{target.platform}, only for {', '.join(served)}: answer python_version with one of "
            'them (`make update ARGS="--data python_version=..."`).'
        )


def _compiled(
    attempt: _Attempt, sources: Sequence[Path], output: Path, constraints: Sequence[Path]
) -> list[LockEntry]:
    try:
        entries = attempt.resolver.compile(sources, output, constraints, upgrade=attempt.upgrade)
    except CommandError as error:
        _refuse_without_network(error)
        pins = stack_pins(attempt.locks.target, attempt.more)
        failure = Failure(error.output, sources, pins)
        reason = failure.cause()
        lines = loosened(error.output, pins, [*overrides(), *attempt.more])
        if lines and not reason:
            raise NeedsOlderPins(lines) from error
        raise ToolError(f"{reason or failure.contradiction()}; {UNTOUCHED}.") from error
    _refuse_unhashed(entries, sources)
    return entries


def _versions(entries: Iterable[LockEntry]) -> list[tuple[str, str]]:
    return [(entry.name, entry.version) for entry in entries if entry.version]


def _new(
    entries: Sequence[LockEntry], known: Iterable[tuple[str, str]], build: TorchBuild | None
) -> list[tuple[str, str]]:
    """Return the versions that were not known before, each with its package.

    What the stack pins was tried with each of its Pythons; torch's packages are on an index of
    their own.
    """
    apart = build.packages if build else ()
    before = set(known)
    return [each for each in _versions(entries) if each[0] not in apart and each not in before]


def _look_at_new(
    new: Sequence[tuple[str, str]], sources: Sequence[Path], chosen: Iterable[Line]
) -> None:
    """Refuse a version without support for this Python or far too old; note a withdrawn one.

    uv takes a source whatever Pythons it is for, up to the day on which it is to be built. And each
    resolver goes back as far as it must, without a word, where newer releases do not fit.

    Raises:
        ToolError: A version has no file for the project's Python, or one that no line names was
            released long before the newest.
    """
    try:
        found = package_index.fits(new)
    except ToolError:  # the resolver had all from its cache
        return
    without_version = _without_version(sources, chosen)
    for fit in found:
        if fit.has_version and not fit.by:
            raise ToolError(f"{failures.no_wheel(fit)}; {UNTOUCHED}.")
        if fit.name in without_version and failures.is_far_behind(fit):
            place = shown(REQUIREMENTS / without_version[fit.name].name)  # the team's own file
            raise ToolError(f"{failures.far_behind(fit, place)}; {UNTOUCHED}.")
        if fit.yanked is not None:
            say(f"note: {failures.withdrawn(fit)}; take another version.")


def _without_version(sources: Sequence[Path], chosen: Iterable[Line]) -> dict[str, Path]:
    """Return the packages that no line limits to versions, each with the file that asks for it."""
    rows = [
        (line, path)
        for source in sources
        for path in with_included(source)
        for line in read_requirements(path)
    ]
    limited = {line.name for line in (*chosen, *(row[0] for row in rows)) if line.names_version}
    return {line.name: path for line, path in rows if line.name not in limited}


def _refuse_without_network(error: CommandError) -> None:
    if error.is_of_network:
        raise ToolError(
            "the package index cannot be reached (the reason is above): check the network, then "
            "run the command again; the locks were left as they were."
        ) from error


def _refuse_unhashed(entries: Sequence[LockEntry], sources: Sequence[Path]) -> None:
    unhashed = next((entry for entry in entries if not entry.hashes), None)
    if unhashed:
        name = unhashed.name.removeprefix("-e ")
        raise ToolError(
            f"{name} in {_named(sources)} has no hash, because it comes from a repository or a "
            "folder: name a released version or the address of an archive; the locks were left as "
            "they were."
        )


def _refuse_torch(entries: Sequence[LockEntry], sources: Sequence[Path]) -> None:
    """Refuse PyPI's torch in a project without torch of its own."""
    if any(entry.name == "torch" and not entry.address for entry in entries):
        raise ToolError(
            f"{_named(sources)} asks for torch, or for what needs it, and this project has no "
            "torch of its own; PyPI's is for CUDA on Linux, whatever the hardware: if training is "
            'none, answer it with pytorch (`make update ARGS="--data training=pytorch"`), else '
            "name a wheel there (`torch @ https://...`); the locks were left as they were."
        )


def _named(sources: Sequence[Path]) -> str:
    return " with ".join(map(shown, sources))


def _refuse_foreign(entries: Sequence[LockEntry], build: TorchBuild | None) -> None:
    """Refuse a package of torch in another version than its build has."""
    pins = build.pins if build else {}
    for entry in entries:
        if entry.name in pins and entry.version != pins[entry.name]:
            raise ToolError(
                f"{entry.requirement} is not the build {pins[entry.name]}; name its version "
                "without a label, the locks were left as they were."
            )
