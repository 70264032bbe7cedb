"""The machine that an environment depends on: system, driver, Python."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from packaging.version import Version

from envkeep.files import text_of
from envkeep.hardware import host
from envkeep.hardware import machine as hardware
from envkeep.hardware.gpu import ROOT as MACHINE_ROOT
from envkeep.paths import ROOT
from envkeep.project.metadata import machine
from envkeep.toolchain import interpreters


@dataclass(frozen=True)
class System:
    """The properties of a machine that matter to an environment.

    Attributes:
        platform: Operating system and architecture.
        release: The system's own name and version.
        processor: What its vendor calls it.
        libc: Version of glibc, or None.
        driver: Version of NVIDIA's driver, or None.
        gpus: The names of the graphics devices that their drivers know of.
        python: The whole version of the project's Python.
    """

    platform: str
    release: str
    processor: str
    libc: str | None
    driver: str | None
    gpus: tuple[str, ...]
    python: str

    def as_row(self) -> dict[str, object]:
        """Return the JSON form."""
        return {**asdict(self), "gpus": list(self.gpus)}

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> System:
        """Read what ``as_row`` returned.

        Raises:
            TypeError: The row is something else.
        """
        gpus = row.get("gpus")
        names = tuple(str(each) for each in gpus) if isinstance(gpus, list) else ()
        return cls(**{**row, "gpus": names})  # type: ignore[arg-type]


def here() -> System:
    """Detect this machine.

    Raises:
        ToolError: The project's Python is not on this machine.
    """
    found = machine()
    return System(
        platform=found.platform,
        release=_release(),
        processor=_processor(),
        libc=host.look(found, ROOT).libc,
        driver=found.nvidia_driver,
        gpus=tuple(gpu.name for gpu in hardware.gpus(found)),
        python=interpreters.whole_version(),
    )


def differences(then: System, now: System) -> Iterator[tuple[str, bool]]:
    """Yield each difference from this machine as a sentence, and whether it can break things."""
    if then.platform != now.platform:
        yield f"this machine is {now.platform}, the saved one {then.platform}", True
    if _older(now.libc, then.libc):
        yield f"glibc here is {now.libc}, older than {then.libc}: libraries may not load", True
    if then.driver != now.driver:
        older = then.driver is not None and _older(now.driver or "0", then.driver)
        remark = "; GPUs may not work" if older else "; newer drivers run older programs"
        yield f"NVIDIA's driver here is {now.driver}, it was {then.driver}{remark}", older
    if then.gpus != now.gpus:
        names = (", ".join(each) or "none" for each in (now.gpus, then.gpus))
        yield (
            "GPUs here: {}, saved: {}; results can differ in the last digits".format(*names),
            False,
        )
    if then.processor != now.processor:
        yield (
            f"the processor here is {now.processor}, it was {then.processor}; "
            "results can differ in the last digits",
            False,
        )
    if then.python != now.python:
        apart = then.python.rpartition(".")[0] != now.python.rpartition(".")[0]
        yield f"Python here is {now.python}, it was {then.python}", apart
    if then.release != now.release:
        yield f"the system here is {now.release}, it was {then.release}", False


def _release() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text_of(MACHINE_ROOT / "etc/os-release"), re.M)
    return found[1] if found else f"{platform.system()} {platform.release()}"


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", text_of(MACHINE_ROOT / "proc/cpuinfo"), re.M)
    return found[1] if found else platform.processor() or platform.machine()


def _older(version: str | None, other: str | None) -> bool:
    if version is None or other is None:
        return False
    return Version(version) < Version(other)
