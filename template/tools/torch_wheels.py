# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Bring torch's own wheels into a folder, from PyTorch's index alone.

Every later step sees that folder and PyPI, never PyTorch's index: that one carries older copies of
ordinary packages as well, and merging two indexes would let either of them win.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from . import locks, toolchain
from .errors import ToolError
from .paths import WHEELS, python, shown
from .project import TorchBuild, python_version, torch_build
from .run import run, say

PIP_SOURCES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX")


def folder(build: TorchBuild) -> Path:
    """Return where the wheels of one build for this project's Python lie."""
    return WHEELS / f"torch-{build.version}-python-{python_version()}"


def fetch(build: TorchBuild) -> Path:
    """Return the folder with torch's wheels, downloaded first if they are not there yet.

    Raises:
        ToolError: The index cannot be reached or has no wheel for this machine.
    """
    target = folder(build)
    if _wheels(target, build):
        return target
    target.mkdir(parents=True, exist_ok=True)
    say(f"Fetching torch {build.version} from {build.index} into {shown(target)}.")
    source = ["--index-url", build.index] if "://" in build.index else _only_folder(build.index)
    wanted = [f"{name}=={build.version}" for name in build.packages]
    download = [python(toolchain.ensure()), "-m", "pip", "download", "--no-deps", "--dest", target]
    try:
        run([*download, *source, *wanted], extra=_without_other_sources())
    except ToolError as error:
        raise ToolError(
            f"torch {build.version} for Python {python_version()} cannot be had from "
            f"{build.index}: check the network, or set TORCH_INDEX to a mirror or a folder."
        ) from error
    return target


def fetch_locked(lock: Path) -> Path | None:
    """Return the folder with torch's wheels that a lock names, every one checked against its hash.

    Raises:
        ToolError: A wheel is not the one that was locked.
    """
    build = torch_build()
    pins = locks.pinned(lock)
    if build is None or "torch" not in pins:
        return None
    build = replace(build, version=pins["torch"])
    target = fetch(build)
    for name in build.packages:
        admitted = locks.hashes_of(lock, name)
        for wheel in target.glob(f"{name}-{build.version}-*.whl"):
            if _sha256(wheel) not in admitted:
                raise ToolError(
                    f"{wheel.name} is not the file that was locked: delete {shown(target)} and "
                    "check where TORCH_INDEX and the answer torch_index point; if the change is "
                    "meant, run `make lock`."
                )
    return target


def _without_other_sources() -> dict[str, str]:
    """Return variables that make pip forget every other index and folder it is configured for.

    What it is told about certificates, proxies and time limits still holds.
    """
    settings = toolchain.pip_settings().items()
    kept = {f"PIP_{option.upper().replace('-', '_')}": value for option, value in settings}
    return {"PIP_CONFIG_FILE": os.devnull, **kept, **dict.fromkeys(PIP_SOURCES, "")}


def _only_folder(index: str) -> list[str]:
    if not Path(index).is_dir():
        raise ToolError(
            f"the folder of torch wheels {index} does not exist; set TORCH_INDEX to another one."
        )
    return ["--no-index", "--find-links", index]


def _wheels(target: Path, build: TorchBuild) -> bool:
    return all(any(target.glob(f"{name}-{build.version}-*.whl")) for name in build.packages)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
