"""PyTorch's wheel index as the catalog describes it, in stub wheels.

PyTorch's own index cannot be reached from everywhere, and its wheels weigh gigabytes. Here every
build has stub wheels with the published names, local versions, tags and dependencies. Where pip is
configured with a folder that holds the real wheel of a build, that one is linked instead.

The layout is that of the real index, ``<base>/<index>/<package>/``, with hashes (PEP 503) and
metadata files (PEP 658). As the wheels of an index lie in ``<base>/<index>``, the same folder is
also a folder with one folder of wheels for each index.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

from packaging.utils import canonicalize_name, parse_wheel_filename

from hooks.machine_answers import wheel_folders
from maintain.stack.rows import Build
from tests.support.catalog import checked_builds, companions, torch_version
from tests.support.stub_wheels import METADATA_SUFFIX, StubWheel, metadata_of, sha256

# What the metadata of torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl says, extras left
# out. Used where that wheel is not at hand.
TORCH_REQUIRES = (
    "filelock",
    "typing-extensions>=4.10.0",
    "setuptools>=77.0.3",
    "sympy>=1.13.3",
    "networkx>=2.5.1",
    "jinja2",
    "fsspec>=0.8.5",
)
TORCH_PYTHON = ">=3.10"

# PyTorch's index carries copies of what its packages depend on. They fulfil torch's demands and are
# older than the stack's pins, but for mpmath, which has the version of the pin and other bytes.
ORDINARY = (
    StubWheel("filelock", "3.19.1"),
    StubWheel("fsspec", "2025.9.0"),
    StubWheel("jinja2", "3.1.4", requires=("markupsafe>=2.0",)),
    StubWheel("markupsafe", "2.1.5"),
    StubWheel("mpmath", "1.3.0"),
    StubWheel("networkx", "3.3"),
    StubWheel("numpy", "2.1.2"),
    StubWheel("pillow", "11.3.0"),
    StubWheel("setuptools", "78.1.0"),
    StubWheel("sympy", "1.13.3", requires=("mpmath>=1.1.0,<1.4",)),
    StubWheel("typing-extensions", "4.12.2"),
)

Wheels = Mapping[str, Iterable[StubWheel]]


@dataclass(frozen=True)
class TorchIndex:
    """A folder with the layout of PyTorch's index.

    Attributes:
        root: What stands for the base of PyTorch's indexes.
        published: SHA-256 of every wheel by its file name, by index.
    """

    root: Path
    published: dict[str, dict[str, str]] = field(default_factory=dict)

    def hashes(self, index: str, package: str) -> set[str]:
        """Return the SHA-256 values of all wheels of a package on an index."""
        return {
            digest
            for name, digest in self.published[index].items()
            if parse_wheel_filename(name)[0] == canonicalize_name(package)
        }

    def hash_of(self, index: str, wheel: StubWheel) -> str:
        """Return the SHA-256 of one wheel, be it the stub or the real one."""
        return self.published[index][wheel.filename]

    def all_hashes(self) -> dict[str, str]:
        """Return the name of the package by the SHA-256 value of each wheel on any index."""
        return {
            digest: parse_wheel_filename(name)[0]
            for wheels in self.published.values()
            for name, digest in wheels.items()
        }

    def flat(self, folder: Path, index: str) -> Path:
        """Link all wheels of one index into a new folder, without any page, and return it."""
        folder.mkdir()
        for name in self.published[index]:
            (folder / name).symlink_to((self.root / index / name).resolve())
        return folder

    def publish(self, index: str, wheels: Iterable[StubWheel]) -> None:
        """Add wheels to an index and write its pages anew."""
        folder = self.root / index
        folder.mkdir(parents=True, exist_ok=True)
        known = self.published.setdefault(index, {})
        for wheel in wheels:
            known[wheel.filename] = sha256(_placed(wheel, folder))
        write_pages(folder, known, prefix="../")


def make_torch_index(
    root: Path, rows: Iterable[Build] | None = None, *, more: Wheels | None = None
) -> TorchIndex:
    """Write the wheels and the pages of builds.

    Args:
        root: The folder to fill.
        rows: The builds; by default all of the catalog.
        more: Further wheels by index, which are not on the real one.
    """
    index = TorchIndex(root)
    for row in checked_builds() if rows is None else rows:
        index.publish(row.index, (*wheels_of(row), *ORDINARY))
    for name, wheels in (more or {}).items():
        index.publish(name, wheels)
    return index


def with_torchvision(wheels: str, folder: Path) -> str:
    """Return an index from which an exporter that asks for torchvision can be locked.

    A folder of wheels that stands for PyTorch's index may have no torchvision. optimum-intel asks
    for it and does not need it for text, so a stub without code stands for it.

    Args:
        wheels: The answer ``torch_index`` of this machine; PyTorch's own index stays what it is.
        folder: Is made and filled where a stub is needed.
    """
    if not wheels or not Path(wheels).is_dir() or any(Path(wheels).glob("torchvision-*.whl")):
        return wheels
    folder.mkdir()
    for wheel in Path(wheels).glob("torch-*.whl"):
        (folder / wheel.name).symlink_to(wheel)
    StubWheel("torchvision", f"{companions()['torchvision']}+cpu").write(folder)
    return str(folder)


def wheels_of(row: Build) -> Iterator[StubWheel]:
    """Yield the wheels of a build: torch, its helpers and its companions."""
    for platform, wheels in row.wheels.items():
        for python in wheels.pythons:
            yield torch_wheel(row, platform, python)
            yield from helper_wheels(row, platform, python)
            yield from companion_wheels(row, platform, python)


def torch_wheel(row: Build, platform: str, python: str) -> StubWheel:
    """Return torch's wheel of a build for a platform and a Python."""
    wheels = row.wheels[platform]
    return StubWheel(
        "torch",
        torch_version() + wheels.local_version,
        wheel_tag(wheels.wheel_tag, python),
        (*torch_requires(), *row.requires),
        TORCH_PYTHON,
    )


def helper_wheels(row: Build, platform: str, python: str) -> Iterator[StubWheel]:
    """Yield the wheels that a build needs from PyTorch's index, in the versions it asks for."""
    for name, version in helper_versions(row).items():
        tag = wheel_tag(row.wheels[platform].wheel_tag, python)
        yield StubWheel(name, version, tag, python=TORCH_PYTHON)


def companion_wheels(row: Build, platform: str, python: str) -> Iterator[StubWheel]:
    """Yield the wheels of packages that are built together with torch."""
    wheels = row.wheels[platform]
    for package, version in companions(row).items():
        local = version + wheels.local_version
        requires = ("numpy", f"torch=={torch_version()}", "pillow>=5.3.0")
        tag = wheel_tag(wheels.wheel_tag, python)
        yield StubWheel(package, local, tag, requires if package == "torchvision" else ("torch",))


def helper_versions(row: Build) -> dict[str, str]:
    """Return the exact versions that a build's torch asks for of packages on PyTorch's index."""
    versions = {}
    for requirement in row.from_index:
        (pin,) = requirement.specifier
        assert pin.operator == "==", f"{row.build} asks for {requirement} and no exact version"
        versions[canonicalize_name(requirement.name)] = pin.version
    return {str(name): version for name, version in versions.items()}


def wheel_tag(platform_tag: str, python: str) -> str:
    """Return the whole tag of a wheel with compiled code for one CPython minor."""
    abi = f"cp{python.replace('.', '')}"
    return f"{abi}-{abi}-{platform_tag}"


@cache
def torch_requires() -> tuple[str, ...]:
    """Return what every build of torch depends on: from the real wheel, if there is one here."""
    real = next(iter(real_wheels().values()), None)
    if real is None:
        return TORCH_REQUIRES
    return requirements_in(metadata_of(real))


def requirements_in(metadata: str) -> tuple[str, ...]:
    """Return the dependencies in the text of a ``METADATA``, those of extras left out."""
    found = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    return tuple(each for each in found if "extra ==" not in each)


def write_pages(folder: Path, wheels: Mapping[str, str], *, prefix: str = "") -> None:
    """Write a page (PEP 503) for each package, with the metadata files of its wheels (PEP 658).

    Args:
        folder: Where each package gets a folder.
        wheels: SHA-256 of each wheel by its file name.
        prefix: Where the wheels lie, seen from the pages.
    """
    links: dict[str, list[str]] = {}
    for name, digest in sorted(wheels.items()):
        package = parse_wheel_filename(name)[0]
        (folder / package).mkdir(exist_ok=True)
        wheel = folder / package / prefix / name
        metadata = wheel.with_name(name + METADATA_SUFFIX)
        metadata.write_text(metadata_of(wheel), encoding="utf-8")
        attributes = f'data-core-metadata="sha256={sha256(metadata)}"'
        if python := re.search(r"(?m)^Requires-Python: (.+)$", metadata.read_text("utf-8")):
            attributes += f' data-requires-python="{html.escape(python[1])}"'
        address = f"{prefix}{quote(name)}#sha256={digest}"
        link = f'<a href="{address}" {attributes}>{html.escape(name)}</a><br>'
        links.setdefault(package, []).append(link)
    for name, lines in links.items():
        page = "\n".join(["<!DOCTYPE html><html><body>", *lines, "</body></html>"])
        (folder / name / "index.html").write_text(page, encoding="utf-8")


def write_overlay(folder: Path, wheels: Iterable[StubWheel]) -> dict[str, str]:
    """Write pages and wheels in the layout of an index of ordinary packages.

    Returns:
        The SHA-256 of each wheel by its file name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    published = {wheel.filename: sha256(wheel.write(folder)) for wheel in wheels}
    write_pages(folder, published, prefix="../")
    return published


def _placed(wheel: StubWheel, folder: Path) -> Path:
    real = real_wheels().get(wheel.filename)
    if real is None:
        return wheel.write(folder)
    path = folder / wheel.filename
    path.unlink(missing_ok=True)
    path.symlink_to(real)
    return path


@cache
def real_wheels() -> dict[str, Path]:
    """Return the real wheels of torch on this machine by file name."""
    return {path.name: path for folder in wheel_folders() for path in folder.glob("torch-*.whl")}
