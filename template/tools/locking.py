# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Compile the locks of a target, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from . import lock_format
from .backends import Target, exporters_of
from .constraints import constraints_of_exporter, effective_constraints, stack_pins
from .errors import CommandError, ToolError
from .lock_format import Entry
from .locks import Locks
from .older_overrides import loosened
from .paths import RESOLUTIONS, shown
from .project import facts, python_version
from .requirements import input_files, overrides
from .run import say
from .torch_builds import TorchBuild, torch_build


class Resolver(Protocol):
    """What turns the requirements of one target's layers into exact versions."""

    def compile(
        self, sources: Sequence[Path], output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[Entry]:
        """Resolve requirements files together and return the entries of their lock.

        Versions that ``output`` already holds are kept unless ``upgrade`` is true. The entries of
        packages that come from PyTorch's index hold the hashes of files from there alone.
        """


ResolverFor = Callable[[Target, TorchBuild | None], Resolver]


def lock(
    target: Target,
    layers: Sequence[str],
    resolver_for: ResolverFor,
    *,
    upgrade: bool,
    only_changed: bool = False,
    top: Path | None = None,
) -> None:
    """Compile all layers in order, each constrained by all earlier ones, then each exporter alone.

    Args:
        target: What they are for.
        layers: In their order.
        resolver_for: What resolves.
        upgrade: Do not keep the versions that the locks hold.
        only_changed: Leave a lock as it is if what it was compiled from is as it was and the
            earlier locks agree with it: resolving would keep each of its versions.
        top: Where the folders of all targets' locks lie, if not in the project's own place.

    Raises:
        ToolError: One of them cannot be resolved, or not with hashes.
    """
    build = torch_build(target)
    if build:
        check_python(build)
    locks = Locks(target, top)
    unchanged = locks.unchanged() if only_changed else set()
    resolver = resolver_for(target, build)
    locks.constraints.write_text(effective_constraints(target), encoding="utf-8", newline="\n")
    header = f"Made by `make lock` for {target.name}, Python {python_version()}; do not edit."
    earlier: list[Path] = []
    for layer in layers:
        file, sources = locks.file(layer), input_files(layer, target.backend)
        stays = layer in unchanged and _agrees(file, earlier)
        _announce(locks, layer, stays=stays)
        if not stays:
            limits = [locks.constraints, *earlier]
            entries = _compiled(target, resolver, sources, file, limits, upgrade=upgrade)
            if build is None:
                _refuse_torch(entries, sources)
            _write(file, entries, build, header)
        earlier.append(file)
    for exporter in exporters_of(target):
        _announce(locks, exporter, stays=exporter in unchanged)
        if exporter not in unchanged:
            _lock_alone(locks, exporter, resolver_for, header, upgrade=upgrade)


def _agrees(file: Path, earlier: Sequence[Path]) -> bool:
    """Tell whether no earlier lock names a package of a lock in another version."""
    pins = {entry.name: entry.requirement for path in earlier for entry in _entries(path)}
    return all(pins.get(each.name, each.requirement) == each.requirement for each in _entries(file))


def _entries(file: Path) -> list[Entry]:
    return lock_format.parse(file.read_text(encoding="utf-8"))


def _lock_alone(
    locks: Locks, exporter: str, resolver_for: ResolverFor, header: str, *, upgrade: bool
) -> None:
    """Compile the lock of an exporter, which no layer constrains."""
    target, file = locks.target, locks.file(exporter)
    sources = input_files(exporter, target.backend)
    build = torch_build(target, (exporter,))
    limits = RESOLUTIONS / target.name / f"{exporter}.txt"
    for path in (limits, file):
        path.parent.mkdir(parents=True, exist_ok=True)
    limits.write_text(constraints_of_exporter(target, exporter), encoding="utf-8")
    resolver = resolver_for(target, build)
    try:
        entries = resolver.compile(sources, file, [limits], upgrade=upgrade)
    except CommandError as error:
        _refuse_without_network(error)
        raise ToolError(
            f"{_named(sources)} does not go together with the stack release's versions for it (the "
            f"resolver's reason is above): name the version you need in requirements/{exporter}.in"
            "; the locks were left as they were."
        ) from error
    _refuse_unhashed(entries, sources)
    _write(file, entries, build, header)


def _announce(locks: Locks, name: str, *, stays: bool) -> None:
    number = f"[{locks.names.index(name) + 1}/{len(locks.names)}]"
    sources = _named(input_files(name, locks.target.backend))
    say(f"{locks.target.name} {number} {sources}{': stays as it is' if stays else ''}")


def _write(file: Path, entries: Sequence[Entry], build: TorchBuild | None, header: str) -> None:
    _refuse_foreign(entries, build)
    file.write_text(lock_format.render(entries, header), encoding="utf-8", newline="\n")


def check_python(build: TorchBuild) -> None:
    """Refuse a Python that the stack's torch has no wheels for.

    Raises:
        ToolError: There are none for this build and platform.
    """
    target = build.target
    served = target.build["wheels"][target.platform]["pythons"]
    is_of_stack = build.version.partition("+")[0] == facts()["torch"]["version"]
    if is_of_stack and python_version() not in served:
        raise ToolError(
            f"torch has no {target.build['title']} wheel for Python {python_version()} on "
            f"{target.platform}, only for {', '.join(served)}: answer python_version with one of "
            'them (`make update ARGS="--data python_version=..."`).'
        )


def _compiled(
    target: Target,
    resolver: Resolver,
    sources: Sequence[Path],
    output: Path,
    constraints: Sequence[Path],
    *,
    upgrade: bool,
) -> list[Entry]:
    try:
        entries = resolver.compile(sources, output, constraints, upgrade=upgrade)
    except CommandError as error:
        _refuse_without_network(error)
        lines = loosened(error.output, stack_pins(target), overrides())
        if lines:
            raise ToolError(
                f"requirements/overrides.txt names older versions than {_named(sources)} and the "
                "stack release go with (the resolver's reason is above): add to it "
                f"{' and '.join(f'`{line}`' for line in lines)}; the locks were left as they were."
            ) from error
        raise ToolError(
            f"{_named(sources)} does not go together with the earlier layers and the stack "
            "release (the resolver's reason is above): change that file, or name the version "
            "you need in requirements/overrides.txt; the locks were left as they were."
        ) from error
    _refuse_unhashed(entries, sources)
    return entries


def _refuse_without_network(error: CommandError) -> None:
    if error.is_of_network:
        raise ToolError(
            "the package index cannot be reached (the reason is above): check the network, then "
            "run the command again; the locks were left as they were."
        ) from error


def _refuse_unhashed(entries: Sequence[Entry], sources: Sequence[Path]) -> None:
    unhashed = next((entry for entry in entries if not entry.hashes), None)
    if unhashed:
        name = unhashed.requirement.removeprefix("-e ").split(" @ ")[0]
        raise ToolError(
            f"{name} in {_named(sources)} has no hash, because it comes from a repository or a "
            "folder: name a released version or the address of an archive; the locks were left as "
            "they were."
        )


def _refuse_torch(entries: Sequence[Entry], sources: Sequence[Path]) -> None:
    """Stop if a project without torch of its own got what PyPI calls torch."""
    if any(entry.name == "torch" and "@" not in entry.requirement for entry in entries):
        raise ToolError(
            f"{_named(sources)} asks for torch, or for what needs it, and this project has no "
            "torch of its own; PyPI's is for CUDA on Linux, whatever the hardware: if training is "
            'none, answer it with pytorch (`make update ARGS="--data training=pytorch"`), else '
            "name a wheel there (`torch @ https://...`); the locks were left as they were."
        )


def _named(sources: Sequence[Path]) -> str:
    return " with ".join(map(shown, sources))


def _refuse_foreign(entries: Sequence[Entry], build: TorchBuild | None) -> None:
    """Stop if one of torch's packages came in another version than its build has."""
    pins = build.pins if build else {}
    for entry in entries:
        if entry.name in pins and entry.requirement != f"{entry.name}=={pins[entry.name]}":
            raise ToolError(
                f"{entry.requirement} is not the build {pins[entry.name]}; name its version "
                "without a label, the locks were left as they were."
            )
