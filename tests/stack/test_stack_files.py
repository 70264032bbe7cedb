"""The committed constraints.txt and toolchain.txt fit the data and each other."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.stack_data import load_pythons, load_release, load_requirements, offered_pythons
from scripts.stack_pins import PLATFORMS, Pin, marker_environment, parse_pins, pins_for

PYTHONS = offered_pythons(load_pythons(Path(__file__).resolve().parents[2] / "stack"))


def _pins(stack: Path, name: str) -> list[Pin]:
    return parse_pins((stack / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_direct_dependency_is_pinned_once(stack: Path, python: str, platform: str) -> None:
    chosen = pins_for(_pins(stack, "constraints.txt"), marker_environment(python, platform))
    missing = {row.name for row in load_requirements(stack)} - set(chosen)
    assert not missing


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_toolchain_agrees_with_the_constraints(stack: Path, python: str, platform: str) -> None:
    environment = marker_environment(python, platform)
    tools = pins_for(_pins(stack, "toolchain.txt"), environment)
    pins = pins_for(_pins(stack, "constraints.txt"), environment)
    assert "setuptools" in tools.keys() & pins.keys()
    assert {name: tools[name] for name in tools.keys() & pins.keys()} == {
        name: pins[name] for name in tools.keys() & pins.keys()
    }


def test_every_tool_is_pinned_with_hashes(stack: Path) -> None:
    pins = _pins(stack, "toolchain.txt")
    lines = (stack / "toolchain.in").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    asked = {canonicalize_name(each.name) for each in wanted}
    assert not any(each.specifier for each in wanted), "versions stand in toolchain.txt only"
    assert {"pip", "setuptools", "pip-tools", "uv"} <= asked
    assert asked <= {pin.name for pin in pins}
    assert [pin.name for pin in pins if not pin.hashes] == []


def test_torch_is_the_releases_for_every_environment(stack: Path) -> None:
    pins = [pin for pin in _pins(stack, "constraints.txt") if pin.name == "torch"]
    assert [(str(pin.version), pin.marker) for pin in pins] == [(load_release(stack).torch, "")]


def test_no_pin_is_a_pre_release_or_bound_to_one_build(stack: Path) -> None:
    for name in ("constraints.txt", "toolchain.txt"):
        pins = _pins(stack, name)
        assert [p for p in pins if p.version.is_prerelease or p.version.local] == []


@pytest.mark.parametrize("name", ["constraints.txt", "toolchain.txt"])
def test_generated_files_are_portable(stack: Path, name: str) -> None:
    text = (stack / name).read_bytes().decode("utf-8")
    release = load_release(stack)
    assert text.startswith(f"# Stack release {release.name}: ")
    assert f"uploaded after {release.cutoff} were" in text
    assert "\r" not in text
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
