"""Say which environments are active and whether they fit the locks and the requirements."""

from __future__ import annotations

import argparse

from envkeep.environments import health, links, store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind
from envkeep.locks.lock_set import Locks
from envkeep.paths import shown
from envkeep.project import target as backends
from envkeep.project.metadata import machine, project_metadata, python_version
from envkeep.project.named_environments import is_named
from envkeep.project.requirements import PRODUCTION_LAYERS, layers, maker_of
from envkeep.project.target import Target
from envkeep.result import Result

HELP = "show the machine, the locks and the active environments"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> Result:
    """Return the state; change nothing."""
    choice, here = backends.chosen(), _here()
    locks = {here.target.name: _locks(here)}
    for target in backends.targets():
        if target != here.target and Locks(target).folder.exists():
            locks[target.name] = _locks(Locks(target))
    environments = {
        "development": _environment(DEVELOPMENT, layers()),
        "production": _environment(PRODUCTION, PRODUCTION_LAYERS),
    }
    found = {name: _alone(name, target) for name, target in backends.alone_here().items()}
    data = {
        "machine": machine().describe(),
        "stack_release": project_metadata()["stack_release"],
        "python": python_version(),
        "target": here.target.name,
        "backend": choice.target.backend,
        "reason": choice.reason,
        "locks": locks,
        "environments": {**environments, **found},
        "active": {kind.name: _active(kind) for kind in (DEVELOPMENT, PRODUCTION)},
    }
    first, *others = locks.values()
    lines = [
        f"machine      {data['machine']}",
        f"stack        {data['stack_release']}, Python {data['python']}",
        f"backend      {data['backend']}: {data['reason']}",
        f"locks        {first}",
        *(f"             {each}" for each in others),
        *(f"{name:<12} {state}" for name, state in environments.items()),
        *(f"{_sort(name):<12} {state}" for name, state in found.items()),
    ]
    return Result(data, lines)


def _active(kind: Kind) -> str | None:
    active = store.active(kind)
    return active.name if active else None


def _here() -> Locks:
    return Locks(backends.chosen().target)


def _locks(locks: Locks) -> str:
    command = "make lock" if locks.target in backends.targets_here() else "make lock-all"
    absent = locks.missing(locks.names)
    if absent:
        return f"{shown(locks.folder)}, {', '.join(absent)} missing: run `{command}`"
    state = "fresh" if locks.are_fresh() else f"older than the requirements: run `{command}`"
    return f"{shown(locks.folder)}, {state}"


def _sort(name: str) -> str:
    return "environment" if is_named(name) else "exporter"


def _alone(name: str, target: Target) -> str:
    kind = store.of_exporter(name)
    environment = store.active(kind)
    short, maker = name.rpartition("/")[2], maker_of(name)
    if environment is None:
        when = "" if is_named(name) else " when it is needed"
        return f"{short}: none; `{maker}` makes it{when}"
    locks = Locks(target)
    fits = not locks.missing([name]) and environment.lock_sha256 == locks.sha256([name])
    problem = health.problem_with(environment, kind, locks.require([name]) if fits else None)
    if problem:
        return f"{environment.name}, {problem.text}: `{maker}` rebuilds it"
    state = "fits its lock" if fits else f"differs from its lock: `{maker}` makes the new one"
    return f"{environment.name}, made {environment.created}, {state}"


def _environment(kind: Kind, wanted: tuple[str, ...]) -> str:
    command = "make install" if kind is DEVELOPMENT else "make install-prod"
    environment = store.active(kind)
    if environment is None:
        move = links.out_of_the_way(kind.link)
        return f"none: run `{f'{move} && ' if move else ''}{command}`"
    locks = _here()
    fits = not locks.missing(wanted) and environment.lock_sha256 == locks.sha256(wanted)
    problem = health.problem_with(environment, kind, locks.require(wanted) if fits else None)
    if problem:
        return f"{environment.name}, {problem.text}: run `{command}`"
    if fits and environment.project_sha256 != store.project_hash(kind):
        return f"{environment.name}, made for an older state of the project: run `{command}`"
    state = "fits the locks" if fits else f"differs from the locks: run `{command}`"
    return f"{environment.name} ({environment.backend}), made {environment.created}, {state}"
