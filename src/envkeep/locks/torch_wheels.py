"""Download torch's own wheels into a folder, from PyTorch's index alone.

Every later step sees that folder and PyPI, never PyTorch's index: that one carries older copies of
ordinary packages as well, and merging two indexes would let either of them win.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from envkeep.errors import CommandError, ToolError
from envkeep.files import sha256_of
from envkeep.locks import lock_set, wheel_folders
from envkeep.locks.torch_builds import TorchBuild, torch_build
from envkeep.paths import LOCKS, python, shown
from envkeep.process import run, say
from envkeep.project.metadata import python_version
from envkeep.project.requirements import exact_version
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools


def fetch_torch(build: TorchBuild) -> Path:
    """Return the folder with torch's wheels, downloaded first if they are not there yet.

    Raises:
        ToolError: The index cannot be reached or has no wheel for this machine.
    """
    target = wheel_folders.of(build)
    wheel_folders.register(target)
    _bring(build, build.pins, target)
    torch = _wheel(target, "torch", build.version)
    helpers = {name: _version_required(torch, name) for name in build.helpers} if torch else {}
    _bring(build, {name: version for name, version in helpers.items() if version}, target)
    return target


def fetch_locked(lock: Path, target: Target) -> Path | None:
    """Return the folder with torch's wheels that a lock names, every one checked against its hash.

    Raises:
        ToolError: A wheel is not the one that was locked.
    """
    build = torch_build(target, lock_set.decided_by(lock))
    entries = lock_set.entries_of(lock)
    pins = {entry.name: entry.version for entry in entries if entry.version}
    admitted = {entry.name: entry.hashes for entry in entries}
    if build is None or not set(build.packages) & set(pins):
        return None
    locked = {name: pins[name] for name in build.pins if name in pins}
    build = replace(build, pins={**build.pins, **locked})
    target_folder = fetch_torch(build)
    locked_hashes = hashes(target_folder)
    for name in build.packages:
        requirement = f"{name}=={pins.get(name)}"
        if not locked_hashes.get(requirement, set()) <= admitted.get(name, frozenset()):
            raise ToolError(
                f"{requirement} in {shown(target_folder)} is not the file that was locked: delete "
                "that folder and check where TORCH_INDEX and the answer torch_index point; if the "
                "change is meant, run `make lock`."
            )
    return target_folder


def fetch_all(build: TorchBuild) -> dict[str, Path]:
    """Return the wheels of a build by ``name==version``, downloaded first if need be.

    Raises:
        ToolError: The index cannot be reached or has no wheel for this machine.
    """
    target = fetch_torch(build)
    versions: dict[str, str | None] = dict(build.pins)
    torch = _wheel(target, "torch", build.version)
    for name in build.helpers:
        versions[name] = _version_required(torch, name) if torch else None
    found = {
        f"{name}=={version}": _wheel(target, name, version)
        for name, version in versions.items()
        if version
    }
    return {pin: path for pin, path in found.items() if path}


def hashes(wheels: Path) -> dict[str, set[str]]:
    """Return the hashes of the wheels in a folder by ``name==version``, each as ``sha256:...``."""
    found: dict[str, set[str]] = {}
    for path in wheels.glob("*.whl"):
        name, version = parse_wheel_filename(path.name)[:2]
        requirement = f"{name}=={version}"
        found.setdefault(requirement, set()).add(sha256(path))
    return found


def _bring(build: TorchBuild, versions: Mapping[str, str], target: Path) -> None:
    """Fetch missing wheels, or take them from where an older project kept them."""
    if all(_wheel(target, *each) for each in versions.items()):
        return
    with wheel_folders.filling(target) as fresh:
        _take_over(build, fresh)
        absent = [
            f"{name}=={version}"
            for name, version in versions.items()
            if not (_wheel(target, name, version) or _wheel(fresh, name, version))
        ]
        if absent:
            say(f"Fetching {', '.join(absent)} from {build.index} into {shown(target)}.")
            _download(build, absent, fresh)


def _take_over(build: TorchBuild, fresh: Path) -> None:
    """Move an older project's wheels here, if its locks confirm their hashes."""
    before = wheel_folders.before(build)
    locks_here = (LOCKS / build.target.name).rglob("*.txt")
    locked = [path.read_text(encoding="utf-8") for path in locks_here]
    for wheel in before.glob("*.whl"):
        if any(sha256_of(wheel) in text for text in locked):
            shutil.move(wheel, fresh)
    with suppress(OSError):
        before.rmdir()


def _download(build: TorchBuild, wanted: Sequence[str], target: Path) -> None:
    build.require_folder()
    source = ["--no-index", "--find-links"] if build.is_folder else ["--index-url"]
    download = [
        python(locking_tools.ensure()),
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--dest",
        target,
    ]
    try:
        run(
            [*download, *source, build.index, *wanted],
            env=locking_tools.pip_variables(),
        )
    except CommandError as error:
        raise ToolError(
            f"{wanted[0].replace('==', ' ')} for Python {python_version()} cannot be fetched from "
            f"{build.index}: check the network, or set TORCH_INDEX to a mirror or a folder."
        ) from error


def _version_required(wheel: Path, name: str) -> str | None:
    """Return the version of a package that a wheel requires, None if it names no exact one."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(metadata).decode())
    needs = map(Requirement, headers.get_all("Requires-Dist", []))
    found = (exact_version(each) for each in needs if canonicalize_name(each.name) == name)
    return next(filter(None, found), None)


def _wheel(target: Path, name: str, version: str) -> Path | None:
    stem = f"{name.replace('-', '_')}-{version}-"
    return next((path for path in target.glob("*.whl") if path.name.startswith(stem)), None)


def sha256(path: Path) -> str:
    """Return the hash of a file as it stands in locks."""
    return f"sha256:{sha256_of(path)}"
