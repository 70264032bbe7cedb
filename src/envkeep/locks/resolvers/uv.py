"""uv resolves for any platform and Python from any machine, and downloads no wheel for it.

torch's packages are tied to PyTorch's index by name (uv's explicit indexes), so every name is
looked up in one index only. See "Using uv with PyTorch" in the documentation of uv.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from packaging.utils import canonicalize_name

from envkeep import progress
from envkeep.errors import CommandError, ToolError
from envkeep.hardware import catalog
from envkeep.locks import indexes, lockfile, python_range
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.resolvers.tied_names import TiedNames
from envkeep.locks.torch_builds import TorchBuild
from envkeep.paths import INDEXES, RESOLUTIONS, ROOT, shown
from envkeep.process import Completed, run
from envkeep.project.metadata import python_version
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools

OPTIONS = ("--quiet", "--no-header", "--annotation-style", "split", "--generate-hashes")
INDEX = "pytorch"


class Uv:
    """The resolver of uv, for one target."""

    def __init__(
        self, target: Target, build: TorchBuild | None, *, python: str | None = None
    ) -> None:
        """Write uv's configuration of the packages that come from PyTorch's index.

        Args:
            target: What is resolved for.
            build: The build of torch, if there is one.
            python: The Python to resolve for; by default all of the project's minor, from the first
                patch on that ``requires-python`` admits.

        Raises:
            ToolError: The folder of wheels that torch comes from does not exist.
        """
        self._target, self._build = target, build
        self._python = python or python_range.first()
        self._folder = RESOLUTIONS / target.name
        self._folder.mkdir(parents=True, exist_ok=True)
        apart = build.packages if build else ()
        self._tied = TiedNames(indexes.ties(target, build), apart, self._folder / "tied")
        if build:
            build.require_folder()
            self._torch_project.write_text(_project_text(build), encoding="utf-8")

    def compile(
        self, sources: Sequence[Path], output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[LockEntry]:
        """Resolve requirements files; see Resolver."""
        try:
            return self._resolved(sources, output, constraints, upgrade=upgrade)
        except CommandError as error:
            locking_tools.refuse_damaged_cache(error)
            if self._build and not self._has_torch():
                raise ToolError(
                    f"torch {self._build.version} for Python {python_version()} on "
                    f"{self._target.platform} cannot be fetched from {self._build.index} "
                    "(the reason is above): check the network, or set TORCH_INDEX to a mirror "
                    "or a folder; the locks were left as they were."
                ) from error
            raise

    def _resolved(
        self, sources: Sequence[Path], output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[LockEntry]:
        changes = ["--upgrade"] if upgrade else []
        self._tied.find(sources, partial(self._tried, sources, output, [*constraints], changes))
        command = self._command(sources, constraints)
        written = ["--output-file", output.relative_to(ROOT)]
        run([*command, *written, *changes], env=self._variables(), mode="quiet")
        entries = lockfile.asked_for(lockfile.parse_lock(output.read_text(encoding="utf-8")))
        if self._tied.add(entry.name for entry in entries):
            raise ToolError(
                "uv found packages of an index of their own elsewhere: name those that "
                f"{shown(INDEXES)} ties in {shown(sources[0])}, without a version; the locks were "
                "left as they were."
            )
        names = {entry.name for entry in entries}
        if not self._build or not names & set(self._build.packages):
            return entries
        pylock = self._folder / f"pylock.{output.stem}.toml"
        pins = ["--constraint", output.relative_to(ROOT)]
        written = ["--format", "pylock.toml", "--output-file", pylock.relative_to(ROOT)]
        run([*command, *pins, *written], env=self._variables(), mode="quiet")
        return lockfile.with_hashes(entries, _wheel_hashes(pylock, self._build))

    def _tried(
        self,
        sources: Sequence[Path],
        output: Path,
        constraints: Sequence[Path],
        changes: Sequence[str],
        options: Sequence[str],
    ) -> Completed:
        """Resolve into a copy of the lock, as it is kept: uv takes versions and hashes from it."""
        copy = self._folder / "tied" / "tried.txt"
        copy.parent.mkdir(exist_ok=True)
        copy.unlink(missing_ok=True)
        if output.exists():
            shutil.copyfile(output, copy)
        command = [*self._command(sources, constraints), *changes, *options]
        written = ["--output-file", copy.relative_to(ROOT)]
        done = run([*command, *written], env=self._variables(), mode="capture", check=False)
        return done if done.code else replace(done, output=copy.read_bytes())

    def write_pylock(self, lock: Path, output: Path) -> None:
        """Write a lock in the form of PEP 751: its packages, with the addresses of their files.

        Raises:
            CommandError: uv failed.
        """
        entries = lockfile.parse_lock(lock.read_text("utf-8"))
        lines = [entry.requirement for entry in entries]
        self._tied.add(entry.name for entry in entries)
        pins = self._folder / f"pins-{lock.stem}.txt"
        pins.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = [*self._command([pins], []), "--no-deps", "--format", "pylock.toml"]
        run([*command, "--output-file", output], env=self._variables(), mode="quiet")

    def _has_torch(self) -> bool:
        """Tell whether torch's packages alone resolve for the target."""
        project = self._torch_project.relative_to(ROOT)
        found = self._folder.relative_to(ROOT) / "torch-packages.txt"
        command = [*self._uv(), "--no-deps", project, "--output-file", found]
        done = run(command, env=self._variables(), mode="quiet", check=False)
        if not done.code:
            progress.show_output(done.text)
        return not done.code

    @property
    def _torch_project(self) -> Path:
        return self._folder / "pyproject.toml"

    def _uv(self) -> list[object]:
        platform = catalog.platform(self._target.platform)["resolver"]
        command: list[object] = [locking_tools.tool("uv"), "pip", "compile", *OPTIONS]
        return [*command, "--python-version", self._python, "--python-platform", platform]

    def _command(self, sources: Sequence[Path], constraints: Sequence[Path]) -> list[object]:
        pins = [["--constraint", path.relative_to(ROOT)] for path in constraints]
        torch = [self._torch_project.relative_to(ROOT)] if self._build else []
        tied = [path.relative_to(ROOT) for path in self._tied.projects]
        wanted = [source.relative_to(ROOT) for source in sources]
        return [*self._uv(), *chain.from_iterable(pins), *torch, *tied, *wanted]

    def _variables(self) -> dict[str, str | None]:
        floors: dict[str, str] = dict(catalog.platform(self._target.platform)["variables"])
        others = dict.fromkeys(locking_tools.UV_SOURCES)
        return {**others, **locking_tools.uv_settings(), **floors, "UV_NO_CONFIG": "1"}


def _project_text(build: TorchBuild) -> str:
    """Return a project that asks for torch's packages and says where they come from, as TOML."""
    wanted = [*(f"{name}=={version}" for name, version in build.pins.items()), *build.helpers]
    sources = [f"{json.dumps(name)}.index = {json.dumps(INDEX)}" for name in build.packages]
    return "\n".join(
        [
            "[project]",
            'name = "torch-packages"',
            'version = "0"',
            f"requires-python = {json.dumps(f'=={python_version()}.*')}",
            f"dependencies = {json.dumps(wanted)}",
            "",
            "[tool.uv.sources]",
            *sources,
            "",
            "[[tool.uv.index]]",
            f"name = {json.dumps(INDEX)}",
            f"url = {json.dumps(build.index, ensure_ascii=False)}",
            f"format = {json.dumps('flat' if build.is_folder else 'simple')}",
            "explicit = true",
            "",
        ]
    )


def _wheel_hashes(pylock: Path, build: TorchBuild) -> dict[str, set[str]]:
    """Return the hashes of the wheels that fit the target, of torch's packages alone."""
    content = tomllib.loads(pylock.read_text(encoding="utf-8"))
    return {
        f"{canonicalize_name(package['name'])}=={package['version']}": {
            f"sha256:{wheel['hashes']['sha256']}" for wheel in package.get("wheels", [])
        }
        for package in content["packages"]
        if canonicalize_name(package["name"]) in build.packages
    }
