"""Make the environment with conda, fill it from the locks and switch to it."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

from envkeep.commands import install
from envkeep.environments import smoke_tests, store
from envkeep.environments.managers.conda import Conda, make
from envkeep.errors import ToolError
from envkeep.paths import CONDA_FILE, CONDA_HERE, CONDA_OWN, ENVIRONMENTS, shown
from envkeep.process import say
from envkeep.project import target
from envkeep.project.metadata import python_version
from envkeep.project.requirements import layers, statements
from envkeep.result import Result
from envkeep.toolchain import interpreters

HELP = "as install, with Python and system libraries by conda, mamba or micromamba"
SHOWS_COMMANDS = True
ONLY = re.compile(r"#\s*only\s+(?P<backend>\w+)\s*$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Install the development environment as ``make install`` does, on top of conda's packages."""
    wanted = _wanted(target.chosen().target.backend)
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    with store.exclusive():
        CONDA_HERE.parent.mkdir(parents=True, exist_ok=True)
        CONDA_HERE.write_text(wanted, encoding="utf-8")
        _bring_python()
        kind = replace(store.DEVELOPMENT, prefix=f"conda-{digest[:6]}-")
        return install.install(
            kind,
            layers(),
            reason="make conda",
            manager=Conda(),
            smoke_test=arguments.smoke_test,
        )


def _wanted(backend: str) -> str:
    """Return environment.yml for one backend, with the team's own packages.

    Raises:
        ToolError: The project has none, or it cannot be read.
    """
    if not CONDA_FILE.exists():
        raise ToolError(
            "this project has no environment.yml: answer `conda` with yes "
            '(`make update ARGS="--data conda=true"`), or take `make install`.'
        )
    try:
        lines = CONDA_FILE.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{shown(CONDA_FILE)} cannot be read: {error}.") from error
    kept = [line for line in lines if not (only := ONLY.search(line)) or only["backend"] == backend]
    own = statements(CONDA_OWN) if CONDA_OWN.exists() else []
    return "".join(f"{line}\n" for line in [*kept, *(f"  - {json.dumps(each)}" for each in own)])


def _bring_python() -> None:
    """Let conda bring the Python that the pinned tools start with, where the machine has none."""
    try:
        interpreters.find_interpreter()
    except ToolError:
        version = python_version()
        folder: Path = ENVIRONMENTS / f"{interpreters.FROM_CONDA}{version}"
        say(f"Python {version} is not on this machine: conda brings one for the pinned tools.")
        make(folder, ["--channel", "conda-forge", f"python={version}", "pip"])
        interpreters.find_interpreter()
