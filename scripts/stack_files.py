"""What the generated files of the stack release are made from, and how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.stack_data import (
    DirectDependency,
    Release,
    StackError,
    load_backends,
    load_pythons,
    load_release,
    load_requirements,
)
from scripts.stack_pins import by_name, parse_pins, render_header
from scripts.stack_resolver import Resolver

GENERATED = ("constraints.txt", "toolchain.txt")


@dataclass(frozen=True)
class Inputs:
    """All that the generated files are made from."""

    release: Release
    pythons: tuple[str, ...]
    direct: tuple[DirectDependency, ...]
    toolchain: tuple[str, ...]

    @property
    def requirements(self) -> list[str]:
        """The union of all rows of requirements.yml, torch with its version."""
        packages = sorted({row.package for row in self.direct}, key=str.lower)
        return [
            f"{package}=={self.release.torch}" if package == "torch" else package
            for package in packages
        ]


def load_inputs(stack: Path) -> Inputs:
    """Read and check every data file of the stack.

    Raises:
        StackError: A file is wrong.
    """
    load_backends(stack)  # not an input of the pins, but a wrong file must not be released
    return Inputs(
        load_release(stack),
        tuple(load_pythons(stack)),
        tuple(load_requirements(stack)),
        tuple(_requirement_lines(stack / "toolchain.in")),
    )


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
    missing = [python for python in inputs.pythons if not resolver.has_wheel(torch, python)]
    if len(missing) == len(inputs.pythons):
        raise StackError(f"There is no wheel of {torch} up to {inputs.release.cutoff}.")
    if missing:
        wrong = ", ".join(missing)
        raise StackError(f"stack/pythons.yml: {torch} has no wheel for {wrong}; remove the row.")
    newer = f"3.{Version(inputs.pythons[0]).minor + 1}"
    if resolver.has_wheel(torch, newer):
        raise StackError(f"stack/pythons.yml: {torch} has a wheel for {newer}; add a row for it.")


def stack_uv(resolver: Resolver, inputs: Inputs) -> Resolver:
    """Change to the uv that toolchain.txt will name, as versions of uv write different markers."""
    if "uv" not in inputs.toolchain:
        return resolver
    pins = by_name(parse_pins(resolver.resolve(["uv"])))
    return resolver.with_uv(str(pins[canonicalize_name("uv")][0].version))


def render_files(resolver: Resolver, inputs: Inputs) -> dict[str, str]:
    """Resolve and write the generated files in memory, by name.

    Raises:
        StackError: uv failed, or no set of versions fits.
    """
    pins = resolver.resolve(inputs.requirements)
    tools = resolver.resolve(inputs.toolchain, constraints=pins, hashes=True)
    about_pins = "every package of every option, for all offered Pythons and platforms"
    about_tools = "the environment that locks and installs"
    return {
        "constraints.txt": render_header(inputs.release, about_pins) + pins,
        "toolchain.txt": render_header(inputs.release, about_tools) + tools,
    }


def _requirement_lines(path: Path) -> list[str]:
    lines = (
        line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()
    )
    return [line for line in lines if line]
