"""The hardware catalog as a whole: its files must agree with each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envkeep.hardware.catalog import FORWARD, gpu_served
from maintain.stack.data import (
    StackError,
    label,
    load_actions,
    load_backends,
    load_builds,
    load_companions,
    load_extras,
    load_frameworks,
    load_gpus,
    load_images,
    load_indexes,
    load_platforms,
    load_pythons,
    load_runners,
    load_runtimes,
    load_sources,
)
from maintain.stack.rows import (
    Action,
    Backend,
    Build,
    Companion,
    Extra,
    Framework,
    Gpu,
    Image,
    NamedIndex,
    Platform,
    Runner,
    Runtime,
    Source,
    Sourced,
)

NPU = "npu"
"""A device that some runtimes can use, and no framework can train on."""


@dataclass(frozen=True)
class Catalog:
    """Every row that others name: about hardware, workflows, frameworks and runtimes."""

    sources: Sequence[Source]
    platforms: Sequence[Platform]
    backends: Sequence[Backend]
    builds: Sequence[Build]
    gpus: Sequence[Gpu]
    companions: Sequence[Companion]
    indexes: Sequence[NamedIndex]
    actions: Sequence[Action]
    runners: Sequence[Runner]
    images: Sequence[Image]
    frameworks: Sequence[Framework]
    runtimes: Sequence[Runtime]
    extras: Sequence[Extra]

    def builds_of(self, backend: str) -> list[Build]:
        """Return the builds for a backend, its default first."""
        return [row for row in self.builds if row.backend == backend]

    def platform(self, name: str) -> Platform:
        """Return a platform by its name."""
        return next(row for row in self.platforms if row.platform == name)

    def generations(self, build: Build, platform: str, *, served: bool) -> list[Gpu]:
        """Return the generations of GPUs that a build serves on a platform, or does not.

        Args:
            build: The build.
            platform: A platform that it has wheels for.
            served: Whether to return those of which it serves some or all.
        """
        row = build.model_dump()
        return [
            gpu
            for gpu in self.gpus
            if gpu.backend == build.backend
            and any(gpu_served(row, platform, target) for target in gpu.targets) is served
        ]


def load_catalog(stack: Path) -> Catalog:
    """Read the files about hardware and compare them.

    Args:
        stack: The folder with the data files.

    Raises:
        StackError: A file or a row is wrong, or names what another file does not have.
    """
    catalog = Catalog(
        load_sources(stack),
        load_platforms(stack),
        load_backends(stack),
        load_builds(stack),
        load_gpus(stack),
        load_companions(stack),
        load_indexes(stack),
        load_actions(stack),
        load_runners(stack),
        load_images(stack),
        load_frameworks(stack),
        load_runtimes(stack),
        load_extras(stack),
    )
    _check_sources(stack, catalog)
    _check_names(stack, catalog, load_pythons(stack))
    _check_runtimes(stack, catalog)
    _check_extras(stack, catalog)
    _check_plain_builds(stack, catalog)
    return catalog


def _check_sources(stack: Path, catalog: Catalog) -> None:
    known = [row.id for row in catalog.sources]
    used = set()
    for name, rows in _sourced(catalog).items():
        for number, row in enumerate(rows, start=1):
            named = {each for ids in row.sources.values() for each in ids}
            _refuse_unknown(stack / name, number, "source", named, known, "sources.yml")
            used |= named
    for number, source in enumerate(known, start=1):
        if source not in used:
            raise _wrong(stack / "sources.yml", number, f"no fact names the source {source}")


def _sourced(catalog: Catalog) -> Mapping[str, Iterable[Sourced]]:
    return {
        "platforms.yml": catalog.platforms,
        "backends.yml": catalog.backends,
        "builds.yml": catalog.builds,
        "gpus.yml": catalog.gpus,
        "companions.yml": catalog.companions,
        "indexes.yml": catalog.indexes,
        "actions.yml": catalog.actions,
        "runners.yml": catalog.runners,
        "images.yml": catalog.images,
        "runtimes.yml": catalog.runtimes,
    }


def _check_names(stack: Path, catalog: Catalog, pythons: Sequence[str]) -> None:
    platforms = [row.platform for row in catalog.platforms]
    backends = [row.backend for row in catalog.backends]
    builds, gpus = stack / "builds.yml", stack / "gpus.yml"
    for number, build in enumerate(catalog.builds, start=1):
        _refuse_unknown(builds, number, "backend", [build.backend], backends, "backends.yml")
        _refuse_unknown(builds, number, "platform", build.wheels, platforms, "platforms.yml")
        of_wheels = [python for wheels in build.wheels.values() for python in wheels.pythons]
        _refuse_unknown(builds, number, "Python", of_wheels, pythons, "pythons.yml")
        targets = [target for gpu in catalog.gpus for target in gpu.targets]
        _refuse_unknown(builds, number, "GPU target", _targets(build), targets, "gpus.yml")
    for number, gpu in enumerate(catalog.gpus, start=1):
        _refuse_unknown(gpus, number, "backend", [gpu.backend], backends, "backends.yml")
    names = [build.build for build in catalog.builds]
    for number, companion in enumerate(catalog.companions, start=1):
        path = stack / "companions.yml"
        _refuse_unknown(path, number, "build", companion.not_for, names, "builds.yml")
    for number, index in enumerate(catalog.indexes, start=1):
        path = stack / "indexes.yml"
        _refuse_unknown(path, number, "backend", index.backends, backends, "backends.yml")
    images = [image.image for image in catalog.images]
    for number, row in enumerate(catalog.backends, start=1):
        base = filter(None, [row.container.base_image])
        _refuse_unknown(stack / "backends.yml", number, "image", base, images, "images.yml")
    for number, name in enumerate(backends, start=1):
        if not catalog.builds_of(name):
            raise _wrong(stack / "backends.yml", number, f"builds.yml has no build for {name}")


def _check_runtimes(stack: Path, catalog: Catalog) -> None:
    runtimes = [row.runtime for row in catalog.runtimes]
    for number, framework in enumerate(catalog.frameworks, start=1):
        path = stack / "frameworks.yml"
        _refuse_unknown(path, number, "runtime", framework.inference, runtimes, "runtimes.yml")
    backends = [*(row.backend for row in catalog.backends), NPU]
    offered = {name for row in catalog.frameworks for name in row.inference}
    for number, runtime in enumerate(catalog.runtimes, start=1):
        path = stack / "runtimes.yml"
        _refuse_unknown(path, number, "device", runtime.devices, backends, "backends.yml")
        if runtime.runtime not in offered:
            raise _wrong(path, number, f"no framework in frameworks.yml offers {runtime.runtime}")


def _check_extras(stack: Path, catalog: Catalog) -> None:
    frameworks = [row.framework for row in catalog.frameworks]
    for number, extra in enumerate(catalog.extras, start=1):
        path = stack / "extras.yml"
        _refuse_unknown(path, number, "framework", extra.training, frameworks, "frameworks.yml")


def _targets(build: Build) -> Iterator[str]:
    for targets in build.gpu_targets.values():
        yield from (target.removesuffix(FORWARD) for target in targets)


def _check_plain_builds(stack: Path, catalog: Catalog) -> None:
    path = stack / "builds.yml"
    plain: dict[str, str] = {}
    for number, build in enumerate(catalog.builds, start=1):
        if build.plain and catalog.builds_of(build.backend)[0] is not build:
            raise _wrong(
                path,
                number,
                f"{build.build} is what PyPI has; it must stand before the other builds for "
                f"{build.backend}",
            )
        for platform in build.plain:
            if platform in plain:
                raise _wrong(
                    path, number, f"{plain[platform]} already is what PyPI has for {platform}"
                )
            plain[platform] = build.build
    for number, row in enumerate(catalog.platforms, start=1):
        if row.platform not in plain:
            raise _wrong(
                stack / "platforms.yml",
                number,
                f"no build in builds.yml is what PyPI has for {row.platform}",
            )


def _refuse_unknown(
    path: Path, number: int, what: str, names: Iterable[str], known: Collection[str], where: str
) -> None:
    for name in sorted(set(names) - set(known)):
        raise _wrong(path, number, f"{what} {name} is not in {where}")


def _wrong(path: Path, number: int, problem: str) -> StackError:
    return StackError(f"{label(path)} row {number}: {problem}.")
