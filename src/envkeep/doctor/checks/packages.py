"""Check the active environments: versions, metadata, files, and their owners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envkeep.doctor import fixes
from envkeep.doctor.context import DoctorContext, ExaminedEnvironment
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding, Fix, typed
from envkeep.environments import integrity
from envkeep.environments.integrity import MOST_NAMED, Drift, counted, named
from envkeep.paths import shown

FAMILIES = {
    "ONNX Runtime": ("onnxruntime", "onnxruntime-*"),
    "OpenCV": ("opencv-python", "opencv-*"),
    "TensorFlow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel"),
}
"""Packages of which an environment can have one alone, as all of them bring the same modules."""
BESIDE = ("onnxruntime-extensions", "onnxruntime-genai", "opencv-stubs")
"""Packages named like one of a family that go with any of it."""


def interpreter(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether the packages are for the project's Python, and its own Python is there."""
    for found in context.environments:
        link, python = shown(found.kind.link), found.packages.python
        if not found.starts:
            continue  # the check of the environment says so
        if not found.packages.home_exists:
            message = f"The folder of the Python that {link} was made with is gone."
            yield Finding(ERROR, message, found.packages.home, None, _install(context, found))
        elif python and context.python and python != context.python:
            message = f"The packages of {link} are for Python {python}, not for the project's."
            yield Finding(ERROR, message, python, context.python, _install(context, found))
        elif python:
            yield Finding(OK, f"{link} is an environment of Python {python}.", python, python)


def drift(context: DoctorContext) -> Iterator[Finding]:
    """Compare what is installed with what is locked."""
    for found in context.environments:
        if found.locked is None or not found.starts:
            continue
        differs = integrity.drift(found.packages.distributions, found.locked, found.own)
        yield from _drifted(context, found, differs)


def _drifted(
    context: DoctorContext, found: ExaminedEnvironment, differs: Drift
) -> Iterator[Finding]:
    link, install = shown(found.kind.link), _install(context, found)
    missing, other, added = differs.missing, differs.other, differs.added
    status = ERROR if found.fits_locks else WARNING  # older locks may have said so
    if missing:
        message = f"{link} lacks {named(missing)}, which the locks have."
        yield Finding(status, message, "missing", named(missing), install)
    if other:
        message = f"{link} has other versions than the locks: {named(other)}."
        yield Finding(status, message, named(other), "as locked", install)
    if added and found.fits_locks:
        message = (
            f"{named(added)} came into {link} by hand, no lock has it: add what you need to a "
            "layer in requirements/, the next install does without it."
        )
        # Only whoever added it may take it away.
        yield Finding(WARNING, message, named(added), "none", typed(install))
    elif added:
        message = f"{link} has {named(added)}, which no lock has now."
        yield Finding(WARNING, message, named(added), "none", install)
    if not missing and not other and not added and found.locked:
        yield Finding(OK, f"{link} has the {len(found.locked)} locked packages as locked.")


def metadata(context: DoctorContext) -> Iterator[Finding]:
    """Name distributions with incomplete metadata: tools misjudge or skip them."""
    for found in _examined(context):
        link = shown(found.kind.link)
        for each in found.packages.broken[:MOST_NAMED]:
            message = f"In {link}, {each.name} {each.problem}."
            yield Finding(ERROR, message, each.name, None, _install(context, found))
        rest = len(found.packages.broken) - MOST_NAMED
        if rest > 0:
            message = f"In {link}, the metadata of {rest} more distributions are not whole."
            yield Finding(ERROR, message, remedy=_install(context, found))
        if not found.packages.broken:
            count = len(found.packages.distributions)
            yield Finding(OK, f"The metadata of all {count} distributions in {link} are whole.")


def files(context: DoctorContext) -> Iterator[Finding]:
    """Name distributions with missing or truncated files."""
    for found in _examined(context):
        link, lost = shown(found.kind.link), found.packages.lost
        for name, sample in sorted(lost.items())[:MOST_NAMED]:
            message = (
                f"{link} has {counted(sample.count)} of {name} gone or not whole, such as "
                f"{sample.example}."
            )
            yield Finding(ERROR, message, "missing", sample.example, _install(context, found))
        if len(lost) > MOST_NAMED:
            message = f"{link} lacks files of {len(lost) - MOST_NAMED} more distributions."
            yield Finding(ERROR, message, remedy=_install(context, found))
        if not lost:
            yield Finding(OK, f"All files that the distributions in {link} list are there.")


def shared_files(context: DoctorContext) -> Iterator[Finding]:
    """Name distributions that overwrite each other's files: one of them is broken."""
    for found in _examined(context):
        for each in found.packages.collisions:
            there = f"; the one there is that of {each.present}" if each.present else ""
            message = (
                f"In {shown(found.kind.link)}, {named(each.names)} bring the same "
                f"{counted(each.files.count)} with other contents, such as "
                f"{each.files.example}{there}: keep one of them."
            )
            yield Finding(WARNING, message, ", ".join(each.names), "one of them", _why(each.names))


def variants(context: DoctorContext) -> Iterator[Finding]:
    """Name packages that exclude each other, whatever files they list."""
    for found in _examined(context):
        names = {each.name for each in found.packages.distributions} - set(BESIDE)
        for family, patterns in FAMILIES.items():
            members = sorted(name for name in names if _is_one(name, patterns))
            if len(members) > 1:
                message = (
                    f"{shown(found.kind.link)} has {named(members)}, and only one package of "
                    f"{family} can be in an environment: which one works is chance."
                )
                yield Finding(ERROR, message, ", ".join(members), "one", _why(members))


def permissions(context: DoctorContext) -> Iterator[Finding]:
    """Name foreign files: others may change them, or this user may not."""
    for found in _examined(context):
        folder, writable, foreign = (
            f".venvs/{found.name}",
            found.packages.writable,
            found.packages.foreign,
        )
        if writable.count:
            message = (
                f"Everybody on this machine may change {counted(writable.count)} of {folder}, "
                f"such as {writable.example}."
            )
            remedy = fixes.withdraw_writing(found.name)
            yield Finding(ERROR, message, "writable", None, remedy)
        if foreign.count:
            message = (
                f"Another user owns {counted(foreign.count)} of {folder}, such as "
                f"{foreign.example}; a command was run as another user, perhaps by sudo."
            )
            command = f'sudo chown -R "$(id -u):$(id -g)" {folder}'
            yield Finding(WARNING, message, "foreign", None, command)


def _install(context: DoctorContext, found: ExaminedEnvironment) -> tuple[Fix, ...]:
    return fixes.install(context, found.kind)


def _examined(context: DoctorContext) -> Iterator[ExaminedEnvironment]:
    return (found for found in context.environments if found.packages.distributions)


def _why(names: Iterable[str]) -> str:
    """Return the command that says in which layers packages are."""
    return f"grep -rE '^({'|'.join(sorted(names))})==' requirements/locks"


def _is_one(name: str, patterns: Sequence[str]) -> bool:
    return any(
        name == each or (each.endswith("*") and name.startswith(each[:-1])) for each in patterns
    )
