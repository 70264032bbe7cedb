"""Sort a repository's requirements into layers, and their versions into overrides.

The layer of a package is the first that fits:

1. torch and its companions: ``10-torch``. What a build of torch brings is asked for nowhere.
2. linters and type checkers by name (``packages.yml``): ``50-lint``.
3. tools of development by name, or what the repository itself calls development: ``40-dev``.
4. serving by name, and what the package declares as its own dependency: ``30-prod``.
5. the rest: ``20-train`` in a project that trains, else ``30-prod``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hooks.adoption.frameworks import HUGGINGFACE, KERAS, PYTORCH
from hooks.adoption.packages import listed, package_lists
from hooks.adoption.stack import Stack
from hooks.adoption.wanted import DEVELOP, RUN, Wanted, admits

TORCH, TRAIN, PROD, DEV, LINT = "10-torch", "20-train", "30-prod", "40-dev", "50-lint"
PACKAGING_TOOLS = frozenset({"pip", "pip-tools", "setuptools", "uv", "wheel"})
SAME, OVERRIDDEN, NEW = "same as the stack", "overrides.txt", "new line"


@dataclass(frozen=True)
class Pin:
    """The outcome for one package that the repository requires.

    Attributes:
        wanted: What it asks for.
        layer: Where to.
        line: The line of the layer's file, "" if the template's part asks for the package already.
        override: The line of ``overrides.txt``, "" if there is none.
        verdict: Whether its version is the stack's, an override, or unknown to the stack.
        detail: Versions, for people.
    """

    wanted: Wanted
    layer: str
    line: str
    override: str
    verdict: str
    detail: str


@dataclass(frozen=True)
class Sorted:
    """The requirements in their layers.

    Attributes:
        pins: In the order in which the repository asks for them.
        skipped: What is not carried over, with the reason.
        indirect: Lines of ``overrides.txt`` for what is needed without being asked for.
    """

    pins: tuple[Pin, ...]
    skipped: tuple[tuple[str, str], ...]
    indirect: tuple[str, ...] = ()

    def lines(self, layer: str) -> list[str]:
        """Return the lines of a layer's file."""
        return [pin.line for pin in self.pins if pin.layer == layer and pin.line]

    @property
    def overrides(self) -> list[str]:
        """The lines of ``overrides.txt``."""
        return [*(pin.override for pin in self.pins if pin.override), *self.indirect]


def sort(
    wanted: Sequence[Wanted],
    stack: Stack,
    answers: Mapping[str, str],
    own: str,
    indirect: Mapping[str, str] | None = None,
) -> Sorted:
    """Sort packages into layers.

    Args:
        wanted: Every package once.
        stack: The stack release.
        answers: The project's answers.
        own: Normalized name of the project itself, which its extras may ask for.
        indirect: Versions that a lock of the repository holds of what they need.
    """
    pins, skipped = [], []
    trains = answers["training"] != "none"
    has_torch = computes_with_torch(answers)
    pinned = stack.pinned(answers["python_version"])
    for each in wanted:
        if each.name == own:
            continue
        if stack.is_hardware(each.name):
            skipped.append((str(each.requirement), f"{each.origin}: torch's build brings it"))
        elif stack.is_torch_family(each.name) and not has_torch:
            reason = (
                f"{each.origin}: training={answers['training']} has no layer of torch; "
                "`--data training=pytorch` takes it"
            )
            skipped.append((str(each.requirement), reason))
        elif each.name in PACKAGING_TOOLS:
            reason = f"{each.origin}: the template pins the packaging tools itself"
            skipped.append((str(each.requirement), reason))
        else:
            layer = _layer(each, stack, trains=trains)
            pins.append(_pin(each, layer, stack, pinned))
    own_versions = [
        f"{name}=={version}"
        for name, version in (indirect or {}).items()
        if pinned.get(name, version) != version
        and not stack.is_torch_family(name)
        and not stack.is_hardware(name)
        and name not in PACKAGING_TOOLS
    ]
    return Sorted(tuple(pins), tuple(skipped), tuple(own_versions))


def computes_with_torch(answers: Mapping[str, str]) -> bool:
    """Tell whether answers make a project with a layer of torch."""
    training = answers["training"]
    return training in (PYTORCH, HUGGINGFACE) or (
        training == KERAS and answers.get("keras_backend") == "torch"
    )


def _layer(wanted: Wanted, stack: Stack, *, trains: bool) -> str:
    if stack.is_torch_family(wanted.name):
        return TORCH
    if listed(wanted.name, "lint"):
        return LINT
    if listed(wanted.name, "dev") or wanted.use == DEVELOP:
        return DEV
    if wanted.use == RUN or wanted.name in package_lists()["prod"]:
        return PROD
    return TRAIN if trains else PROD


def _pin(wanted: Wanted, layer: str, stack: Stack, pinned: Mapping[str, str]) -> Pin:
    requirement = wanted.requirement
    version = wanted.exact.partition("+")[0] if stack.is_torch_family(wanted.name) else wanted.exact
    line = "" if _is_asked_for(requirement, layer, stack) else _line(wanted, version)
    standing = pinned.get(wanted.name)
    if standing is None or requirement.url:
        return Pin(wanted, layer, line or str(requirement), "", NEW, _detail(wanted, version))
    if version == standing or (not version and admits(requirement.specifier, standing)):
        kept = str(requirement) if line and not _is_exact(requirement) else _without_version(line)
        return Pin(wanted, layer, kept, "", SAME, standing)
    override = f"{requirement.name}=={version}" if version else _range(requirement)
    if requirement.marker:
        override += f" ; {requirement.marker}"
    detail = f"{version or requirement.specifier} instead of {standing}"
    return Pin(wanted, layer, _without_version(line), override, OVERRIDDEN, detail)


def _is_asked_for(requirement: Requirement, layer: str, stack: Stack) -> bool:
    """Tell whether the template's part of a layer that the project includes has the package."""
    always = (row for row in stack.direct if row.layer == layer and layer in (TORCH, DEV, LINT))
    names = {row.name for row in always if row.when in ("always", "uses_training", "uses_torch")}
    return not requirement.extras and canonicalize_name(requirement.name) in names


def _line(wanted: Wanted, version: str) -> str:
    """Return a requirement as written, or with its locked version where a lock holds one."""
    if not wanted.locked or wanted.requirement.url:
        return str(wanted.requirement)
    return _spelled(wanted.requirement, f"=={version}")


def _spelled(requirement: Requirement, versions: str = "") -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}{versions}{marker}"


def _is_exact(requirement: Requirement) -> bool:
    exact = (each for each in requirement.specifier if each.operator in ("==", "==="))
    return any(not each.version.endswith(".*") for each in exact)


def _without_version(line: str) -> str:
    """Return a line without versions: those of the stack or of ``overrides.txt`` count."""
    return _spelled(Requirement(line)) if line else ""


def _range(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def _detail(wanted: Wanted, version: str) -> str:
    return version or str(wanted.requirement.specifier) or wanted.requirement.url or "any version"
