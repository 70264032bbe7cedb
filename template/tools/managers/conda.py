# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""conda, mamba or micromamba make the environment; the locks are installed into it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from .. import toolchain
from ..backends import Target
from ..errors import ToolError
from ..paths import CONDA_HERE, python
from ..run import run
from .pip_tools import PipTools

CLIENTS = ("micromamba", "mamba", "conda")
NAMED_BY_SHELLS = ("MAMBA_EXE", "CONDA_EXE")
# Their commands ask before they start; older ones know no option for that.
NO_QUESTIONS = {"CONDA_ALWAYS_YES": "true", "MAMBA_ALWAYS_YES": "true"}


class Conda(PipTools):
    """Environments by a client of conda, what is in the locks by uv or pip."""

    def create(self, environment: Path, interpreter: Path) -> None:
        """Make an environment of what conda brings to this machine; it has its own interpreter."""
        make(environment, ["--file", CONDA_HERE])

    def install(self, environment: Path, lock_files: Sequence[Path], target: Target) -> None:
        """Install exactly what the locks say beside what conda brought, every file by hash."""
        options = ["--no-deps", *self._checked(lock_files, target)]
        if self._uses_uv():
            command: list[object] = [toolchain.tool("uv"), "pip", "install", "--quiet"]
            command += ["--python", python(environment)]
        else:
            command = [*self._pip(environment), "install", "--quiet"]
        files = [part for path in lock_files for part in ("--requirement", path)]
        run([*command, *options, *files], extra=toolchain.uv_settings())


def make(environment: Path, what: Sequence[object]) -> None:
    """Make an environment by the client that this machine has.

    Args:
        environment: Its folder, which does not exist.
        what: Packages, or ``--file`` and the file that lists them.

    Raises:
        ToolError: There is no client, or it fails.
    """
    client = find()
    from_file = "--file" in what and "micromamba" not in Path(client).name
    create = ["env", "create"] if from_file else ["create"]
    run([client, *create, "--prefix", environment, *what], extra=NO_QUESTIONS)


def find() -> str:
    """Return the client: the fastest on PATH, or what a shell set up by one names.

    Raises:
        ToolError: There is none.
    """
    on_path = (shutil.which(name) for name in CLIENTS)
    named = (shutil.which(os.environ.get(name, "")) for name in NAMED_BY_SHELLS)
    for found in (*on_path, *named):
        if found:
            return found
    raise ToolError(
        "none of micromamba, mamba and conda is on this machine; install one (such as Miniforge), "
        "or take `make install`, which needs none."
    )
