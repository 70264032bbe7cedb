"""Run uv as the resolver of the stack release, shielded from the machine's configuration."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from maintain.stack.data import StackError
from maintain.stack.pins import by_name, parse_pins
from maintain.stack.rows import Platform

# The settings of uv that say how to reach PyPI. None of them can change what is found there.
_HARMLESS_SETTINGS = frozenset(
    {
        "UV_CACHE_DIR",
        "UV_HTTP_RETRIES",
        "UV_HTTP_TIMEOUT",
        "UV_NATIVE_TLS",
        "UV_OFFLINE",
        "UV_SYSTEM_CERTS",
    }
)
_NO_NETWORK = ("Failed to fetch", "Request failed", "error sending request", "was disabled")
# More demands than these say nothing that a reader can use; uv repeats itself in long accounts.
MOST_REASONS = 3

_NAME = r"[\w.-]+(?:\[[^\]]*\])?(?:\{[^}]*\})?"  # with uv's extras and markers
_RANGE = r" ?[<>=!~]\S+"
_DEMAND = re.compile(
    rf"(?:all versions of (?P<all>{_NAME})|(?P<who>{_NAME})(?P<versions>{_RANGE})) "
    rf"(?:depends? on|requires) "
    rf"(?P<wanted>(?:one of: )?{_NAME}{_RANGE}(?: {_NAME}{_RANGE})*)"
)


class Unresolvable(StackError):
    """No set of versions fits the requirements."""

    def __init__(self, reasons: Sequence[str]) -> None:
        shown = "; ".join(reasons[:MOST_REASONS])
        super().__init__(f"No set of versions fits: {shown}.")
        self.reasons = tuple(reasons)


@dataclass(frozen=True)
class Resolver:
    """uv with a cutoff, for one oldest Python and newer ones.

    It takes final releases, and a pre-release only where the requirements themselves name one.

    Attributes:
        command: What starts uv.
        cutoff: Last day whose uploads are considered, to its end in UTC.
        python: The oldest CPython minor that the pins are for.
        index_options: Options that replace PyPI, for tests; for example `--find-links`.
        metadata: Text of uv.toml: what packages ask for, instead of what their METADATA says.
    """

    command: tuple[str, ...]
    cutoff: date
    python: str
    index_options: tuple[str, ...] = ()
    metadata: str = ""

    def resolve(
        self,
        requirements: Iterable[str],
        *,
        constraints: str = "",
        hashes: bool = False,
        lowest: bool = False,
        preferred: str = "",
    ) -> str:
        """Pin requirements and all they need, for every platform and Python from `python` on.

        uv takes the newest versions that fit, but for those that are preferred.

        Args:
            requirements: The requirements, one each.
            constraints: Text of a constraints file.
            hashes: Whether to write the hashes of all files of each pin.
            lowest: Whether to take the oldest versions that fit instead of the newest.
            preferred: Text of an earlier resolution. Its pins are taken where they fit and were
                uploaded before the cutoff, with the hashes it has; uv does not compare these.

        Returns:
            The pins as lines of a requirements file, in the order of the names.

        Raises:
            Unresolvable: No set of versions fits.
            StackError: uv failed, for example without a network.
        """
        options = ["--universal", "--python-version", self.python]
        if hashes:
            options.append("--generate-hashes")
        if lowest:
            options += ["--resolution", "lowest"]
        return self._compile(requirements, options, constraints, preferred=preferred)

    def resolve_wheels(
        self, requirements: Iterable[str], python: str, platform: Platform, *, constraints: str = ""
    ) -> str:
        """Pin requirements for one Python and platform, from wheels only.

        Raises:
            Unresolvable: No set of versions fits, or a version has no wheel there.
            StackError: uv failed, for example without a network.
        """
        options = ["--python-version", python, "--python-platform", platform.resolver]
        options += ["--only-binary", ":all:"]
        return self._compile(requirements, options, constraints, platform.variables)

    def newest(self, names: Iterable[str], python: str) -> dict[NormalizedName, Version]:
        """Find each package's newest release up to the cutoff, whatever else is installed.

        A package without a final release has its newest pre-release.

        Args:
            names: The packages.
            python: The newest CPython minor to look for.

        Raises:
            StackError: A package does not exist, or uv failed.
        """
        options = ["--universal", "--no-deps", "--python-version", python]
        found = self._compile(names, options, "", prerelease="if-necessary")
        pins = by_name(parse_pins(found))
        return {name: group[-1].version for name, group in pins.items()}

    def has_wheel(self, requirement: str, python: str, platform: Platform) -> bool:
        """Tell whether a requirement has a wheel for a CPython minor on a platform."""
        options = ["--no-deps", "--python-version", python, "--only-binary", ":all:"]
        options += ["--python-platform", platform.resolver]
        try:
            self._compile([requirement], options, "", platform.variables)
        except Unresolvable:
            return False
        return True

    def version(self) -> str:
        """Return uv's version, such as "0.13.8"."""
        return self._run([*self.command, "--version"], Path.cwd()).split()[1]

    def with_uv(self, version: str) -> Resolver:
        """Use this version of uv, which the present one fetches from PyPI if it is another."""
        if version == self.version():
            return self
        fetch = ("tool", "run", "--quiet", "--python", sys.executable, "--from", f"uv=={version}")
        return replace(self, command=(self.command[0], *fetch, "uv"))

    def knowing(self, package: str, version: str, requires: Iterable[object]) -> Resolver:
        """Take one version of a package to ask for these requirements, whatever its METADATA says.

        Args:
            package: The package.
            version: The version that PyPI has.
            requires: Its requirements, as in METADATA.
        """
        # Strings of JSON are strings of TOML too.
        wanted = json.dumps([str(each) for each in requires])
        table = f'[[dependency-metadata]]\nname = "{package}"\nversion = "{version}"\n'
        return replace(self, metadata=f"{self.metadata}{table}requires-dist = {wanted}\n")

    def _compile(
        self,
        requirements: Iterable[str],
        options: Sequence[str],
        constraints: str,
        variables: Mapping[str, str] | None = None,
        preferred: str = "",
        prerelease: str = "explicit",
    ) -> str:
        with tempfile.TemporaryDirectory(prefix="stack-") as name:
            folder = Path(name)
            wanted, limits, settings = (folder / n for n in ("wanted.in", "limits.txt", "uv.toml"))
            pins = folder / "pins.txt"
            wanted.write_text("".join(f"{each}\n" for each in requirements), encoding="utf-8")
            limits.write_text(constraints, encoding="utf-8")
            settings.write_text(self.metadata, encoding="utf-8")
            # uv prefers the pins that it finds where it writes.
            pins.write_text(preferred, encoding="utf-8")
            command = [*self.command, "pip", "compile", "--quiet", "--color", "never"]
            command += ["--no-header", "--no-annotate", "--python", sys.executable]
            command += ["--config-file", settings.name]
            command += ["--exclude-newer", str(self.cutoff), "--constraints", limits.name]
            # uv's default takes a pre-release as soon as no final release fits.
            command += ["--prerelease", prerelease]
            # Run in an empty folder: no project file beside it can change the result.
            command += [*self.index_options, *options, "--output-file", pins.name, wanted.name]
            self._run(command, folder, variables)
            return pins.read_text(encoding="utf-8")

    def _run(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
    ) -> str:
        # uv's output is UTF-8 on every operating system.
        done = subprocess.run(
            command,
            cwd=folder,
            env={**shielded_environment(os.environ), **(variables or {})},
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode == 0:
            return done.stdout
        raise _failure(done.stderr)


def find_uv() -> tuple[str, ...]:
    """Find the command of uv beside the running Python, else on PATH.

    Raises:
        StackError: uv is not installed.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("uv", path=beside) or shutil.which("uv")
    if found is None:
        raise StackError("uv is not installed; run `pip install -r stack/toolchain.txt`.")
    return (found,)


def shielded_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Copy an environment without the settings that could change what uv resolves."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("UV_") or name in _HARMLESS_SETTINGS
    }
    return {**kept, "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}


def shorten_explanation(stderr: str) -> list[str]:
    """Reduce uv's account of a failed resolution to the demands that collide.

    Args:
        stderr: What uv wrote.

    Returns:
        Lines such as "numpy 2.5.5 needs Python>=3.12"; uv's own sentence when it names no demand
        of a package.
    """
    text = " ".join(stderr.partition("hint:")[0].split())
    demands = [_demand_text(found) for found in _DEMAND.finditer(text)]
    if demands:
        return list(dict.fromkeys(demands))
    cause = text.partition("cause: ")[2] or text.partition("error: ")[2] or text
    return [cause.removeprefix("Because ").partition(", we can conclude")[0].removesuffix(".")]


def _demand_text(found: re.Match[str]) -> str:
    wanted = _plain(found["wanted"]).rstrip(",.").removeprefix("one of: ")
    wanted = re.sub(r" (?=[<>=!~])", "", wanted).replace(" ", " or ")
    if found["all"]:
        return f"every version of {_plain(found['all'])} needs {wanted}"
    versions = found["versions"].removeprefix("==")
    separator = " " if versions[0].isdigit() else ""
    return f"{_plain(found['who'])}{separator}{versions} needs {wanted}"


def _plain(text: str) -> str:
    """Drop extras and markers, which uv writes in brackets and braces."""
    return re.sub(r"\[[^\]]*\]|\{[^}]*\}", "", text)


def _failure(stderr: str) -> StackError:
    reason = " ".join(stderr.split()) or "it gave no reason"
    if any(sign in stderr for sign in _NO_NETWORK):
        return StackError(f"PyPI cannot be reached; check the network and run again ({reason}).")
    if "No solution found" in stderr:
        return Unresolvable(shorten_explanation(stderr))
    return StackError(f"uv failed: {reason}.")
