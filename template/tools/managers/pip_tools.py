# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""pip-tools compiles the locks; uv installs them, or pip where uv has no build."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import locks, toolchain, torch_wheels
from ..errors import ToolError
from ..paths import ROOT, python, shown
from ..requirements import effective_constraints, input_file, torch
from ..run import run, say

COMPILE_OPTIONS = (
    "--verbose",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-emit-index-url",
    "--no-emit-find-links",
)
SHOWN_IN_LOCKS = {"CUSTOM_COMPILE_COMMAND": "make lock"}


class PipTools:
    """Locks by pip-compile, environments by uv with pip as the fallback."""

    def lock(self, layers: Sequence[str], *, upgrade: bool) -> None:
        """Compile the layers in order, each constrained by all earlier ones."""
        build = torch()
        wheels = ["--find-links", torch_wheels.fetch(build)] if build else []
        locks.constraints_file().write_text(effective_constraints(), encoding="utf-8", newline="\n")
        constraints = [locks.constraints_file()]
        for number, layer in enumerate(layers, start=1):
            say(f"[{number}/{len(layers)}] {shown(input_file(layer))}")
            self._compile(layer, [*wheels, *(["--upgrade"] if upgrade else [])], constraints)
            constraints.append(locks.lock_file(layer))

    def _compile(self, layer: str, options: Sequence[object], constraints: Sequence[Path]) -> None:
        pins = _each("--constraint", [path.relative_to(ROOT) for path in constraints])
        target = locks.lock_file(layer).relative_to(ROOT)
        source = input_file(layer).relative_to(ROOT)
        command = [toolchain.tool("pip-compile"), *COMPILE_OPTIONS, *options, *pins]
        command += ["--output-file", target, source]
        try:
            run(command, extra=SHOWN_IN_LOCKS, quietly=True)
        except ToolError as error:
            raise ToolError(
                f"{source.as_posix()} does not go together with the earlier layers and the stack "
                "release (the resolver's reason is above): change that file, or name the version "
                "you need in requirements/overrides.txt; the locks were left as they were."
            ) from error
        unhashed = locks.without_hash(locks.lock_file(layer))
        if unhashed:
            raise ToolError(
                f"{unhashed[0]} in {source.as_posix()} has no hash, because it comes from a "
                "repository or a folder: name a released version or the address of an archive; the "
                "locks were left as they were."
            )

    def create(self, environment: Path, interpreter: Path) -> None:
        """Make an empty environment."""
        if not self._uses_uv():
            run([interpreter, "-m", "venv", "--without-pip", environment])
            return
        command = [toolchain.tool("uv"), "venv", "--quiet", "--no-project", "--relocatable"]
        run([*command, "--python", interpreter, environment])

    def install(self, environment: Path, lock_files: Sequence[Path]) -> None:
        """Fill an empty environment with exactly what the locks say, every file checked by hash."""
        options = ["--require-hashes", *self._torch_wheels(lock_files)]
        if self._uses_uv():
            command = [toolchain.tool("uv"), "pip", "sync", "--python", python(environment)]
            run([*command, *options, *lock_files], extra=_settings_for_uv())
        else:
            command = [*self._pip(environment), "install", "--no-deps"]
            run([*command, *options, *_each("--requirement", lock_files)])

    def install_project(self, environment: Path, *, editable: bool) -> None:
        """Install the project itself without its dependencies.

        An editable install builds with the setuptools of the environment. A production environment
        has none, so its wheel is built with the one among the pinned tools.
        """
        install = [*self._pip(environment), "install", "--quiet", "--no-deps"]
        if editable:
            run([*install, "--no-build-isolation", "--editable", ROOT])
            return
        wheels = environment / "project-wheel"
        build = [*self._pip(), "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        with _build_outside_the_project() as variables:
            run([*build, "--wheel-dir", wheels, ROOT], extra=variables)
        run([*install, "--no-index", *wheels.glob("*.whl")])

    def check(self, environment: Path) -> None:
        """Fail if installed packages contradict each other's requirements."""
        run([*self._pip(environment), "check"], quietly=True)

    @staticmethod
    def _pip(environment: Path | None = None) -> list[object]:
        """Return pip of the pinned tools, working on another environment if one is given."""
        other = ["--python", python(environment)] if environment else []
        return [python(toolchain.ensure()), "-m", "pip", *other]

    @staticmethod
    def _uses_uv() -> bool:
        return os.environ.get("INSTALLER", "uv") == "uv" and toolchain.has("uv")

    @staticmethod
    def _torch_wheels(lock_files: Sequence[Path]) -> list[object]:
        folders = {folder for path in lock_files if (folder := torch_wheels.fetch_locked(path))}
        return _each("--find-links", sorted(folders))


def _each(option: str, values: Sequence[Path]) -> list[object]:
    """Return the option before each of the values."""
    return [part for value in values for part in (option, value)]


@contextmanager
def _build_outside_the_project() -> Iterator[dict[str, str]]:
    """Keep setuptools from reusing the project's build folder, whose stale files it would pack.

    See "DIST_EXTRA_CONFIG" in the documentation of setuptools.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "setup.cfg"
        settings.write_text(
            f"[build]\nbuild_base = {folder}\n[egg_info]\negg_base = {folder}\n", encoding="utf-8"
        )
        yield {"DIST_EXTRA_CONFIG": str(settings)}


def _settings_for_uv() -> dict[str, str]:
    """Return pip's index and certificates as variables for uv, which does not read pip's files."""
    configured = toolchain.pip_settings()
    translated = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}
    return {
        variable: configured[option]
        for variable, option in translated.items()
        if option in configured and not os.environ.get(variable)
    }
