"""``uv.lock``: made from the layers' locks, and proved equal to them.

uv resolves all groups at once, so a group could move what another one has. That is why the layers
decide: each version that they have is given to uv for a first resolution, whose result a second one
keeps. What uv then exports for each target must be what its layers have.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from envkeep.errors import CommandError, ToolError
from envkeep.locks import uv_project
from envkeep.locks.lock_set import Locks, entries_of, pinned
from envkeep.locks.uv_project import UvProject, marker_of
from envkeep.paths import LOCKS, PYPROJECT, ROOT, UV_LOCK
from envkeep.process import run, say
from envkeep.project.metadata import python_version
from envkeep.project.requirements import (
    PRODUCTION_LAYERS,
    layers,
    lines_of,
)
from envkeep.project.target import Target, targets
from envkeep.toolchain import interpreters, locking_tools

EXPORT = ("export", "--frozen", "--quiet", "--no-hashes", "--no-annotate", "--no-header")
AGAIN = "run `make lock`"


def locked_targets(top: Path | None = None) -> tuple[Target, ...]:
    """Return the targets that have locks, in the project or in another folder of locks."""
    places = [LOCKS, *([top] if top else [])]
    return tuple(
        each for each in targets() if any((place / each.name).exists() for place in places)
    )


def write(top: Path) -> None:
    """Make ``pyproject.toml`` and ``uv.lock`` beside the new locks in a stand-in for the project.

    Args:
        top: The folder of the new locks of all targets there.

    Raises:
        ToolError: uv finds no resolution, or another one than the layers have.
    """
    folder = top.parents[len(LOCKS.relative_to(ROOT).parts) - 1]
    project = UvProject(locked_targets(top), top)
    text, _ = uv_project.read()
    wanted = uv_project.with_block(text, project.text())
    if wanted == text and UV_LOCK.exists() and not problems(project, ROOT):
        return
    say(f"Writing {UV_LOCK.name}: the same versions, for uv.")
    if UV_LOCK.exists():
        shutil.copy2(UV_LOCK, folder / UV_LOCK.name)
    file = folder / PYPROJECT.name
    pins, of_groups = _pins(project)
    file.write_text(uv_project.with_block(text, project.text(pins, of_groups)), encoding="utf-8")
    _lock(folder)
    file.write_text(wanted, encoding="utf-8", newline="\n")
    _lock(folder)
    wrong = problems(project, folder)
    if wrong:
        raise ToolError(
            f"uv does not resolve to what the layers have, and the locks were left as they were: "
            f"{wrong[0]}."
        )


def problems(project: UvProject, folder: Path) -> list[str]:
    """Return how ``uv.lock`` differs from the layers' locks, as the ends of sentences.

    Args:
        project: What uv knows, and where the locks lie.
        folder: Where ``uv.lock`` lies.
    """
    found: list[str] = []
    for backend in project.backends:
        for chosen in (layers(), PRODUCTION_LAYERS):
            if not {*chosen} <= {*layers()}:
                continue
            lines = _exported(folder, project.names(backend, chosen))
            if lines is None:
                return ["uv cannot read it, or it has other groups"]
            for target in project.of_backend(backend):
                found += _differences(lines, target, Locks(target, project.locks), chosen)
    return found


def freshness() -> list[str]:
    """Return why ``pyproject.toml`` and ``uv.lock`` are not what the locks and requirements give.

    Raises:
        ToolError: uv failed for another reason.
    """
    project = UvProject(locked_targets())
    text, _ = uv_project.read()
    if uv_project.with_block(text, project.text()) != text:
        return ["pyproject.toml: its groups and pins are not those of requirements/"]
    if not UV_LOCK.exists():
        return [f"{UV_LOCK.name} is missing"]
    return [f"{UV_LOCK.name}: {each}" for each in problems(project, ROOT)]


def remove() -> None:
    """Take what was made for uv out of a project that has another package manager."""
    if not PYPROJECT.exists():
        return
    text = PYPROJECT.read_text(encoding="utf-8")
    if uv_project.BLOCK.search(text):
        PYPROJECT.write_text(uv_project.without_block(text), encoding="utf-8", newline="\n")
        UV_LOCK.unlink(missing_ok=True)
        say(f"{UV_LOCK.name} and the tables of uv in pyproject.toml were removed.")


def _pins(project: UvProject) -> tuple[list[str], dict[str, list[str]]]:
    """Return what all locks have: as constraints, and by group where backends differ."""
    found: dict[str, dict[Target, str]] = {}
    for target in project.targets:
        locks = Locks(target, project.locks)
        for file in filter(Path.exists, map(locks.file, layers())):
            for name, version in pinned(file).items():
                if "+" not in version and name not in project.torch_packages:
                    found.setdefault(name, {})[target] = version
    constraints: list[str] = []
    groups: dict[str, list[str]] = {}
    for name, versions in sorted(found.items()):
        by_platform: dict[str, set[str]] = {}
        for target, version in versions.items():
            by_platform.setdefault(target.platform, set()).add(version)
        if len({*versions.values()}) == 1:
            constraints.append(f"{name}=={min(versions.values())}")
        elif all(len(each) == 1 for each in by_platform.values()):
            rows = ((platform, min(each)) for platform, each in by_platform.items())
            constraints += [f"{name}=={each} ; {marker_of(where)}" for where, each in rows]
        else:
            for target, version in versions.items():
                line = f"{name}=={version} ; {marker_of(target.platform)}"
                for group in {uv_project.group_of(each, target.backend) for each in layers()}:
                    groups.setdefault(group, []).append(line)
    return constraints, groups


def _lock(folder: Path) -> None:
    """Resolve a project as its users do: with their settings of uv, and no others.

    Raises:
        ToolError: Nothing fits, or the network cannot be reached.
    """
    python = interpreters.find_interpreter()
    command = [locking_tools.tool("uv"), "lock", "--quiet", "--project", folder]
    try:
        run([*command, "--python", python], env=variables(), mode="quiet")
    except CommandError as error:
        locking_tools.refuse_damaged_cache(error)
        raise ToolError(
            "uv.lock cannot be made from what the layers have (uv's reason is above); the locks "
            "were left as they were."
        ) from error


def _exported(folder: Path, groups: Sequence[str]) -> list[str] | None:
    """Return what uv would install of some groups, for all platforms; None if it cannot say."""
    python = interpreters.find_interpreter()
    command = [locking_tools.tool("uv"), *EXPORT, "--no-emit-project", "--project", folder]
    command += [part for group in groups for part in ("--only-group", group)]
    done = run([*command, "--python", python], env=variables(), mode="capture", check=False)
    return lines_of(done.text) if not done.code else None


def _differences(
    lines: Iterable[str], target: Target, locks: Locks, chosen: Sequence[str]
) -> Iterator[str]:
    """Yield how what uv would install on a target differs from the locks of some layers."""
    environment = uv_project.environment_of(target.platform, python_version())
    there = {
        _without_name(line.partition(" ; ")[0].strip())
        for line in lines
        if uv_project.holds(line, environment)
    }
    wanted = {
        _without_name(entry.requirement)
        for layer in chosen
        if locks.file(layer).exists()
        for entry in entries_of(locks.file(layer))
    }
    where = f"{target.name}, {' '.join(uv_project.group_of(each) for each in chosen)}"
    for each in sorted(there ^ wanted):
        yield f"{where}: {each} is only in {'uv.lock' if each in there else 'the layers'}"


def _without_name(requirement: str) -> str:
    """Return the address alone where a requirement has one, as uv exports that of a file."""
    return unquote(requirement.rpartition(" @ ")[2])


def variables() -> dict[str, str]:
    """Return what uv needs to reach an index on this machine; the index is the user's own."""
    settings = locking_tools.uv_settings()
    return {
        "UV_PYTHON_DOWNLOADS": "never",
        **{name: value for name, value in settings.items() if name == "SSL_CERT_FILE"},
    }
