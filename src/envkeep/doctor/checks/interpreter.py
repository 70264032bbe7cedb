"""Checks of the project's Python, its locks and the environments made from them."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from envkeep.doctor.context import Environment, Situation
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding, NotKnownError
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT
from envkeep.paths import shown


def python(situation: Situation) -> Iterator[Finding]:
    """Compare the project's Python with the wheels of torch and with this machine."""
    version = situation.python
    if version is None:
        raise NotKnownError
    served = _pythons_of_torch(situation)
    if served and version not in served:
        yield Finding(
            ERROR,
            f"torch has no wheel for Python {version} in the build for this machine; "
            "take a Python that it has wheels for.",
            found=version,
            expected=", ".join(served),
            command=f'make update ARGS="--data python_version={_nearest(version, served)}"',
        )
    elif not situation.environments and not situation.python_here:
        yield Finding(
            WARNING,
            f"No Python {version} was found; install it, for example with pyenv or uv.",
            expected=version,
            command=f"uv python install {version}",
        )
    else:
        yield Finding(OK, f"The project's Python is {version}.", found=version, expected=version)


def locks(situation: Situation) -> Iterator[Finding]:
    """Tell whether the locks of this machine's target are there and up to date."""
    state, target = situation.locks, situation.target
    if state is None or target is None:
        raise NotKnownError
    name = f"requirements/locks/{target.name}"
    if state.missing:
        missing = ", ".join(state.missing)
        message = f"{name} lacks the locks of {missing}." if state.there else f"There is no {name}."
        yield Finding(ERROR, message, "missing", missing, situation.make(state.made_by))
    elif not state.fresh:
        yield Finding(
            WARNING,
            f"{name} was compiled from older requirements.",
            found="older",
            expected="fresh",
            command=situation.make(state.made_by),
        )
    else:
        yield Finding(OK, f"{name} fits the requirements.", found="fresh", expected="fresh")


def environment(situation: Situation) -> Iterator[Finding]:
    """Tell whether the active environments are whole and fit the locks."""
    if situation.target is None:
        raise NotKnownError
    if situation.development is None:
        yield _none(situation)
    for found in situation.environments:
        yield _judge(situation, found)


def _none(situation: Situation) -> Finding:
    link, install = DEVELOPMENT.link, _remake(situation, situation.make("install"))
    if move := store.out_of_the_way(link):
        message = f"{shown(link)} is a folder that these tools did not make; move it away."
        return Finding(ERROR, message, command=f"{move} && {install}")
    reason = (
        "was not made in this folder by `make install`" if link.is_symlink() else "is not there"
    )
    return Finding(ERROR, f"The environment {shown(link)} {reason}.", command=install)


def _judge(situation: Situation, found: Environment) -> Finding:
    link, install = shown(found.kind.link), situation.install(found)
    if not found.starts:
        return Finding(
            ERROR,
            f"The Python that {link} was made with is gone, moved or replaced by another one.",
            found=found.python,
            command=install,
        )
    if situation.python and found.python != situation.python:
        return Finding(
            ERROR,
            f"{link} has another Python than the project.",
            found=found.python,
            expected=situation.python,
            command=_remake(situation, install),
        )
    if not found.fits_locks:
        message = f"{link} does not hold what this machine's locks say."
        return Finding(WARNING, message, found.name, command=_remake(situation, install))
    if not found.fits_project:
        message = f"{link} was made for an older state of the project."
        return Finding(WARNING, message, found.name, command=install)
    if found.python_problem:
        message = f"{link} was made with another Python: {found.python_problem}."
        return Finding(WARNING, message, found.python, command=install)
    return Finding(OK, f"{link} holds what the locks say.", found=found.name)


def _remake(situation: Situation, install: str) -> str:
    """Return the command that makes an environment, its locks first if they are missing."""
    state = situation.locks
    return f"{situation.make(state.made_by)} && {install}" if state and state.missing else install


def _nearest(version: str, served: list[str]) -> str:
    return min(served, key=lambda each: abs(Version(each).minor - Version(version).minor))


def _pythons_of_torch(situation: Situation) -> list[str]:
    if situation.torch is None:
        return []
    return list(situation.build["wheels"][situation.machine.platform]["pythons"])
