# Owned by the template: every update rewrites this file. Own packages: requirements/exporters/.
"""Runs what writes a model in an environment of its own, where it clashes with the training stack.

`make export` names the command that makes such an environment in a variable, so one is made when it
is first needed and never before.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from ..errors import ExportError

COMMAND = "EXPORTER_COMMAND"


def can_be_made() -> bool:
    """Tell whether this process may ask for environments, as below `make export`."""
    return COMMAND in os.environ


def run_apart(exporter: str, worker: str, *arguments: object) -> None:
    """Run a module of this folder as a program in an exporter's environment.

    The module imports nothing of this package, as only its own packages are there.

    Args:
        exporter: The environment: one of `requirements/stack/exporters/`.
        worker: The name of the module.
        arguments: What it is called with.

    Raises:
        ExportError: There is no such environment, or the module failed.
    """
    script = Path(__file__).with_name(f"{worker}.py")
    command = [_interpreter(exporter), "-I", "-X", "utf8", str(script), *map(str, arguments)]
    done = subprocess.run(
        command,
        env={**os.environ, "CI": "true"},  # by which packages that report their use know not to
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip() or "it gave no reason").splitlines()[-1]
        raise ExportError(f"The exporter {exporter} failed: {reason}")


def _interpreter(exporter: str) -> str:
    """Have the environment made if it is not there; its progress goes to the standard error."""
    if not can_be_made():
        raise ExportError(
            f"The exporter {exporter} has an environment of its own, which `make export` makes: "
            "use that command."
        )
    command = [*json.loads(os.environ[COMMAND]), exporter]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        raise ExportError(
            f"The environment of the exporter {exporter} could not be made; the reason is above."
        )
    return done.stdout.strip().splitlines()[-1]
