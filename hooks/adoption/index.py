"""Ask the package index what pins can be installed, and what would have been installed once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.locks import index_pages
from envkeep.locks.index_pages import FORMS, IndexFile
from envkeep.toolchain import locking_tools, web
from hooks.adoption.packages import package_lists
from hooks.adoption.wanted import Wanted
from hooks.errors import HookError

_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Unfit:
    """A pin that a Python cannot have.

    Attributes:
        pin: Name and version, as the repository asks for it.
        origin: The file that asks.
        pythons: The Pythons that it has wheels for, as text for people; "" if it does not exist.
        nearest: The next version that the Python can have, "" without any.
    """

    pin: str
    origin: str
    pythons: str
    nearest: str

    def __str__(self) -> str:
        why = f"has wheels for {self.pythons} alone" if self.pythons else "is not on the index"
        name = self.pin.partition("==")[0]
        ways = f"`--loosen {name}` takes a version that fits"
        ways += f" ({self.nearest} is the nearest)" if self.nearest else ""
        return f"{self.pin} ({self.origin}) {why}: {ways}, `--leave-out {name}` goes without it."


def unfit(pins: Sequence[Wanted], pythons: Sequence[str]) -> dict[str, list[Unfit]]:
    """Return for each Python the exact pins that it cannot have, whatever the platform.

    What torch's releases serve is known without asking; of the rest the index is asked.

    Raises:
        HookError: The index does not answer.
    """
    exact = [each for each in pins if each.exact and not each.requirement.url]
    asked = [each for each in exact if each.name != "torch" and not each.label]
    pages = files_of([each.name for each in asked])
    found: dict[str, list[Unfit]] = {}
    for python in pythons:
        rows = [_torch_unfit(each, python) for each in exact if each.name == "torch"]
        rows += [_unfit(each, pages.get(each.name, []), python) for each in asked]
        found[python] = [row for row in rows if row]
    return found


def files_of(names: Sequence[str]) -> dict[str, list[IndexFile]]:
    """Return the index's files of some packages; none for an unknown one.

    Raises:
        HookError: The index does not answer.
    """
    names = list(dict.fromkeys(names))
    if not names:
        return {}
    wanted = [web.Request(f"{address()}/{name}/", FORMS) for name in names]
    given = json.dumps([asdict(each) for each in wanted])
    command = [sys.executable, "-I", str(web.WORKER)]
    variables = {**os.environ, **certificates()}
    done = subprocess.run(
        command, input=given, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise HookError("the package index does not answer; --no-lock plans without it.")
    responses = [web.Response(**each) for each in json.loads(done.stdout)]
    if any(each.is_refusal for each in responses):
        raise HookError("the package index lets nobody in; --no-lock plans without it.")
    rows = zip(names, wanted, responses, strict=True)
    return {
        name: index_pages.files_on(page.text, request.address) if page.kind in FORMS else []
        for name, request, page in rows
        if page.is_good or not page.is_refusal
    }


def versions_as_of(wanted: Sequence[Wanted], day: date, python: str) -> dict[str, str]:
    """Return what a resolver would have chosen on a day, for what is asked for and all it needs.

    Args:
        wanted: The packages that the code needs.
        day: The last day whose uploads count.
        python: The Python, such as 3.12.

    Raises:
        HookError: Nothing of that day fits together, or the index does not answer.
    """
    lines = [_line(each) for each in wanted if not each.requirement.url]
    if not lines:
        return {}
    uv = Path(sys.executable).with_name("uv")
    command = [
        *(str(uv), "pip", "compile", "-", "--no-config", "--no-header", "--no-annotate", "--quiet"),
        *("--python-version", python, "--exclude-newer", f"{day.isoformat()}T23:59:59Z"),
        *("--default-index", address(), "--no-build"),
    ]
    variables = {**os.environ, **certificates()}
    done = subprocess.run(
        command,
        input="\n".join(lines),
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = " ".join(re.sub(r"[^ -~]", " ", done.stderr).split())
        raise HookError(f"nothing of {day} fits together for Python {python}: {reason[:600]}")
    return {
        str(canonicalize_name(found["name"])): found["version"]
        for found in _PINNED.finditer(done.stdout)
    }


@cache
def address() -> str:
    """Return the address of the index that pip asks.

    Raises:
        HookError: pip names none.
    """
    said = _pip_settings().get("index-url")
    try:
        return (said or locking_tools.pypi(Path(sys.executable))).rstrip("/")
    except ToolError as error:
        raise HookError(str(error)) from error


def certificates() -> Mapping[str, str]:
    """Return the certificates that pip is configured for, for what does not read its files."""
    cert = _pip_settings().get("cert")
    return {"REQUESTS_CA_BUNDLE": cert, "SSL_CERT_FILE": cert} if cert else {}


@cache
def _pip_settings() -> Mapping[str, str]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(global|:env:)\.([a-z-]+)='(.*)'$", printed, re.MULTILINE)
    return {option: value for _, option, value in sorted(found, reverse=True)}


def _line(wanted: Wanted) -> str:
    requirement = wanted.requirement
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    version = f"=={wanted.exact.partition('+')[0]}" if wanted.exact else str(requirement.specifier)
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}{version}{marker}"


def _torch_unfit(wanted: Wanted, python: str) -> Unfit | None:
    since = package_lists()["torch_since"].get(python)
    version = wanted.exact.partition("+")[0]
    if since is None or Version(version) >= Version(since):
        return None
    pin = f"torch=={wanted.exact}"
    return Unfit(pin, wanted.origin, f"Pythons older than {python}", since)


def _unfit(wanted: Wanted, files: Sequence[IndexFile], python: str) -> Unfit | None:
    whole = Version(f"{python}.99")
    mine = index_pages.of_version(files, wanted.exact)
    if index_pages.how(mine, whole) == "wheel" or (
        mine and not any(each.is_wheel for each in mine)
    ):
        return None
    usable = index_pages.usable_versions(files, whole)
    with_wheel = [each for each in usable if any(file.serves(whole) for file in usable[each])]
    version = Version(wanted.exact)
    nearest = next((each for each in with_wheel if each > version), None)
    served = ", ".join(index_pages.pythons(mine))
    names = f"Python {served}" if served else "other Pythons"
    pin = f"{wanted.requirement.name}=={wanted.exact}"
    return Unfit(pin, wanted.origin, names if mine else "", str(nearest or ""))
