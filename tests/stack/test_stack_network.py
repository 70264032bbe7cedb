"""The committed stack against PyPI itself."""

import os
import subprocess
import venv
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from maintain.stack.data import (
    load_builds,
    load_platforms,
    load_pythons,
    load_requirements,
    offered_pythons,
    oldest,
)
from maintain.stack.generated import TOOLS, Inputs, load_inputs, stack_uv
from maintain.stack.held_back import Resolution, explain
from maintain.stack.index import pypi
from maintain.stack.pins import by_name, marker_environment, parse_pins, pins_for
from maintain.stack.refresh import present_files
from maintain.stack.resolver import Resolver, find_uv
from maintain.stack.rows import Build, Platform
from maintain.stack.torch_requirements import common_requirements
from scripts.refresh_stack import main

pytestmark = pytest.mark.network
STACK = Path(__file__).resolve().parents[2] / "stack"
PYTHONS = offered_pythons(load_pythons(STACK))
PLATFORMS = load_platforms(STACK)
ANYWHERE = "python_version >= '3'"
FROM_PYPI = [row for row in load_builds(STACK) if row.from_pypi]


@pytest.fixture(scope="module")
def inputs(stack: Path) -> Inputs:
    return replace(load_inputs(stack), kept=present_files(stack))


@pytest.fixture(scope="module")
def resolver(inputs: Inputs) -> Resolver:
    plain = stack_uv(Resolver(find_uv(), inputs.release.cutoff, oldest(PYTHONS)), inputs)
    torch = inputs.release.torch
    return plain.knowing("torch", torch, common_requirements(pypi(), torch, inputs.catalog))


@pytest.mark.slow
def test_the_committed_pins_hold(capsys: pytest.CaptureFixture[str]) -> None:
    # Without --keep, a release of before the cutoff that PyPI or a mirror shows late would count.
    code = main(["--check", "--keep"])
    written = capsys.readouterr()
    assert code == 0, written.out + written.err


@pytest.mark.slow
def test_a_pin_of_after_the_cutoff_is_not_kept(resolver: Resolver, stack: Path) -> None:
    ruff = canonicalize_name("ruff")
    committed = by_name(parse_pins((stack / "constraints.txt").read_text(encoding="utf-8")))[ruff]
    pin = f"ruff=={committed[0].version}\n"
    assert resolver.resolve(["ruff"], preferred=pin) == pin
    earlier = replace(resolver, cutoff=resolver.cutoff.replace(day=1))
    assert earlier.resolve(["ruff"], preferred=pin) != pin


@pytest.mark.parametrize("name", TOOLS)
def test_the_hashes_of_the_tools_are_those_of_pypi(
    resolver: Resolver, stack: Path, name: str
) -> None:
    committed = parse_pins((stack / f"{name}.txt").read_text(encoding="utf-8"))
    lines = [f"{pin.name}=={pin.version} ; {pin.marker or ANYWHERE}" for pin in committed]
    found = parse_pins(resolver.resolve(lines, hashes=True))
    published = {(pin.name, pin.version): {*pin.hashes} for pin in found}
    for pin in committed:
        assert pin.hashes
        assert {*pin.hashes} <= published[pin.name, pin.version], pin.name


def test_the_resolver_is_the_toolchains_uv(resolver: Resolver, stack: Path) -> None:
    pins = parse_pins((stack / "toolchain.txt").read_text(encoding="utf-8"))
    assert [str(pin.version) for pin in pins if pin.name == "uv"] == [resolver.version()]


def test_another_uv_is_fetched_when_asked_for(resolver: Resolver) -> None:
    assert resolver.with_uv("0.13.0").version() == "0.13.0"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda row: row.platform)
@pytest.mark.parametrize(
    "python", [PYTHONS[0], *(pytest.param(each, marks=pytest.mark.slow) for each in PYTHONS[1:])]
)
def test_every_environment_installs_the_pins_from_wheels(
    resolver: Resolver, inputs: Inputs, stack: Path, python: str, platform: Platform
) -> None:
    constraints = (stack / "constraints.txt").read_text(encoding="utf-8")
    built = {row.requirement for row in load_requirements(stack) if row.built}
    built |= {row.package for row in inputs.offered if row.built}
    wanted = [each for each in inputs.requirements if each not in built]
    wheels = resolver.resolve_wheels(wanted, python, platform, constraints=constraints)
    installed = {pin.name: pin.version for pin in parse_pins(wheels)}
    environment = marker_environment(python, platform.platform)
    assert installed.items() <= pins_for(parse_pins(constraints), environment).items()


@pytest.mark.parametrize("build", FROM_PYPI, ids=lambda row: row.build)
@pytest.mark.parametrize(
    "python", [PYTHONS[0], *(pytest.param(each, marks=pytest.mark.slow) for each in PYTHONS[1:])]
)
def test_what_a_build_adds_installs_from_wheels(
    resolver: Resolver, stack: Path, build: Build, python: str
) -> None:
    files = ("constraints.txt", f"constraints/{build.build}.txt")
    constraints = "".join((stack / name).read_text(encoding="utf-8") for name in files)
    wanted = [str(each) for each in build.from_pypi]
    for platform in (row for row in PLATFORMS if row.platform in build.wheels):
        wheels = resolver.resolve_wheels(wanted, python, platform, constraints=constraints)
        installed = {pin.name: pin.version for pin in parse_pins(wheels)}
        environment = marker_environment(python, platform.platform)
        assert installed.items() <= pins_for(parse_pins(constraints), environment).items()


def test_an_older_cutoff_gives_older_pins(resolver: Resolver, inputs: Inputs) -> None:
    earlier = Resolver(resolver.command, inputs.release.cutoff.replace(day=1), resolver.python)
    ruff = canonicalize_name("ruff")
    now, then = (each.newest([ruff], PYTHONS[0])[ruff] for each in (resolver, earlier))
    assert then < now


def test_numpys_newest_release_is_held_back_on_the_oldest_python(
    resolver: Resolver, inputs: Inputs, stack: Path
) -> None:
    pins = by_name(parse_pins((stack / "constraints.txt").read_text(encoding="utf-8")))
    numpy = canonicalize_name("numpy")
    resolution = Resolution(inputs.requirements, "", pins)
    newest = resolver.newest([numpy], PYTHONS[0])[numpy]
    reason = explain(resolver, resolution, numpy, newest)
    assert reason.startswith(f"numpy {newest} needs Python>=")


@pytest.mark.slow
@pytest.mark.parametrize("name", TOOLS)
def test_the_pip_that_python_brings_installs_the_tools(
    name: str, stack: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    folder = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    command = [str(folder / "python"), "-m", "pip", "install", "--dry-run", "--require-hashes"]
    done = subprocess.run(
        [*command, "--requirement", str(stack / f"{name}.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stdout
