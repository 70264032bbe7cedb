"""What torch asks for: of every machine, and of the hardware that a build is for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from maintain.stack.catalog import Catalog
from maintain.stack.data import StackError
from maintain.stack.index import Index
from maintain.stack.rows import Build

_PLATFORM_MARKERS = ("platform_system", "sys_platform", "platform_machine", "os_name")


@dataclass(frozen=True)
class Requires:
    """What a wheel of torch asks for, in two parts.

    Attributes:
        common: What every build of torch asks for.
        hardware: What the build asks for beyond that.
    """

    common: Sequence[Requirement]
    hardware: Sequence[Requirement]


def split(wanted: Iterable[Requirement], builds: Iterable[Build]) -> Requires:
    """Divide the requirements of a wheel of torch.

    What a row of builds.yml names is hardware, and what is asked for on some platforms only.

    Args:
        wanted: The requirements.
        builds: All builds.
    """
    names = {canonicalize_name(each.name) for build in builds for each in build.requirements}
    found = list(dict.fromkeys(wanted))  # METADATA may repeat a line
    hardware = [
        each
        for each in found
        if canonicalize_name(each.name) in names
        or any(marker in str(each.marker) for marker in _PLATFORM_MARKERS)
    ]
    return Requires([each for each in found if each not in hardware], hardware)


def common_requirements(pypi: Index, torch: str, catalog: Catalog) -> list[str]:
    """Read on PyPI what every build of torch asks for.

    Args:
        pypi: PyPI.
        torch: The version of torch.
        catalog: The hardware catalog.

    Raises:
        StackError: PyPI cannot be reached, or has no such torch with METADATA beside it.
    """
    wheels = pypi.wheels("torch", torch)
    if not wheels:
        raise StackError(f"There is no wheel of torch=={torch} on PyPI.")
    return [str(each) for each in split(pypi.requirements(wheels), catalog.builds).common]
