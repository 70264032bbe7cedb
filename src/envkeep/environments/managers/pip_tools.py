"""pip-tools compiles the locks; uv installs them, or pip where uv has no build."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from envkeep import progress, temporary
from envkeep.environments.distributions import packages_folder
from envkeep.errors import CommandError, ToolError, failure
from envkeep.files import in_words
from envkeep.locks import tied_files, torch_wheels
from envkeep.locks.compile import Resolver
from envkeep.locks.resolvers import PipCompile
from envkeep.locks.torch_builds import TorchBuild
from envkeep.paths import DEVELOPMENT_LINK, ROOT, TOOLCHAIN_LOCK, python, scripts
from envkeep.process import announce, run
from envkeep.project.metadata import has_own_build
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools

LEAST_ROOM = 20_000_000  # bytes; with fewer an installation has failed for want of them


class PipTools:
    """Locks by pip-compile, environments by uv with pip as the fallback."""

    def resolver(self, target: Target, build: TorchBuild | None) -> Resolver:
        """Return the resolver for this machine's own platform."""
        return PipCompile(target, build)

    def create(self, environment: Path, interpreter: Path) -> None:
        """Make an empty environment."""
        if not locking_tools.uses_uv():
            run([interpreter, "-m", "venv", "--without-pip", environment])
            return
        command = [locking_tools.tool("uv"), "venv", "--quiet", "--no-project", "--relocatable"]
        run([*command, "--python", interpreter, environment])

    def install(self, environment: Path, lock_files: Sequence[Path], target: Target) -> None:
        """Fill an empty environment with exactly what the locks say, every file checked by hash.

        One lock after the other: where two packages bring the same file, that of the later stays.
        uv asks an index only if its cache lacks a file of the lock.

        Raises:
            ToolError: The installation failed; what is in the environment is then no use.
        """
        options = ["--no-deps", *self._checked(lock_files, target)]
        command = [*self._installer(environment), *options]
        settings = locking_tools.uv_settings()
        parts = [part for path in lock_files for part in tied_files.parts(path, target)]
        for path, sources in parts:
            one = [*command, *sources, "--requirement", path]
            if not (locking_tools.uses_uv() and _from_cache(one, environment, settings)):
                _from_index(one, environment, settings)

    def install_project(self, environment: Path, *, editable: bool) -> None:
        """Install the project itself without its dependencies.

        An editable install builds with the setuptools of the environment. A production environment
        has none, so its wheel is built with the one among the pinned tools, or by the development
        environment if the project has a build backend of its own.

        Raises:
            ToolError: It cannot be built.
        """
        if editable:
            options = ["--quiet", "--no-deps", "--no-cache-dir", "--no-build-isolation"]
            run([*self._installer(environment), *options, "--editable", ROOT])
            return
        wheels = environment / "project-wheel"
        builder = _environment_that_builds()
        build = [*self._pip(builder), "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        with _build_outside_the_project() as variables:
            run([*build, "--wheel-dir", wheels, ROOT], env=variables)
        options = ["--quiet", "--no-deps", "--no-cache-dir", "--no-index"]
        run([*self._installer(environment), *options, *wheels.glob("*.whl")])

    def check(self, environment: Path) -> None:
        """Fail if installed packages contradict each other's requirements."""
        if locking_tools.uses_uv():
            check = [*locking_tools.uv_pip("check"), "--python", python(environment)]
        else:
            check = [*self._pip(environment), "check"]
        run(check, mode="quiet")

    def _installer(self, environment: Path) -> list[object]:
        if locking_tools.uses_uv():
            return [*locking_tools.uv_pip("install"), "--python", python(environment)]
        return [*self._pip(environment), "install"]

    @staticmethod
    def _pip(environment: Path | None = None) -> list[object]:
        """Return pip of the pinned tools, working on another environment if one is given."""
        other = ["--python", python(environment)] if environment else []
        return [python(locking_tools.ensure()), "-m", "pip", *other]

    def _checked(self, lock_files: Sequence[Path], target: Target) -> list[object]:
        """Return options for hashes, also of what builds a package that has no wheel."""
        options = ["--require-hashes", "--build-constraint", TOOLCHAIN_LOCK]
        return [*options, *self._torch_wheels(lock_files, target)]

    @staticmethod
    def _torch_wheels(lock_files: Sequence[Path], target: Target) -> list[object]:
        found = (torch_wheels.fetch_locked(path, target) for path in lock_files)
        return _each("--find-links", sorted({folder for folder in found if folder}))


def _from_cache(command: Sequence[object], environment: Path, settings: Mapping[str, str]) -> bool:
    """Install from uv's cache alone; tell whether it had everything, and change nothing if not.

    What one attempt left half-way counts as installed for the next one. So another attempt is made
    only after one that wrote nothing, which is so where a file is not in the cache.

    Raises:
        CommandError: The installation failed half-way, or something ended it.
        ToolError: A file in uv's cache is damaged.
    """
    before = _content(environment)
    offline = [*command, "--offline"]
    announce(offline)
    done = run(offline, env=settings, mode="capture", check=False)
    printed = f"{done.text}{done.errors}"
    if done.code:
        locking_tools.refuse_damaged_cache(CommandError("uv failed", printed))
    if done.code > 0 and _content(environment) == before:
        return False
    if done.code:
        progress.show_reason(printed)
        raise failure("uv", done.code, printed)
    progress.show_output(printed)
    return True


def _from_index(command: Sequence[object], environment: Path, settings: Mapping[str, str]) -> None:
    """Install from the index.

    Raises:
        ToolError: The installation failed, for want of room or for a damaged cache among others.
    """
    try:
        run(command, env=settings)
    except CommandError as error:
        locking_tools.refuse_damaged_cache(error)
        room = shutil.disk_usage(environment.parent).free
        if room < LEAST_ROOM:
            raise ToolError(
                f"{str(error).rstrip('.')}; the disk is full, {in_words(room)} are left."
            ) from error
        raise


def _content(environment: Path) -> set[Path]:
    """Return the top-level names of the packages and the programs."""
    folders = [folder for folder in (packages_folder(environment), scripts(environment)) if folder]
    return {path for folder in folders if folder.is_dir() for path in folder.iterdir()}


def _each(option: str, values: Sequence[Path]) -> list[object]:
    """Return the option before each of the values."""
    return [part for value in values for part in (option, value)]


def _environment_that_builds() -> Path | None:
    """Return the environment that builds the project's wheel, None for the pinned tools' own.

    Raises:
        ToolError: It has to be the development environment, and there is none.
    """
    if not has_own_build():
        return None
    if not DEVELOPMENT_LINK.exists():
        raise ToolError(
            "the project has a build backend of its own ([build-system] in pyproject.toml), which "
            "is in the development environment: run `make install` first."
        )
    return DEVELOPMENT_LINK.resolve()


@contextmanager
def _build_outside_the_project() -> Iterator[dict[str, str]]:
    """Prevent setuptools from packing stale files of the project's build folder.

    See "DIST_EXTRA_CONFIG" in the documentation of setuptools.
    """
    with temporary.folder() as folder:
        settings = folder / "setup.cfg"
        settings.write_text(
            f"[build]\nbuild_base = {folder}\n[egg_info]\negg_base = {folder}\n", encoding="utf-8"
        )
        yield {"DIST_EXTRA_CONFIG": str(settings)}
