"""Read the catalog of the stack release: platforms, backends, builds of torch, GPUs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.hardware.machine import Machine
from envkeep.paths import CATALOG

Row = Mapping[str, Any]
TABLES = ("platforms", "backends", "builds", "gpus", "companions", "indexes")
CAPABILITY = re.compile(r"\d+\.\d+")
FORWARD = "+PTX"  # code that the driver of a newer GPU compiles for it


def platforms() -> list[Row]:
    """Return the platforms that locks are made for."""
    return _table("platforms")


def backends() -> list[Row]:
    """Return the backends, in the order in which a machine's own is looked for."""
    return _table("backends")


def companions() -> list[Row]:
    """Return the packages that come from PyTorch's index when a layer asks for them."""
    return _table("companions")


def indexes() -> list[Row]:
    """Return the indexes that packages of some names come from alone."""
    return _table("indexes")


def platform(name: str) -> Row:
    """Return a platform by its name, such as ``linux-x86_64``."""
    return _row("platforms", "platform", name)


def backend(name: str) -> Row:
    """Return a backend by its name, such as ``cuda``."""
    return _row("backends", "backend", name)


def build(name: str) -> Row:
    """Return a build of torch by its name."""
    return _row("builds", "build", name)


def builds_of(backend_name: str) -> list[Row]:
    """Return the builds for a backend, the one of torch's plain wheel first."""
    return [row for row in _table("builds") if row["backend"] == backend_name]


def driver_floor(row: Row, machine: Machine) -> str | None:
    """Return the oldest driver that a build works with on a machine, or None.

    Linux inside Windows has the driver of Windows; builds that Windows has no wheels of name none
    for it.
    """
    floors: Mapping[str, str] = row["driver"]
    return floors.get(machine.driver_system) or floors.get(machine.system)


def driver_serves(row: Row, machine: Machine) -> bool:
    """Tell whether the machine's NVIDIA driver is new enough for a build."""
    floor = driver_floor(row, machine)
    if floor is None:
        return True
    driver = machine.nvidia_driver
    return driver is not None and Version(driver) >= Version(floor)


def gpu_served(row: Row, platform_name: str, target: str) -> bool:
    """Tell whether a build has code for a GPU.

    Args:
        row: The build.
        platform_name: The platform, as builds differ between architectures.
        target: The GPU's compute capability (``8.6``) or gfx name.
    """
    return any(_runs_on(code, target) for code in row["gpu_targets"].get(platform_name, []))


def served_architectures(row: Row, platform_name: str) -> list[Row]:
    """Return the architectures of GPUs of which a build serves all or some."""
    return [gpus for gpus in _architectures(row) if _serves_some(row, platform_name, gpus)]


def dropped_architectures(row: Row, platform_name: str) -> list[Row]:
    """Return the architectures of GPUs that a build has no code for."""
    return [gpus for gpus in _architectures(row) if not _serves_some(row, platform_name, gpus)]


def _serves_some(row: Row, platform_name: str, gpus: Row) -> bool:
    return any(gpu_served(row, platform_name, target) for target in gpus["targets"])


def _architectures(row: Row) -> list[Row]:
    return [gpus for gpus in _table("gpus") if gpus["backend"] == row["backend"]]


def _runs_on(code: str, target: str) -> bool:
    """Compare by NVIDIA's rule: newer minors of the same major run it, with PTX all newer GPUs."""
    compiled = code.removesuffix(FORWARD)
    if not all(map(CAPABILITY.fullmatch, (compiled, target))):
        return compiled == target
    have, need = Version(target), Version(compiled)
    return have >= need and (code.endswith(FORWARD) or have.major == need.major)


def _row(table: str, key: str, name: str) -> Row:
    for row in _table(table):
        if row[key] == name:
            return row
    raise ToolError(
        f"requirements/stack/catalog.json has no {key} {name!r}; restore it with "
        "`git checkout -- requirements/stack`."
    )


@cache
def _content() -> dict[str, list[Row]]:
    try:
        read = json.loads(CATALOG.read_text(encoding="utf-8"))
        content: dict[str, list[Row]] = {table: read[table] for table in TABLES}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ToolError(
            f"requirements/stack/catalog.json cannot be read ({error!r}); restore it with "
            "`git checkout -- requirements/stack`."
        ) from error
    return content


def _table(name: str) -> list[Row]:
    return _content()[name]
