"""What the stack release says, as adopting needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from maintain.stack.data import (
    load_builds,
    load_companions,
    load_pythons,
    load_release,
    load_requirements,
    load_reserved_names,
    offered_pythons,
)
from maintain.stack.rows import Build, DirectDependency, Release

# NVIDIA's libraries as torch's builds name them; its other packages come with no build.
_CUDA_LIBRARY = re.compile(
    r"nvidia-(cublas|cuda-(cupti|nvrtc|runtime|nvcc|cccl)|cudnn|cufft|cufile|curand|cusolver|"
    r"cusparse|cusparselt|nccl|nvjitlink|nvshmem|nvtx)(-cu\d+)?|cuda-(bindings|pathfinder|toolkit)"
)
STACK = Path(__file__).resolve().parents[2] / "stack"


@dataclass(frozen=True)
class Stack:
    """The stack release.

    Attributes:
        release: Its row.
        builds: The builds of torch.
        companions: Versions of torch's companions by name.
        direct: The template's own requirements, layer by layer.
        pins: Lines of its constraints.
        pythons: The Pythons that the template offers, its default first.
        reserved: Names that no package can have.
    """

    release: Release
    builds: Sequence[Build]
    companions: Mapping[str, str]
    direct: Sequence[DirectDependency]
    pins: Sequence[Requirement]
    pythons: Sequence[str]
    reserved: Sequence[str]

    def pinned(self, python: str) -> dict[str, str]:
        """Return the versions for a Python by normalized name, torch and its companions too."""
        values = default_environment()
        said = {**values, "python_version": python, "python_full_version": f"{python}.0"}
        environment = {name: str(value) for name, value in said.items()}
        found = dict(self.companions)
        for each in self.pins:
            if each.marker is None or each.marker.evaluate(environment):
                found[str(canonicalize_name(each.name))] = next(iter(each.specifier)).version
        return found

    def is_torch_family(self, name: str) -> bool:
        """Tell whether a package comes from PyTorch's index together with torch."""
        return name == "torch" or name in self.companions

    def is_torch_of_conda(self, name: str) -> bool:
        """Tell whether a package of conda is a build of torch."""
        specs = (row.conda[0] for row in self.builds if row.conda)
        return name in {re.split(r"[\s=<>]", spec, maxsplit=1)[0] for spec in specs}

    def is_hardware(self, name: str) -> bool:
        """Tell whether a build of torch brings a package that nobody requires directly."""
        brought = {
            str(canonicalize_name(each.name)) for row in self.builds for each in row.requirements
        }
        return name in brought or bool(_CUDA_LIBRARY.fullmatch(name))


@cache
def load() -> Stack:
    """Read the stack release."""
    lines = (STACK / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return Stack(
        release=load_release(STACK),
        builds=load_builds(STACK),
        companions={
            str(canonicalize_name(row.package)): row.version for row in load_companions(STACK)
        },
        direct=load_requirements(STACK),
        pins=[Requirement(line) for line in lines if line and not line.startswith("#")],
        pythons=offered_pythons(load_pythons(STACK)),
        reserved=load_reserved_names(STACK),
    )
