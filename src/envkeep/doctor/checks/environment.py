"""Checks of the project's Python, its locks and the environments made from them."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from envkeep.doctor import fixes
from envkeep.doctor.context import DoctorContext, ExaminedEnvironment
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding, NotKnownError, typed
from envkeep.environments import links
from envkeep.environments.store import DEVELOPMENT
from envkeep.paths import shown


def python(context: DoctorContext) -> Iterator[Finding]:
    """Compare the project's Python with the wheels of torch and with this machine."""
    version = context.python
    if version is None:
        raise NotKnownError
    served = _pythons_of_torch(context)
    if served and version not in served:
        yield Finding(
            ERROR,
            f"torch has no wheel for Python {version} in the build for this machine; "
            "take a Python that it has wheels for.",
            found=version,
            expected=", ".join(served),
            remedy=f'make update ARGS="--data python_version={_nearest(version, served)}"',
        )
    elif not context.environments and not context.python_here:
        yield Finding(
            WARNING,
            f"No Python {version} was found; install it, for example with pyenv or uv.",
            expected=version,
            remedy=f"uv python install {version}",
        )
    else:
        yield Finding(OK, f"The project's Python is {version}.", found=version, expected=version)


def locks(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether the locks of this machine's target are there and up to date."""
    state, target = context.locks, context.target
    if state is None or target is None:
        raise NotKnownError
    name = f"requirements/locks/{target.name}"
    if state.missing:
        missing = ", ".join(state.missing)
        message = f"{name} lacks the locks of {missing}." if state.there else f"There is no {name}."
        remedy = fixes.restore_locks(context) or fixes.lock(context)
        yield Finding(ERROR, message, "missing", missing, remedy)
    elif not state.fresh:
        yield Finding(
            WARNING,
            f"{name} was compiled from older requirements.",
            found="older",
            expected="fresh",
            remedy=context.make("lock"),
        )
    else:
        yield Finding(OK, f"{name} fits the requirements.", found="fresh", expected="fresh")


def environment(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether the active environments are whole and fit the locks."""
    if context.target is None:
        raise NotKnownError
    if context.development is None:
        yield _none(context)
    for found in context.environments:
        yield _judge(context, found)


def _none(context: DoctorContext) -> Finding:
    link, remake = DEVELOPMENT.link, fixes.remake(context)
    if move := links.out_of_the_way(link):
        message = f"{shown(link)} is a folder that envkeep did not make; move it away."
        return Finding(ERROR, message, remedy=f"{move} && {typed(remake)}")
    reason = (
        "was not made in this folder by `make install`" if link.is_symlink() else "is not there"
    )
    return Finding(ERROR, f"The environment {shown(link)} {reason}.", remedy=remake)


def _judge(context: DoctorContext, found: ExaminedEnvironment) -> Finding:
    link, install = shown(found.kind.link), fixes.install(context, found.kind)
    if not found.starts:
        return Finding(
            ERROR,
            f"The Python that {link} was made with is gone, moved or replaced by another one.",
            found=found.python,
            remedy=install,
        )
    if context.python and found.python != context.python:
        return Finding(
            ERROR,
            f"{link} has another Python than the project.",
            found=found.python,
            expected=context.python,
            remedy=fixes.remake(context, found.kind),
        )
    if not found.fits_locks:
        message = f"{link} does not hold what this machine's locks say."
        return Finding(WARNING, message, found.name, remedy=fixes.remake(context, found.kind))
    if not found.fits_project:
        message = f"{link} was made for an older state of the project."
        return Finding(WARNING, message, found.name, remedy=install)
    if found.python_problem:
        message = f"{link} was made with another Python: {found.python_problem}."
        return Finding(WARNING, message, found.python, remedy=install)
    return Finding(OK, f"{link} holds what the locks say.", found=found.name)


def _nearest(version: str, served: list[str]) -> str:
    return min(served, key=lambda each: abs(Version(each).minor - Version(version).minor))


def _pythons_of_torch(context: DoctorContext) -> list[str]:
    if context.torch is None:
        return []
    return list(context.build["wheels"][context.machine.platform]["pythons"])
