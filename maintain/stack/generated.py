"""What the generated files of the stack release are made from, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from maintain.stack.catalog import Catalog, load_catalog
from maintain.stack.data import (
    StackError,
    load_exporters,
    load_offered,
    load_pythons,
    load_release,
    load_requirements,
    load_reserved_names,
)
from maintain.stack.pins import by_name, parse_pins, render_header
from maintain.stack.resolver import Resolver, Unresolvable
from maintain.stack.rows import Build, DirectDependency, ExporterDependency, OfferedPackage, Release

COMMON = "constraints.txt"
TOOLCHAIN = "toolchain"
TOOLS = {
    TOOLCHAIN: "the environment that locks and installs",
    "copier": "the environment of Copier, which updates a project",
    "audit": "the environment that looks up known vulnerabilities of the locked packages",
    "notebooks": "the environment that runs notebooks",
    "poetry": "the environment of Poetry, for projects that have it as package manager",
}
"""The environments of tools: `<name>.in` says what is in them, `<name>.txt` in which versions."""
OF_BUILDS = "constraints"  # the folder of the pins that builds add
OF_EXPORTERS = "exporters"  # the folder of the pins of exporters


@dataclass(frozen=True)
class Inputs:
    """All that the generated files are made from.

    Attributes:
        offered: Packages that are pinned though no layer asks for them, so that a project may.
        kept: Generated files whose pins are preferred to newer ones, by path below the folder.
    """

    release: Release
    pythons: tuple[str, ...]
    direct: tuple[DirectDependency, ...]
    exporters: tuple[ExporterDependency, ...]
    tools: Mapping[str, tuple[str, ...]]
    catalog: Catalog
    offered: tuple[OfferedPackage, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> list[str]:
        """What no build of torch decides, torch with its version."""
        plain = [build for build in self.catalog.builds if not build.requires]
        rows = [row for row in self.direct if row.is_everywhere or any(map(row.goes_with, plain))]
        asked = {*(row.requirement for row in rows), *(row.package for row in self.offered)}
        packages = sorted(asked, key=str.lower)
        return [self._with_version(package) for package in packages]

    def wanted_by(self, exporter: str) -> list[str]:
        """Return what one exporter asks for, torch and its companions with their versions."""
        rows = [row for row in self.exporters if row.exporter == exporter]
        return [self._with_version(row.requirement) for row in rows]

    def _with_version(self, package: str) -> str:
        companions = {row.package: row.version for row in self.catalog.companions}
        versions = {"torch": self.release.torch, **companions}
        return f"{package}=={versions[package]}" if package in versions else package

    def requirements_of(self, build: Build) -> list[str]:
        """Return what requirements.yml asks for with a build alone."""
        return [row.requirement for row in self.direct if row.goes_with(build)]


def load_inputs(stack: Path) -> Inputs:
    """Read and check every data file of the stack.

    Raises:
        StackError: A file is wrong.
    """
    load_reserved_names(stack)  # not an input of the pins, but a wrong file must not be released
    inputs = Inputs(
        load_release(stack),
        tuple(load_pythons(stack)),
        tuple(load_requirements(stack)),
        tuple(load_exporters(stack)),
        {name: tuple(_requirement_lines(stack / f"{name}.in")) for name in TOOLS},
        load_catalog(stack),
        tuple(load_offered(stack)),
    )
    _check_hardware_of(inputs)
    return inputs


def check_cutoff(cutoff: date, today: date) -> None:
    """Refuse a day that is not over, as packages may still be uploaded on it.

    Raises:
        StackError: The day is not over.
    """
    if cutoff >= today:
        raise StackError(f"The cutoff {cutoff} is not over yet; use {today - timedelta(days=1)}.")


def check_pythons(resolver: Resolver, inputs: Inputs) -> None:
    """Compare pythons.yml with torch's wheels.

    Raises:
        StackError: torch has no wheel for a listed Python, or one for a newer Python.
    """
    torch = f"torch=={inputs.release.torch}"
    platform = inputs.catalog.platforms[0]
    missing = [
        python for python in inputs.pythons if not resolver.has_wheel(torch, python, platform)
    ]
    if len(missing) == len(inputs.pythons):
        raise StackError(f"There is no wheel of {torch} up to {inputs.release.cutoff}.")
    if missing:
        wrong = ", ".join(missing)
        raise StackError(f"stack/pythons.yml: {torch} has no wheel for {wrong}; remove the row.")
    newer = f"3.{Version(inputs.pythons[0]).minor + 1}"
    if resolver.has_wheel(torch, newer, platform):
        raise StackError(f"stack/pythons.yml: {torch} has a wheel for {newer}; add a row for it.")


def stack_uv(resolver: Resolver, inputs: Inputs) -> Resolver:
    """Change to the uv that toolchain.txt will name, as versions of uv write different markers."""
    if "uv" not in inputs.tools[TOOLCHAIN]:
        return resolver
    kept = inputs.kept.get(f"{TOOLCHAIN}.txt", "")
    pins = by_name(parse_pins(resolver.resolve(["uv"], preferred=kept)))
    return resolver.with_uv(str(pins[canonicalize_name("uv")][0].version))


def render_files(resolver: Resolver, inputs: Inputs) -> dict[str, str]:
    """Resolve and write the generated files in memory, by path below the stack's folder.

    Args:
        resolver: A resolver that knows what every build of torch asks for, and nothing more.
        inputs: What to resolve.

    Raises:
        StackError: uv failed, no set of versions fits, or a package of hardware is among the pins
            of everybody.
    """
    pins = resolver.resolve(inputs.requirements, preferred=inputs.kept.get(COMMON, ""))
    _refuse_hardware(pins, inputs.catalog)
    about_pins = "every package above the hardware, for all options, offered Pythons and platforms"
    return {
        COMMON: render_header(inputs.release, about_pins) + pins,
        **_build_files(resolver, inputs, pins),
        **_exporter_files(resolver, inputs, pins),
        **{
            f"{name}.txt": render_header(inputs.release, about)
            + _pins_of_tools(resolver, inputs, name, pins)
            for name, about in TOOLS.items()
        },
    }


def _pins_of_tools(resolver: Resolver, inputs: Inputs, name: str, pins: str) -> str:
    kept = inputs.kept.get(f"{name}.txt", "")
    return resolver.resolve(inputs.tools[name], constraints=pins, hashes=True, preferred=kept)


def _build_files(resolver: Resolver, inputs: Inputs, pins: str) -> Mapping[str, str]:
    return {
        f"{OF_BUILDS}/{build.build}.txt": render_header(
            inputs.release, f"what torch's {build.title} build adds to constraints.txt"
        )
        + _pins_of_row(resolver, inputs, build, pins)
        for build in inputs.catalog.builds
        if build.requires
    }


def _check_hardware_of(inputs: Inputs) -> None:
    """Refuse a row of requirements.yml that names hardware which the catalog does not have.

    Raises:
        StackError: A row does, or a layer has a package twice for one build.
    """
    builds = {build.build for build in inputs.catalog.builds}
    backends = {build.backend for build in inputs.catalog.builds}
    for row in inputs.direct:
        unknown = sorted(({*row.builds, *row.not_for} - builds) | ({*row.backends} - backends))
        if unknown:
            raise StackError(f"stack/requirements.yml, {row.package}: {unknown[0]} is no hardware.")
    for build in inputs.catalog.builds:
        found = [f"{row.name} in {row.layer}" for row in inputs.direct if row.goes_with(build)]
        twice = [each for each in found if found.count(each) > 1]
        if twice:
            raise StackError(f"stack/requirements.yml lists {twice[0]} twice for {build.build}.")


def _exporter_files(resolver: Resolver, inputs: Inputs, pins: str) -> Mapping[str, str]:
    return {
        f"{OF_EXPORTERS}/{exporter}.txt": render_header(
            inputs.release, f"the environment of the exporter {exporter}"
        )
        + _pins_of_exporter(resolver, inputs, exporter, pins)
        for exporter in dict.fromkeys(row.exporter for row in inputs.exporters)
    }


def _pins_of_exporter(resolver: Resolver, inputs: Inputs, exporter: str, pins: str) -> str:
    shared = _shared(inputs, exporter, pins)
    kept = inputs.kept.get(f"{OF_EXPORTERS}/{exporter}.txt", "")
    try:
        return resolver.resolve(inputs.wanted_by(exporter), constraints=shared, preferred=kept)
    except Unresolvable as refusal:
        raise StackError(f"stack/exporters.yml, {exporter}: {refusal}") from None


def _shared(inputs: Inputs, exporter: str, pins: str) -> str:
    """Return those pins of everybody that hold for an exporter too."""
    rows = (row for row in inputs.exporters if row.exporter == exporter and row.shared)
    shared = {row.name for row in rows}
    if not shared <= {_name_in(line) for line in pins.splitlines()}:
        return pins  # what is in no layer goes beside all of them
    return "".join(f"{line}\n" for line in pins.splitlines() if _name_in(line) in shared)


def _name_in(line: str) -> str:
    return parse_pins(line)[0].name if line and not line.startswith("#") else ""


def _pins_of_row(resolver: Resolver, inputs: Inputs, build: Build, pins: str) -> str:
    try:
        return build_pins(resolver, inputs, build, pins)
    except Unresolvable as refusal:
        raise StackError(f"stack/builds.yml, row {build.build}: {refusal}") from None


def build_pins(resolver: Resolver, inputs: Inputs, build: Build, common: str) -> str:
    """Pin what a build of torch, and projects with its hardware, need beyond everybody's pins.

    Args:
        resolver: The resolver.
        inputs: What else is asked for with its hardware, and the pins to keep.
        build: The build.
        common: The pins of everybody, which the new ones must fit.

    Raises:
        StackError: uv failed, or no set of versions fits.
    """
    wanted = [*(str(each) for each in build.from_pypi), *inputs.requirements_of(build)]
    limits = common + toolkit_pins(resolver, build)
    everybody = by_name(parse_pins(common))
    kept = inputs.kept.get(f"{OF_BUILDS}/{build.build}.txt", "")
    lines = resolver.resolve(wanted, constraints=limits, preferred=kept).splitlines()
    lines += [
        f"{each.name}{each.specifier}" + (f" ; {each.marker}" if each.marker else "")
        for each in build.from_index
    ]
    pinned = [(parse_pins(line)[0].name, line) for line in lines]
    return "".join(f"{line}\n" for name, line in sorted(pinned) if name not in everybody)


def toolkit_pins(resolver: Resolver, build: Build) -> str:
    """Pin the packages of the one toolkit release that a build names, if it names one.

    A toolkit is a package with extras in one exact version. For some of its parts it admits later
    releases too (of nvJitLink all of the same CUDA major); the oldest that it admits is its own.

    Args:
        resolver: The resolver.
        build: The build.
    """
    toolkits = [
        str(each)
        for each in build.from_pypi
        if each.extras and any(part.operator == "==" for part in each.specifier)
    ]
    return resolver.resolve(toolkits, lowest=True) if toolkits else ""


def _refuse_hardware(pins: str, catalog: Catalog) -> None:
    asked = {
        canonicalize_name(each.name): build.build
        for build in catalog.builds
        for each in build.requirements
    }
    for pin in parse_pins(pins):
        if pin.name in asked:
            raise StackError(
                f"constraints.txt would pin {pin.name}, which only torch's build "
                f"{asked[pin.name]} needs; a package of requirements.yml asks for it."
            )


def _requirement_lines(path: Path) -> Sequence[str]:
    lines = (
        line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()
    )
    return [line for line in lines if line]
