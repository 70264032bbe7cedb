# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Compile the locks of a target, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from . import lock_format
from .backends import Target
from .constraints import effective_constraints, stack_pins
from .errors import CommandError, ToolError
from .lock_format import Entry
from .locks import Locks
from .older_overrides import loosened
from .paths import shown
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
    target: Target, layers: Sequence[str], resolver_for: ResolverFor, *, upgrade: bool
) -> None:
    """Compile all layers in order, each constrained by all earlier ones.

    Raises:
        ToolError: A layer cannot be resolved, or not with hashes.
    """
    build = torch_build(target)
    if build:
        check_python(build)
    locks = Locks(target)
    resolver = resolver_for(target, build)
    locks.constraints.write_text(effective_constraints(target), encoding="utf-8", newline="\n")
    header = f"Made by `make lock` for {target.name}, Python {python_version()}; do not edit."
    constraints = [locks.constraints]
    for number, layer in enumerate(layers, start=1):
        sources = input_files(layer, target.backend)
        say(f"{target.name} [{number}/{len(layers)}] {_named(sources)}")
        file = locks.file(layer)
        entries = _compiled(target, resolver, sources, file, constraints, upgrade=upgrade)
        _refuse_foreign(entries, build)
        text = lock_format.render(entries, header)
        locks.file(layer).write_text(text, encoding="utf-8", newline="\n")
        constraints.append(locks.file(layer))


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
    unhashed = next((entry for entry in entries if not entry.hashes), None)
    if unhashed:
        name = unhashed.requirement.removeprefix("-e ").split(" @ ")[0]
        raise ToolError(
            f"{name} in {_named(sources)} has no "
            "hash, because it comes from a repository or a folder: name a released version or the "
            "address of an archive; the locks were left as they were."
        )
    return entries


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
