"""The committed constraints and tools fit the data and each other."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from maintain.stack.data import (
    load_builds,
    load_exporters,
    load_platforms,
    load_pythons,
    load_release,
    load_requirements,
    offered_pythons,
)
from maintain.stack.generated import TOOLS, load_inputs
from maintain.stack.pins import Pin, by_name, marker_environment, parse_pins, pins_for
from maintain.stack.rows import Build

STACK = Path(__file__).resolve().parents[2] / "stack"
PYTHONS = offered_pythons(load_pythons(STACK))
PLATFORMS = [row.platform for row in load_platforms(STACK)]
WITH_HARDWARE = [row for row in load_builds(STACK) if row.requires]
OF_BUILDS = [f"constraints/{row.build}.txt" for row in WITH_HARDWARE]
OF_TOOLS = [f"{name}.txt" for name in TOOLS]
EXPORTERS = dict.fromkeys(row.exporter for row in load_exporters(STACK))
OF_EXPORTERS = [f"exporters/{name}.txt" for name in EXPORTERS]


def _pins(stack: Path, name: str) -> list[Pin]:
    return parse_pins((stack / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_direct_dependency_is_pinned_once(stack: Path, python: str, platform: str) -> None:
    environment = marker_environment(python, platform)
    chosen = pins_for(_pins(stack, "constraints.txt"), environment)
    wanted = (Requirement(each) for each in load_inputs(stack).requirements)
    names = {
        canonicalize_name(each.name)
        for each in wanted
        if not each.marker or each.marker.evaluate(environment)
    }
    assert len(names) > len(chosen) // 10
    assert names <= set(chosen)


@pytest.mark.parametrize("build", WITH_HARDWARE, ids=lambda row: row.build)
def test_what_one_backend_needs_is_pinned_with_its_builds(stack: Path, build: Build) -> None:
    files = ("constraints.txt", f"constraints/{build.build}.txt")
    pins = {pin.name: pin.version for name in files for pin in _pins(stack, name)}
    wanted = [Requirement(each) for each in load_inputs(stack).requirements_of(build)]
    assert wanted
    for each in wanted:
        assert pins[canonicalize_name(each.name)] in each.specifier


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_tools_agree_with_the_constraints(stack: Path, python: str, platform: str) -> None:
    environment = marker_environment(python, platform)
    toolchain = pins_for(_pins(stack, "toolchain.txt"), environment)
    tools = {**pins_for(_pins(stack, "copier.txt"), environment), **toolchain}
    pins = pins_for(_pins(stack, "constraints.txt"), environment)
    assert "setuptools" in tools.keys() & pins.keys()
    assert {name: tools[name] for name in tools.keys() & pins.keys()} == {
        name: pins[name] for name in tools.keys() & pins.keys()
    }


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("toolchain", {"pip", "setuptools", "pip-tools", "uv"}),
        ("copier", {"copier"}),
        ("audit", {"pip-audit"}),
    ],
)
def test_every_tool_is_pinned_with_hashes(stack: Path, name: str, least: set[str]) -> None:
    pins = _pins(stack, f"{name}.txt")
    lines = (stack / f"{name}.in").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    asked = {canonicalize_name(each.name) for each in wanted}
    assert not any(each.specifier for each in wanted), f"versions stand in {name}.txt only"
    assert least <= asked <= {pin.name for pin in pins}
    assert [pin.name for pin in pins if not pin.hashes] == []


def test_the_pinned_copier_is_one_that_the_template_admits(stack: Path) -> None:
    settings = (stack.parent / "copier.yml").read_text(encoding="utf-8")
    least = re.search(r'^_min_copier_version: "(.+)"$', settings, re.MULTILINE)
    (copier,) = (pin for pin in _pins(stack, "copier.txt") if pin.name == "copier")
    assert least and copier.version >= Version(least[1])


def test_torch_is_the_releases_for_every_environment(stack: Path) -> None:
    pins = [pin for pin in _pins(stack, "constraints.txt") if pin.name == "torch"]
    assert [(str(pin.version), pin.marker) for pin in pins] == [(load_release(stack).torch, "")]


def test_no_pin_is_bound_to_one_build_or_a_pre_release_that_no_row_names(stack: Path) -> None:
    rows = [*load_requirements(stack), *load_exporters(stack)]
    named = {row.name for row in rows if SpecifierSet(row.floor).prereleases}
    kinds = ("exporter-prometheus", "semantic-conventions")
    assert named == {f"opentelemetry-{kind}" for kind in kinds}, "all releases are pre-releases"
    for name in ("constraints.txt", *OF_TOOLS, *OF_BUILDS, *OF_EXPORTERS):
        pins = _pins(stack, name)
        odd = {p.name for p in pins if p.version.is_prerelease or p.version.local}
        assert odd <= named, name


def test_builds_with_hardware_have_a_file_and_no_other(stack: Path) -> None:
    assert sorted(path.name for path in (stack / "constraints").iterdir()) == sorted(
        f"{row.build}.txt" for row in WITH_HARDWARE
    )


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_what_an_exporter_shares_has_the_version_of_the_stack(stack: Path, exporter: str) -> None:
    pins = by_name(_pins(stack, f"exporters/{exporter}.txt"))
    common = by_name(_pins(stack, "constraints.txt"))
    rows = [row for row in load_exporters(stack) if row.exporter == exporter]
    shared = {row.name for row in rows if row.shared}
    assert all(row.name in pins for row in rows)
    if not shared <= common.keys():  # it goes beside all layers, as Ray does
        shared = {*pins.keys() & common.keys()}
    else:  # without a difference it could be a layer
        assert any(common[name] != pins[name] for name in pins.keys() & common.keys())
    for name in shared:  # markers may differ, by who asks for it
        assert {pin.version for pin in pins[name]} <= {pin.version for pin in common[name]}, name


def test_nothing_that_serves_hardware_is_pinned_for_everybody(stack: Path) -> None:
    common = {pin.name for pin in _pins(stack, "constraints.txt")}
    hardware = {pin.name for name in OF_BUILDS for pin in _pins(stack, name)}
    assert hardware and not common & hardware
    assert not [name for name in common if name.startswith(("nvidia", "cuda", "triton", "intel"))]


@pytest.mark.parametrize("build", WITH_HARDWARE, ids=lambda row: row.build)
def test_every_need_of_a_build_is_pinned_where_it_applies(stack: Path, build: Build) -> None:
    pins = _pins(stack, f"constraints/{build.build}.txt")
    for platform, row in build.wheels.items():
        for python in set(row.pythons) & set(PYTHONS):
            environment = marker_environment(python, platform)
            chosen = pins_for(pins, environment)
            for need in build.requirements:
                if need.marker is None or need.marker.evaluate(environment):
                    assert need.specifier.contains(chosen[canonicalize_name(need.name)])


@pytest.mark.parametrize("build", [row for row in WITH_HARDWARE if row.backend == "cuda"])
def test_the_libraries_of_one_cuda_are_of_that_release(stack: Path, build: Build) -> None:
    pins = {pin.name: pin for pin in _pins(stack, f"constraints/{build.build}.txt")}
    cuda = build.title.split()[-1]
    of_the_release = ("cuda-nvrtc", "cuda-runtime", "cuda-cupti", "nvtx", "nvjitlink")
    for part in of_the_release:
        (pin,) = (pin for name, pin in pins.items() if name.startswith(f"nvidia-{part}"))
        assert str(pin.version).startswith(f"{cuda}.")


@pytest.mark.parametrize("name", ["constraints.txt", *OF_TOOLS, *OF_BUILDS, *OF_EXPORTERS])
def test_generated_files_are_portable(stack: Path, name: str) -> None:
    text = (stack / name).read_bytes().decode("utf-8")
    release = load_release(stack)
    assert text.startswith(f"# Stack release {release.name}: ")
    assert f"uploaded after {release.cutoff} were" in text
    assert "\r" not in text
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
