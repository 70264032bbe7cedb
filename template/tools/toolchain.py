# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""The small environment of the tools that lock and install, itself pinned and hashed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from functools import cache
from pathlib import Path

from . import interpreters
from .errors import ToolError
from .paths import ENVIRONMENTS, TOOLCHAIN_LOCK, program, python
from .project import python_version
from .run import output_of, run, say

COMPLETE = "complete"


def ensure() -> Path:
    """Return the toolchain's environment, made first if this version of it is not there yet.

    Raises:
        ToolError: It could not be made; nothing half-made is left behind.
    """
    target = _folder()
    if (target / COMPLETE).exists():
        return target
    say("Preparing the pinned tools (pip, pip-tools, uv) in an environment of their own.")
    shutil.rmtree(target, ignore_errors=True)
    ENVIRONMENTS.mkdir(exist_ok=True)
    try:
        run([interpreters.find(), "-m", "venv", target])
        run(
            [python(target), "-m", "pip", "install", "--require-hashes", "-r", TOOLCHAIN_LOCK],
            quietly=True,
        )
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    (target / COMPLETE).touch()
    return target


def tool(name: str) -> Path:
    """Return the path of one of the pinned programs.

    Raises:
        ToolError: The toolchain does not hold it.
    """
    path = program(ensure(), name)
    if not path.exists():
        raise ToolError(f"{name} is not in the pinned tools; see requirements/stack/toolchain.txt.")
    return path


def has(name: str) -> bool:
    """Tell whether a program is among the pinned tools on this platform."""
    return program(ensure(), name).exists()


@cache
def pip_settings() -> dict[str, str]:
    """Return what pip is configured for on this machine, by option; variables win over files."""
    printed = output_of([python(ensure()), "-m", "pip", "config", "list"])
    found = re.findall(r"^(global|:env:)\.([a-z-]+)='(.*)'$", printed, re.MULTILINE)
    return {option: value.replace("\\n", " ") for _, option, value in sorted(found, reverse=True)}


def uv_settings() -> dict[str, str]:
    """Return pip's index and certificates as variables for uv, which does not read pip's files."""
    configured = pip_settings()
    translated = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}
    return {
        variable: configured[option]
        for variable, option in translated.items()
        if option in configured and not os.environ.get(variable)
    }


def _folder() -> Path:
    digest = hashlib.sha256(python_version().encode() + TOOLCHAIN_LOCK.read_bytes()).hexdigest()
    return ENVIRONMENTS / f"toolchain-{digest[:12]}"
