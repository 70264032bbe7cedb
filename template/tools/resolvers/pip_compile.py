# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""pip-compile resolves for the platform that it runs on.

It sees PyPI and a folder with torch's wheels, never PyTorch's index.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import lock_format, toolchain, torch_wheels
from ..backends import Target
from ..lock_format import Entry
from ..paths import ROOT
from ..run import run
from ..torch_builds import TorchBuild

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
    """Resolves with pip's own resolver."""

    def __init__(self, target: Target, build: TorchBuild | None) -> None:
        """Fetch torch's wheels for this machine, the only platform that can be the target.

        Raises:
            ToolError: They cannot be had.
        """
        del target
        self._wheels = torch_wheels.fetch(build) if build else None
        self._hashes = torch_wheels.hashes(self._wheels) if self._wheels else {}

    def compile(
        self, source: Path, output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[Entry]:
        """Resolve a requirements file; see Resolver."""
        command: list[object] = [toolchain.tool("pip-compile"), *OPTIONS]
        command += ["--find-links", self._wheels] if self._wheels else []
        command += ["--upgrade"] if upgrade else []
        for path in constraints:
            command += ["--constraint", path.relative_to(ROOT)]
        command += ["--output-file", output.relative_to(ROOT), source.relative_to(ROOT)]
        run(command, extra=SHOWN_IN_LOCKS, quietly=True)
        entries = lock_format.parse(output.read_text(encoding="utf-8"))
        return lock_format.with_hashes(entries, self._hashes)
