"""Render the page about hardware, docs/reference/hardware.md, from the stack's catalog.

Nothing on the page is written by hand: what is wrong on it is wrong in stack/*.yml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from maintain.stack.catalog import Catalog, load_catalog
from maintain.stack.data import load_release
from maintain.stack.rows import Backend, Build, Gpu, Release, Sourced

PAGE = Path("docs/reference/hardware.md")
SERVED = Path("stack/served_generations.yml")
CONDA = ("conda-forge has it as", "conda-forge beside the wheels")
FIRM = ("registry", "primary")  # strengths of sources that settle a fact

HEADER = """\
# The generations of GPUs that every build of torch has code for, on some platform at least.
# Made by scripts/hardware_page.py from builds.yml and gpus.yml; do not edit.
"""
INTRODUCTION = """\
<!-- Made by scripts/hardware_page.py from stack/*.yml; do not edit. -->
# Hardware

What torch {torch} of the stack release {name} runs on, and what it needs there. Every fact is a
row of `stack/*.yml` with its sources; questions, projects and this page read it from there.
[Tested on](tested-on.md) says what was proved."""
ABOUT_BUILDS = """\
The first build of a backend is its default. Drivers are the lowest that work, by NVIDIA's
minor-version compatibility. What a build brings besides torch is pinned in
`stack/constraints/<build>.txt`; from PyTorch's index come only the packages that PyPI lacks."""
ABOUT_GPUS = """\
A GPU of compute capability M.m runs code for M.k with k not above m; AMD's gfx names must be
equal."""
ABOUT_SOURCES = """\
Strength: `registry` was read in a package registry, `primary` comes from whoever makes the thing,
`third-party` from somebody who uses it, `inferred` was concluded from other rows."""

Rows = Iterable[Sequence[str]]


def render_page(catalog: Catalog, release: Release) -> str:
    """Return the text of the page."""
    parts = [
        INTRODUCTION.format(torch=release.torch, name=release.name),
        _section(
            "Backends",
            _table(
                ("backend", "for", "find out", "device", "needs"),
                (
                    (
                        _code(row.backend),
                        row.title,
                        row.find_out,
                        _code(row.torch_device),
                        row.host_needs,
                    )
                    for row in catalog.backends
                ),
            ),
        ),
        _section("Builds of torch", ABOUT_BUILDS, _builds(catalog), _wheels(catalog)),
        _section("GPUs", ABOUT_GPUS, *_gpus(catalog)),
        _section("Beside torch", _companions(catalog)),
        _section("In containers", _containers(catalog)),
        _section("Environment variables", _variables(catalog)),
        _section("Sources", ABOUT_SOURCES, _sources(catalog)),
        _section("Facts that no maker or registry confirms", _weak_facts(catalog)),
    ]
    return "\n\n".join(parts) + "\n"


def render_files(root: Path) -> dict[Path, str]:
    """Return the texts of the page and of what questions ask the catalog.

    Raises:
        StackError: A file of the stack is wrong.
    """
    stack = root / "stack"
    catalog = load_catalog(stack)
    return {PAGE: render_page(catalog, load_release(stack)), SERVED: render_served(catalog)}


def render_served(catalog: Catalog) -> str:
    """Return the text of the file that says which GPUs every build serves."""
    rows = {build.build: _served(catalog, build) for build in catalog.builds}
    return HEADER + yaml.safe_dump(rows, sort_keys=False, allow_unicode=True)


def _served(catalog: Catalog, build: Build) -> list[str]:
    platforms = build.gpu_targets
    served = [catalog.generations(build, each, served=True) for each in platforms]
    return [gpu.generation for gpu in catalog.gpus if any(gpu in each for each in served)]


def _builds(catalog: Catalog) -> str:
    columns = ("build", "title", "plain wheel on PyPI", "driver on Linux", "driver on Windows")
    rows = (
        (
            _code(build.build),
            build.title,
            "; ".join(catalog.platform(name).title for name in build.plain),
            build.driver.get("linux", ""),
            build.driver.get("windows", ""),
            _codes(build.index_packages),
            _codes(build.conda),
            _codes(build.conda_libraries),
        )
        for build in catalog.builds
    )
    return _table((*columns, "from PyTorch's index", *CONDA), rows)


def _wheels(catalog: Catalog) -> str:
    rows = (
        (
            _code(build.build),
            catalog.platform(platform).title,
            _code(wheels.local_version) if wheels.local_version else "none",
            _code(wheels.wheel_tag),
            ", ".join(wheels.pythons),
        )
        for build in catalog.builds
        for platform, wheels in build.wheels.items()
    )
    return _table(("build", "platform", "label", "wheel tag", "Pythons"), rows)


def _gpus(catalog: Catalog) -> Iterator[str]:
    for backend in catalog.backends:
        gpus = [gpu for gpu in catalog.gpus if gpu.backend == backend.backend]
        if not gpus:
            continue
        builds = [build for build in catalog.builds_of(backend.backend) if build.gpu_targets]
        columns = ("generation", "for example", "target", *(_code(row.build) for row in builds))
        yield f"### {backend.title}"
        yield _table(columns, (_gpu(catalog, gpu, builds) for gpu in gpus))


def _gpu(catalog: Catalog, gpu: Gpu, builds: Iterable[Build]) -> Sequence[str]:
    served = (_where_served(catalog, gpu, build) for build in builds)
    return gpu.generation, gpu.examples, ", ".join(gpu.targets), *served


def _where_served(catalog: Catalog, gpu: Gpu, build: Build) -> str:
    on = [
        platform
        for platform in build.gpu_targets
        if gpu in catalog.generations(build, platform, served=True)
    ]
    if len(on) == len(build.gpu_targets):
        return "yes"
    return "; ".join(catalog.platform(name).title for name in on) or "no"


def _companions(catalog: Catalog) -> str:
    rows = (
        (_code(row.package), row.version, row.why, _codes(row.not_for))
        for row in catalog.companions
    )
    return _table(("package", "version", "about", "no wheel for"), rows)


def _containers(catalog: Catalog) -> str:
    columns = ("backend", "base image", "options of `docker run`", "variables", "Debian packages")
    bases = (
        (_code(row.image), row.python, _code(row.reference), _codes(filter(None, [row.digest])))
        for row in catalog.images
        if row.python
    )
    return "\n\n".join(
        (
            _table(columns, (_container(row) for row in catalog.backends)),
            _table(("base image", "Python", "reference", "digest"), bases),
        )
    )


def _container(row: Backend) -> Sequence[str]:
    if not row.container.base_image:
        return _code(row.backend), "none: a container does not reach the device", "", "", ""
    return (
        _code(row.backend),
        _code(row.container.base_image),
        _codes(row.container.device_flags),
        _codes(f"{name}={value}" for name, value in row.container.environment.items()),
        _packages(row),
    )


def _packages(row: Backend) -> str:
    release = row.container.debian_release
    return _codes(row.system_packages) + (f" of Debian {release}" if release else "")


def _variables(catalog: Catalog) -> str:
    rows = [
        (_code(row.backend), _code(f"{name}={value}"), "programs")
        for row in catalog.backends
        for name, value in row.environment.items()
    ]
    rows += [
        (row.title, _code(f"{name}={value}"), "resolving with uv")
        for row in catalog.platforms
        for name, value in row.variables.items()
    ]
    return _table(("for", "variable", "of"), rows)


def _sources(catalog: Catalog) -> str:
    rows = (
        (
            _code(row.id),
            row.title,
            row.strength,
            row.dated.isoformat() if row.dated else "",
            row.checked.isoformat(),
        )
        for row in catalog.sources
    )
    return _table(("source", "what", "strength", "of", "read"), rows)


def _weak_facts(catalog: Catalog) -> str:
    firm = {row.id for row in catalog.sources if row.strength in FIRM}
    rows = (
        (_code(name), field, _codes(ids))
        for name, row in _named(catalog)
        for field, ids in row.sources.items()
        if not firm.intersection(ids)
    )
    return _table(("row", "fact", "sources"), rows)


def _named(catalog: Catalog) -> Iterator[tuple[str, Sourced]]:
    yield from ((row.platform, row) for row in catalog.platforms)
    yield from ((row.backend, row) for row in catalog.backends)
    yield from ((row.build, row) for row in catalog.builds)
    yield from ((row.generation, row) for row in catalog.gpus)
    yield from ((row.package, row) for row in catalog.companions)
    yield from ((row.repository, row) for row in catalog.actions)
    yield from ((row.label, row) for row in catalog.runners)
    yield from ((f"{row.image} {row.python}".strip(), row) for row in catalog.images)


def _section(title: str, *parts: str) -> str:
    return "\n\n".join([f"## {title}", *parts])


def _table(columns: Sequence[str], rows: Rows) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[str]) -> str:
    return " ".join(map(_code, texts))
