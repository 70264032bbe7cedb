"""Make environments with conda, mamba or micromamba, and install the locks into them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from envkeep.environments.managers.pip_tools import PipTools
from envkeep.errors import ToolError
from envkeep.paths import CONDA_HERE
from envkeep.process import run

CLIENTS = ("micromamba", "mamba", "conda")
NAMED_BY_SHELLS = ("MAMBA_EXE", "CONDA_EXE")
# Their commands ask before they start; older ones know no option for that.
NO_QUESTIONS = {"CONDA_ALWAYS_YES": "true", "MAMBA_ALWAYS_YES": "true"}


class Conda(PipTools):
    """Environments by a client of conda; packages of the locks by uv or pip."""

    def create(self, environment: Path, interpreter: Path) -> None:
        """Make an environment of conda's packages, with its own interpreter."""
        make(environment, ["--file", CONDA_HERE])


def make(environment: Path, what: Sequence[object]) -> None:
    """Make an environment by the client that this machine has.

    Args:
        environment: Its folder, which does not exist.
        what: Packages, or ``--file`` and the file that lists them.

    Raises:
        ToolError: No client is installed, or the client fails.
    """
    client = find()
    from_file = "--file" in what and "micromamba" not in Path(client).name
    create = ["env", "create"] if from_file else ["create"]
    run([client, *create, "--prefix", environment, *what], env=NO_QUESTIONS)


def find() -> str:
    """Return the client: the fastest on PATH, or the one that an activated shell names.

    Raises:
        ToolError: No client is installed on this machine.
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
