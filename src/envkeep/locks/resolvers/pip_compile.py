"""pip-compile resolves for the platform that it runs on.

It sees PyPI and the addresses of torch's fetched wheels, never PyTorch's index. A folder of wheels
would not do: pip takes the index's file where both have a version, and reads its demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from envkeep.locks import indexes, lockfile, torch_wheels
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.torch_builds import TorchBuild
from envkeep.paths import RESOLUTIONS, ROOT
from envkeep.process import run
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools

OPTIONS = (
    "--verbose",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-emit-index-url",
    "--no-emit-find-links",
)
SHOWN_IN_LOCKS = {"CUSTOM_COMPILE_COMMAND": "make lock"}


class PipCompile:
    """pip's own resolver, for this machine."""

    def __init__(self, target: Target, build: TorchBuild | None) -> None:
        """Fetch torch's wheels for this machine, the only platform that can be the target.

        Raises:
            ToolError: A wheel of torch cannot be fetched from its index.
        """
        self._has_ties = bool(indexes.ties(target, build))
        self._target = target
        wheels = torch_wheels.fetch_all(build) if build else {}
        self._pins = {_by_address(pin, path): pin for pin, path in wheels.items()}
        self._hashes = {pin: {torch_wheels.sha256(path)} for pin, path in wheels.items()}
        self._addresses = RESOLUTIONS / target.name / "torch-wheels.txt"
        self._addresses.parent.mkdir(parents=True, exist_ok=True)
        self._addresses.write_text("".join(f"{each}\n" for each in self._pins), encoding="utf-8")

    def compile(
        self, sources: Sequence[Path], output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[LockEntry]:
        """Resolve requirements files; see Resolver."""
        command: list[object] = [*self._program(), *OPTIONS]
        command += ["--upgrade"] if upgrade else []
        for path in (*constraints, self._addresses):
            command += ["--constraint", path.relative_to(ROOT)]
        command += ["--output-file", output.relative_to(ROOT)]
        command += [source.relative_to(ROOT) for source in sources]
        env = {**locking_tools.pip_variables("index-url"), **SHOWN_IN_LOCKS}
        run(command, env=env, mode="quiet")
        entries = lockfile.parse_lock(output.read_text(encoding="utf-8"))
        return lockfile.with_hashes(map(self._with_version, entries), self._hashes)

    def _program(self) -> list[object]:
        """Return pip-compile, with the names that are tied to an index where there are some."""
        if not self._has_ties:
            return [locking_tools.tool("pip-compile")]
        return [*locking_tools.pip_by_name(self._target.backend), "pip-compile"]

    def _with_version(self, entry: LockEntry) -> LockEntry:
        """Return an entry with ``name==version`` where pip-compile wrote a wheel's address."""
        address = entry.requirement.partition(" ; ")[0]
        return replace(entry, requirement=self._pins.get(address, entry.requirement))


def _by_address(pin: str, wheel: Path) -> str:
    return f"{pin.partition('==')[0]} @ {wheel.as_uri()}"
