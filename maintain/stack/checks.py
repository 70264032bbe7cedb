"""Compare every row of the hardware catalog with what the indexes really have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from maintain.stack.generated import Inputs
from maintain.stack.index import Index, NoMetadata, Unreachable, WheelFile
from maintain.stack.pins import marker_environment
from maintain.stack.rows import Build, Companion
from maintain.stack.torch_requirements import split

DIFFERS = "differs"
NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Remark:
    """One thing about a row: that it differs, or that it could not be compared."""

    kind: str
    text: str


@dataclass(frozen=True)
class Finding:
    """What the comparison of a row with an index found out.

    Attributes:
        row: The row, such as "builds.yml: cpu".
        index: What it was compared with.
        compared: What was compared.
        remarks: What differs or could not be compared; nothing when all is as published.
    """

    row: str
    index: str
    compared: str
    remarks: tuple[Remark, ...]

    @property
    def differs(self) -> bool:
        """Whether the row says something that is not so."""
        return any(remark.kind == DIFFERS for remark in self.remarks)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row of a table for people."""
        remarks = "; ".join(f"{remark.kind}: {remark.text}" for remark in self.remarks)
        return self.row, self.index, self.compared, remarks or "as published"


def check_rows(inputs: Inputs, pypi: Index, torch_index: str) -> Iterator[Finding]:
    """Compare the builds and the companions with PyPI and with PyTorch's index.

    Args:
        inputs: What the stack release is made from.
        pypi: PyPI.
        torch_index: Base address of PyTorch's indexes.
    """
    builds, companions = inputs.catalog.builds, inputs.catalog.companions
    for build in builds:
        if build.plain:
            plain = _about_plain_wheels(inputs, build, pypi)
            yield _finding(_name(build), "PyPI", "torch's plain wheels, METADATA", plain)
        if build.from_pypi:
            yield _finding(_name(build), "PyPI", "requirements", _about_needs(build, pypi))
    host = f"{urlsplit(torch_index).hostname}"
    closed = _why_closed(inputs, torch_index)
    for build in builds:
        remarks = closed or _about_build(inputs, build, torch_index)
        yield _finding(_name(build), host, "wheels, METADATA, helper packages", remarks)
    for row in companions:
        remarks = closed or _about_companion(inputs, row, torch_index)
        yield _finding(f"companions.yml: {row.package}", host, "a wheel for each build", remarks)


def _why_closed(inputs: Inputs, torch_index: str) -> list[Remark]:
    """Ask once whether somebody answers: to wait for an answer for each row takes minutes."""
    index = inputs.catalog.builds[0].index
    try:
        Index(f"{torch_index}/{index}").wheels("torch", inputs.release.torch)
    except Unreachable as error:
        return [_unreachable(error)]
    return []


def _finding(row: str, index: str, what: str, remarks: Iterable[Remark]) -> Finding:
    found: list[Remark] = []
    try:
        found.extend(remarks)
    except Unreachable as error:
        found.append(_unreachable(error))
    return Finding(row, index, what, tuple(found))


def _unreachable(error: Unreachable) -> Remark:
    return Remark(NOT_CHECKED, str(error).removesuffix("."))


def _about_needs(build: Build, pypi: Index) -> Iterator[Remark]:
    for each in build.from_pypi:
        if not pypi.has(each):
            yield Remark(DIFFERS, f"PyPI has no wheel of {each.name}{each.specifier}")


def _about_plain_wheels(inputs: Inputs, build: Build, pypi: Index) -> Iterator[Remark]:
    wheels = pypi.wheels("torch", inputs.release.torch)
    for platform in build.plain:
        yield from _about_wheels(inputs, build, platform, wheels, pypi)


def _about_build(inputs: Inputs, build: Build, base: str) -> Iterator[Remark]:
    index = Index(f"{base}/{build.index}")
    for platform, row in build.wheels.items():
        wheels = index.wheels("torch", inputs.release.torch + row.local_version)
        yield from _about_wheels(inputs, build, platform, wheels, index)
    for helper in build.from_index:
        yield from _about_helper(build, helper, index)


def _about_wheels(
    inputs: Inputs, build: Build, platform: str, wheels: Sequence[WheelFile], index: Index
) -> Iterator[Remark]:
    row = build.wheels[platform]
    tagged = [wheel for wheel in wheels if row.wheel_tag in wheel.platforms]
    published = _pythons(tagged) & set(inputs.pythons)
    if published != set(row.pythons):
        yield Remark(
            DIFFERS,
            f"{platform}: wheels tagged {row.wheel_tag} are there for {_listed(published)}, "
            f"the row says {_listed(row.pythons)}",
        )
    if not tagged:
        return
    try:
        requirements = split(index.requirements(tagged), inputs.catalog.builds).hardware
    except NoMetadata:
        yield Remark(NOT_CHECKED, f"{platform}: there is no METADATA beside the wheels")
    else:
        yield from _about_requirements(inputs, build, platform, requirements)


def _about_requirements(
    inputs: Inputs, build: Build, platform: str, published: Iterable[Requirement]
) -> Iterator[Remark]:
    said = _applying(build.requirements, platform, inputs.pythons[0])
    asked = _applying(published, platform, inputs.pythons[0])
    for each in sorted(asked - said):
        yield Remark(DIFFERS, f"{platform}: torch asks for {each}, the row does not")
    for each in sorted(said - asked):
        yield Remark(DIFFERS, f"{platform}: the row asks for {each}, torch does not")


def _about_helper(build: Build, helper: Requirement, index: Index) -> Iterator[Remark]:
    (pin,) = helper.specifier
    wanted = {python for row in build.wheels.values() for python in row.pythons}
    missing = wanted - _pythons(index.wheels(helper.name, pin.version))
    if missing:
        yield Remark(
            DIFFERS, f"{helper.name} {pin.version} has no wheel for Python {_listed(missing)}"
        )


def _about_companion(inputs: Inputs, row: Companion, base: str) -> Iterator[Remark]:
    for build in inputs.catalog.builds:
        index = Index(f"{base}/{build.index}")
        labels = {wheels.local_version for wheels in build.wheels.values()}
        found = any(index.wheels(row.package, row.version + label) for label in sorted(labels))
        if found is (build.build in row.not_for):
            there = "a" if found else "no"
            yield Remark(DIFFERS, f"there is {there} wheel of {row.version} for {build.build}")


def _applying(requirements: Iterable[Requirement], platform: str, python: str) -> set[str]:
    environment = marker_environment(python, platform)
    return {
        str(each)
        for each in requirements
        if each.marker is None or each.marker.evaluate(dict(environment))
    }


def _pythons(wheels: Iterable[WheelFile]) -> set[str]:
    return {python for wheel in wheels for python in wheel.pythons}


def _listed(pythons: Iterable[str]) -> str:
    return ", ".join(sorted(pythons, key=lambda each: int(each.partition(".")[2]))) or "none"


def _name(build: Build) -> str:
    return f"builds.yml: {build.build}"
