"""Rows of the stack release's data files (stack/*.yml): what each of them must hold.

Every row is a pydantic model. A row of the hardware catalog names the sources of its facts, field
by field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, ClassVar, Self

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

NOT_EMPTY = Field(min_length=1)
_PYDANTIC_KINDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be keys and values",
    "greater_than": "must be above 0",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must be keys and values",
    "too_short": "must not be empty",
}


def _read(meaning: str, reader: Callable[[str], Any]) -> PlainValidator:
    """Make a validator of text from a function that reads it, or raises ValueError."""

    def validate(value: object) -> Any:
        try:
            if isinstance(value, str):
                return reader(value)
        except ValueError:
            pass
        raise PydanticCustomError("wrong_text", "must {meaning}", {"meaning": meaning})

    return PlainValidator(validate)


def _matches(pattern: str, meaning: str) -> PlainValidator:
    return _read(meaning, lambda text: _passed(text, re.fullmatch(pattern, text) is not None))


def _passed(text: str, passed: bool) -> str:
    if not passed:
        raise ValueError
    return text


def _final_version(text: str) -> str:
    version = Version(text)
    return _passed(text, not version.is_prerelease and version.local is None)


def _requirement(text: str) -> str:
    return _passed(text, Requirement(text).url is None)


def _bare_package(text: str) -> str:
    requirement = Requirement(text)
    return _passed(text, not (requirement.specifier or requirement.marker or requirement.url))


Text = Annotated[str, _read("be text in quotes", lambda text: _passed(text, bool(text.strip())))]
MaybeText = Annotated[str, _read('be text in quotes, or ""', str)]
Day = Annotated[date, _read('be a date in quotes such as "2026-01-31"', date.fromisoformat)]
MaybeDay = Annotated[
    date | None,
    _read('be a date in quotes, or ""', lambda text: date.fromisoformat(text) if text else None),
]
Name = Annotated[str, _matches(r"[a-z0-9]+([._-][a-z0-9]+)*", "be a name in small letters")]
Python = Annotated[str, _matches(r"3\.\d+", 'be a CPython minor in quotes such as "3.12"')]
FinalVersion = Annotated[
    str, _read('be a final version in quotes such as "1.2.3", without a label', _final_version)
]
Wanted = Annotated[str, _read("be a requirement as in METADATA, without an address", _requirement)]
BarePackage = Annotated[
    str,
    _read("be a package alone; constraints.txt holds the versions", _bare_package),
]
MaybeMarker = Annotated[
    str,
    _read(
        'be an environment marker in quotes, or ""', lambda text: str(Marker(text)) if text else ""
    ),
]
Specifier = Annotated[
    str,
    _read(
        'be a version specifier in quotes such as "<2", or ""', lambda text: str(SpecifierSet(text))
    ),
]
Driver = Annotated[str, _matches(r"\d+(\.\d+)*", 'be a driver\'s version in quotes such as "1.2"')]
Target = Annotated[str, _matches(r"\d+\.\d+|[a-z][a-z0-9-]*", "be a GPU target in quotes")]
BuiltTarget = Annotated[
    str,
    _matches(r"\d+\.\d+(\+PTX)?|[a-z][a-z0-9-]*", 'be a GPU target in quotes, with "+PTX" if so'),
]
Label = Annotated[str, _matches(r"(\+[a-z0-9.]+)?", 'be a label in quotes such as "+abc", or ""')]
Tag = Annotated[str, _matches(r"[a-z0-9_]+", "be the platform tag of a wheel")]
Variable = Annotated[str, _matches(r"[A-Z][A-Z0-9_]*", "be the name of an environment variable")]
System = Annotated[str, _matches("linux|macos|windows", "be linux, macos or windows")]
Flag = Annotated[str, _matches(r"[a-z]\w*", "be a flag of ownership/conditions.yml")]


class Part(BaseModel):
    """What rows and their parts have in common: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Release(Part):
    """The row of release.yml: what fixes all other versions."""

    name: Annotated[
        str, _matches(r"\d{4}\.\d{2}(\.\d+)?", 'be a year and month in quotes such as "2026.01"')
    ]
    cutoff: Day
    torch: FinalVersion
    torch_index: Annotated[
        str, _matches(r"https://\S+[^/\s]", "be an https address without a final slash")
    ]
    envkeep_on_index: bool
    source: Text
    checked: Day


class PythonRow(Part):
    """A row of pythons.yml."""

    version: Python
    source: Text
    checked: Day


class DirectDependency(Part):
    """A row of requirements.yml: one package of one layer."""

    layer: Annotated[str, _matches(r"\d\d-[a-z]+", "be two digits and a name such as 20-train")]
    package: BarePackage
    when: Flag
    why: Text
    marker: MaybeMarker = ""
    built: bool = False
    backends: list[Name] = []
    not_for: list[Name] = []
    builds: list[Name] = []
    held: Specifier = ""
    floor: Specifier = ""

    @property
    def requirement(self) -> str:
        """The package with what holds it and its marker, as requirements files have it."""
        held = f"{self.package}{self.floor}{self.held}"
        return f"{held} ; {self.marker}" if self.marker else held

    @property
    def is_everywhere(self) -> bool:
        """Whether it is asked for whatever the hardware is."""
        return not self.backends and not self.builds

    def goes_with(self, build: Build) -> bool:
        """Tell whether it is asked for with a build of torch, and not everywhere."""
        of_backend = build.backend in self.backends and build.build not in self.not_for
        return of_backend or build.build in self.builds

    @property
    def name(self) -> NormalizedName:
        """The package's normalized name, without extras."""
        return canonicalize_name(Requirement(self.package).name)


class ExporterDependency(Part):
    """A row of exporters.yml: one package of an exporter's environment."""

    exporter: Name
    package: BarePackage
    when: Flag
    why: Text
    shared: bool
    floor: Specifier = ""

    @property
    def requirement(self) -> str:
        """The package with its floor, as requirements files have it."""
        return f"{self.package}{self.floor}"

    @property
    def name(self) -> NormalizedName:
        """The package's normalized name, without extras."""
        return canonicalize_name(Requirement(self.package).name)


class OfferedPackage(Part):
    """A row of offered.yml: a package that is pinned though no layer asks for it."""

    package: BarePackage
    why: Text
    built: bool = False


class Source(Part):
    """A row of sources.yml: where facts come from."""

    id: Name
    title: Text
    strength: Annotated[
        str,
        _matches(
            "registry|primary|third-party|inferred",
            "be registry, primary, third-party or inferred",
        ),
    ]
    dated: MaybeDay
    checked: Day


class Sourced(Part):
    """A row whose facts have sources."""

    FACTS: ClassVar[tuple[str, ...]] = ()
    sources: dict[Name, list[Name]]

    @model_validator(mode="after")
    def _facts_have_sources(self) -> Self:
        for name in self.FACTS:
            if getattr(self, name) and not self.sources.get(name):
                raise PydanticCustomError("no_source", "`sources` has none for `{0}`", {"0": name})
        for name in self.sources:
            if name not in type(self).model_fields:
                raise PydanticCustomError(
                    "no_field", "`sources.{0}` is about no field of the row", {"0": name}
                )
        return self


class Platform(Sourced):
    """A row of platforms.yml."""

    FACTS = ("resolver", "variables")
    platform: Annotated[
        str, _matches(r"(linux|macos|windows)-[a-z0-9_]+", "be a system, a dash and a processor")
    ]
    title: Text
    resolver: Text
    variables: dict[Variable, Text]

    @property
    def system(self) -> str:
        """The operating system: linux, macos or windows."""
        return self.platform.partition("-")[0]


class Container(Part):
    """How a container reaches a backend's devices; without an image it cannot."""

    base_image: Annotated[str, _matches("|[a-z][a-z-]*", 'be the name of an image, or ""')]
    debian_release: Annotated[str, _matches("|[a-z]+", 'be a name such as bookworm, or ""')] = ""
    device_flags: list[
        Annotated[str, _matches(r"--[a-z-]+(=\S+)?", 'be an option in quotes such as "--ipc=host"')]
    ]
    environment: dict[Variable, Text]


class Backend(Sourced):
    """A row of backends.yml: what can run the computation."""

    FACTS = ("host_needs", "system_packages", "container", "environment", "disk_gb")
    backend: Name
    title: Text
    find_out: Text
    torch_device: Annotated[str, _matches("cpu|cuda|xpu|mps", "be cpu, cuda, xpu or mps")]
    jax_device: Annotated[str, _matches("(cpu|cuda|rocm)?", 'be cpu, cuda, rocm or ""')]
    host_needs: MaybeText
    system_packages: list[Name]
    container: Container
    environment: dict[Variable, Text]
    disk_gb: Annotated[int, Field(gt=0)]


class Action(Sourced):
    """A row of actions.yml: one release of an action."""

    FACTS = ("version", "commit")
    action: Name
    repository: Annotated[
        str, _matches(r"[\w.-]+/[\w.-]+", "be an owner and a repository such as actions/cache")
    ]
    version: Annotated[
        str, _matches(r"v\d+\.\d+\.\d+", "be the tag of a release in full such as v1.2.3")
    ]
    commit: Annotated[str, _matches(r"[0-9a-f]{40}", "be the 40 digits of a commit")]


class Runner(Sourced):
    """A row of runners.yml: a machine of GitHub."""

    FACTS = ("label",)
    runner: Name
    label: Annotated[
        str, _matches(r"[a-z]+-\d[\w.-]*", "be a label with a version such as system-1.2")
    ]


class Image(Sourced):
    """A row of images.yml: an image of containers, for one Python if it has one."""

    FACTS = ("reference", "digest")
    image: Annotated[str, _matches(r"[a-z]+(-[a-z]+)*", "be a name in small letters and dashes")]
    python: Annotated[
        str, _matches(r"(3\.\d+)?", 'be a CPython minor in quotes such as "3.12", or ""')
    ]
    reference: Annotated[
        str,
        _matches(r"[a-z0-9./_-]+:[A-Za-z0-9._-]+", "be an image and its tag such as name:1.2"),
    ]
    digest: Annotated[str, _matches(r"(sha256:[0-9a-f]{64})?", 'be a sha256 digest, or ""')]


class Wheels(Part):
    """The wheels of a build for one platform."""

    local_version: Label
    wheel_tag: Tag
    pythons: Annotated[list[Python], NOT_EMPTY]


class Build(Sourced):
    """A row of builds.yml: one build of torch."""

    FACTS = (
        "plain",
        "index",
        "wheels",
        "requires",
        "index_packages",
        "driver",
        "gpu_targets",
        "conda",
        "conda_libraries",
    )
    build: Name
    backend: Name
    title: Text
    plain: list[Name]
    index: Name
    wheels: Annotated[dict[Name, Wheels], NOT_EMPTY]
    requires: list[Wanted]
    index_packages: list[Name]
    driver: dict[System, Driver]
    gpu_targets: dict[Name, list[BuiltTarget]]
    conda: list[Text]
    conda_libraries: list[Text]

    @property
    def requirements(self) -> list[Requirement]:
        """What the build asks for beyond what every build of torch does."""
        return [Requirement(each) for each in self.requires]

    @property
    def from_pypi(self) -> list[Requirement]:
        """The requirements that PyPI fulfils."""
        return [each for each in self.requirements if not self._on_index(each)]

    @property
    def from_index(self) -> list[Requirement]:
        """The requirements that only the build's own index fulfils."""
        return [each for each in self.requirements if self._on_index(each)]

    def _on_index(self, requirement: Requirement) -> bool:
        return canonicalize_name(requirement.name) in map(canonicalize_name, self.index_packages)

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        _refuse_strangers("plain", self.plain, "wheels", self.wheels)
        _refuse_strangers("gpu_targets", self.gpu_targets, "wheels", self.wheels)
        asked = {canonicalize_name(each.name) for each in self.requirements}
        _refuse_strangers("index_packages", self.index_packages, "requires", asked)
        systems = {platform.partition("-")[0] for platform in self.wheels}
        if self.driver and set(self.driver) != systems:
            raise PydanticCustomError(
                "systems",
                "`driver` must name the systems that `wheels` has: {0}",
                {"0": ", ".join(sorted(systems))},
            )
        return self


class Gpu(Sourced):
    """A row of gpus.yml: one generation of GPUs."""

    FACTS = ("targets", "examples")
    backend: Name
    generation: Text
    targets: Annotated[list[Target], NOT_EMPTY]
    examples: Text


class Companion(Sourced):
    """A row of companions.yml: a package that is built together with torch."""

    FACTS = ("version", "not_for")
    package: Name
    version: FinalVersion
    why: Text
    not_for: list[Name]


class NamedIndex(Sourced):
    """A row of indexes.yml: an index that packages of some names come from."""

    FACTS = ("url", "packages")
    name: Name
    url: Annotated[str, _matches(r"https://\S+[^/\s]", "be an https address without a final slash")]
    packages: Annotated[
        list[
            Annotated[
                str, _matches(r"[a-z0-9][a-z0-9*-]*", "be a normalized name, or one with `*`")
            ]
        ],
        NOT_EMPTY,
    ]
    backends: list[Name]
    why: Text


class Framework(Part):
    """A row of frameworks.yml: an answer to `training`."""

    framework: Name
    title: Text
    example: Text
    generates: list[Name]
    computes_with: list[Name]
    inference: Annotated[list[Name], NOT_EMPTY]

    @property
    def answers(self) -> list[dict[str, str]]:
        """The answers that choose it, for each library that can compute for it."""
        training = {"training": self.framework}
        if len(self.computes_with) < 2:
            return [training]
        return [{**training, f"{self.framework}_backend": each} for each in self.computes_with]


class Runtime(Sourced):
    """A row of runtimes.yml: an answer to `inference`."""

    FACTS = ("devices", "system_packages")
    runtime: Name
    title: Text
    about: Text
    runs: Text
    generates: bool
    devices: dict[Name, Text]
    system_packages: list[Name]


class Extra(Part):
    """A row of extras.yml: an answer to `extras`."""

    extra: Name
    title: Text
    about: Text
    does: Text
    commands: list[Name]
    training: Annotated[list[Name], NOT_EMPTY]
    generates: bool = False


class ReservedNames(Part):
    """A row of reserved_names.yml: names that a new project's package cannot have."""

    why: Text
    names: Annotated[
        list[
            Annotated[
                str,
                _read(
                    "be a name in quotes that Python can import",
                    lambda text: _passed(text, text.isidentifier()),
                ),
            ]
        ],
        NOT_EMPTY,
    ]


def problem_in(error: ValidationError, row: type[Part]) -> str:
    """Say in a sentence without its stop what is wrong with a row, the first thing only."""
    details = error.errors()[0]
    where = ".".join(str(each) for each in details["loc"] if each != "[key]")
    if not where:
        return _whole_row(details)
    if details["type"] == "missing":
        return f"`{where}` is missing"
    if details["type"] == "extra_forbidden":
        known = f"; use {', '.join(row.model_fields)}" if "." not in where else ""
        return f"`{where}` is not a known key{known}"
    wanted = _PYDANTIC_KINDS.get(details["type"], details["msg"])
    return f"`{where}` {wanted}, is {details['input']!r}"


def _whole_row(details: ErrorDetails) -> str:
    if details["type"] in _PYDANTIC_KINDS:
        return f"{_PYDANTIC_KINDS[details['type']]}, is {details['input']!r}"
    return details["msg"]


def _refuse_strangers(field: str, names: Any, where: str, known: Any) -> None:
    for name in names:
        if name not in known:
            raise PydanticCustomError(
                "stranger",
                "`{field}` names {name}, which `{where}` has not",
                {"field": field, "name": name, "where": where},
            )
