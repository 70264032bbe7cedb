"""Find out what a project can use on this machine, and choose the answers that follow from it.

envkeep describes the machine, as it does for projects; versions come from the stack release.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging import tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.hardware import machine as hardware
from envkeep.toolchain import interpreters
from hooks.errors import HookError
from hooks.hardware_choice import Hardware, propose
from maintain.stack.data import (
    load_backends,
    load_builds,
    load_pythons,
    load_release,
    load_requirements,
    offered_pythons,
)
from maintain.stack.rows import Build

ROOT = Path(__file__).resolve().parent.parent
STACK = ROOT / "stack"
BUILD = "cpu"
TORCH_LAYER = "10-torch"
FIND_LINKS = re.compile(r"^\S+\.find-links=(?P<value>['\"].*)$", re.MULTILINE)


@dataclass(frozen=True)
class Torch:
    """A build of the stack's torch for a platform.

    Attributes:
        version: Version with the build's local label.
        packages: What a folder of wheels must hold in that version.
        index: The template's default answer to where the wheels come from.
    """

    version: str
    packages: tuple[str, ...]
    index: str


@dataclass(frozen=True)
class Found:
    """What a project can use on this machine.

    Attributes:
        machine: Operating system, architecture and graphics devices.
        offered: The Pythons that the template offers, in its order of preference.
        pythons: Interpreter of each offered Python that starts here.
        torch: The stack's build for the CPU of this platform, None if there is none.
        wheels: Folder of torch's wheels for each offered Python that one was found for.
    """

    machine: hardware.Machine
    offered: tuple[str, ...]
    pythons: Mapping[str, Path]
    torch: Torch | None
    wheels: Mapping[str, Path]


@dataclass(frozen=True)
class Choice:
    """The answers for this machine.

    Attributes:
        python_version: Python of the project.
        torch_index: Folder of torch's wheels, None for the template's default.
        reason: Why these, for people.
        hardware: What the project can compute with here.
    """

    python_version: str
    torch_index: str | None
    reason: str
    hardware: Hardware = field(default_factory=Hardware)

    def answers(self) -> dict[str, str]:
        """Return the choice as answers to the template's questions."""
        index = {"torch_index": self.torch_index} if self.torch_index else {}
        return {"python_version": self.python_version, **index, **self.hardware.answers}


def detect(root: Path = Path("/")) -> Found:
    """Detect this machine.

    Args:
        root: The folder that stands for the file system's root; tests give recorded files.
    """
    machine = hardware.detect(root)
    offered = offered_pythons(load_pythons(STACK))
    pythons = {version: path for version in offered if (path := find_python(version))}
    torch = stack_torch(machine.platform)
    wheels = find_wheels(torch, offered, wheel_folders()) if torch else {}
    return Found(machine, tuple(offered), pythons, torch, wheels)


def choose(found: Found, given: Mapping[str, str]) -> Choice:
    """Choose the Python, the source of torch and the hardware.

    The first offered Python that is here wins, unless only another one that is here has a wheel of
    torch in a folder of this machine: then the project works with what is here.

    Args:
        found: What was detected.
        given: Answers that the user gave; they are never changed.

    Raises:
        HookError: The wanted Python, or every offered one, is missing on this machine.
    """
    choice = _python_and_index(found, given)
    if given.get("training") == "none" or "backends" in given:
        return choice
    return replace(choice, hardware=_hardware(found, choice))


def _python_and_index(found: Found, given: Mapping[str, str]) -> Choice:
    here = _usable_pythons(found, given.get("python_version"))
    if "torch_index" not in given and given.get("training") != "none":
        for version in here:
            if version in found.wheels:
                return _with_folder(found, version)
    version = here[0]
    if "python_version" in given:
        return Choice(version, None, f"Python {version} was asked for.")
    missing = found.offered[: found.offered.index(version)]
    if not missing:
        return Choice(version, None, f"Python {version} is the template's default.")
    absent = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not on this machine"
    return Choice(version, None, f"Python {version}, as {absent}.")


def stack_torch(platform: str, build: Build | None = None) -> Torch | None:
    """Return a build of the stack's torch for a platform, by default the CPU's, or None."""
    release = load_release(STACK)
    build = build or next(row for row in load_builds(STACK) if row.build == BUILD)
    wheels = build.wheels.get(platform)
    if wheels is None:
        return None
    names = [row.name for row in load_requirements(STACK) if row.layer == TORCH_LAYER]
    return Torch(release.torch + wheels.local_version, tuple(names), release.torch_index)


def find_python(version: str) -> Path | None:
    """Return an interpreter of a version that really starts, found as projects find theirs."""
    try:
        return interpreters.find_interpreter(version)
    except ToolError:
        return None


def wheel_folders() -> list[Path]:
    """Return the folders of this machine that torch's wheels may lie in.

    ``TORCH_INDEX`` names the one source that projects use here; without it these are the folders
    that pip is configured to find wheels in.
    """
    override = os.environ.get("TORCH_INDEX")
    if override:
        return _folders([override])
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return _folders(find_links(done.stdout))


def find_links(configuration: str) -> list[str]:
    """Return the places in pip's ``find-links`` options.

    Args:
        configuration: What ``pip config list`` prints: one ``section.option='value'`` per line.
    """
    values = (ast.literal_eval(found["value"]) for found in FIND_LINKS.finditer(configuration))
    return [place for value in values for place in str(value).split()]


def find_wheels(torch: Torch, versions: Iterable[str], folders: Sequence[Path]) -> dict[str, Path]:
    """Return, by Python version, the first folder that holds torch's wheels for it."""
    return {
        version: folder
        for version in versions
        if (folder := next((each for each in folders if _holds(each, torch, version)), None))
    }


def _usable_pythons(found: Found, wanted: str | None) -> list[str]:
    offered = ", ".join(found.offered)
    if wanted is not None and wanted not in found.offered:
        raise HookError(f"Python {wanted} is not offered: set python_version to one of {offered}.")
    here = [each for each in found.offered if each in found.pythons and wanted in (None, each)]
    if here:
        return here
    if wanted is not None:
        raise HookError(
            f"Python {wanted} is not on this machine: install it (`pyenv install {wanted}`, "
            f"`uv python install {wanted}` or your system's package) or ask for another one."
        )
    raise HookError(
        f"no Python that the template offers ({offered}) is on this machine: install one "
        f"(`pyenv install {found.offered[0]}`, `uv python install {found.offered[0]}` or your "
        "system's package)."
    )


def _hardware(found: Found, choice: Choice) -> Hardware:
    """Choose among the builds whose wheels for the chosen Python can be had."""
    folder = found.wheels.get(choice.python_version)
    platform = found.machine.platform

    def is_available(build: Build) -> bool:
        torch = stack_torch(platform, build)
        if torch is None or choice.python_version not in build.wheels[platform].pythons:
            return False
        return folder is None or _holds(folder, torch, choice.python_version)

    return propose(found.machine, load_backends(STACK), load_builds(STACK), is_available)


def _with_folder(found: Found, version: str) -> Choice:
    folder = str(found.wheels[version])
    torch = found.torch.version if found.torch else ""
    reason = f"Python {version}, as {folder} holds torch {torch} for it."
    # Where TORCH_INDEX is set, projects here use it whatever the answer says.
    return Choice(version, None if os.environ.get("TORCH_INDEX") else folder, reason)


def _folders(places: Iterable[str]) -> list[Path]:
    paths = (Path(place.removeprefix("file://")) for place in places)
    return list(dict.fromkeys(path for path in paths if path.is_absolute() and path.is_dir()))


def _holds(folder: Path, torch: Torch, version: str) -> bool:
    python = Version(version).release
    admitted = {*tags.cpython_tags(python), *tags.compatible_tags(python)}
    names = set()
    for path in folder.glob("*.whl"):
        try:
            name, wheel_version, _, wheel_tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if wheel_version == Version(torch.version) and admitted & wheel_tags:
            names.add(name)
    return set(torch.packages) <= names
