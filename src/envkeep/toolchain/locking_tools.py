"""The small environment of the tools that lock and install, itself pinned and hashed."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from envkeep.errors import CommandError, ToolError
from envkeep.paths import REQUIREMENTS, python, shown
from envkeep.process import run
from envkeep.toolchain import pip_by_name as pip_by_name_program
from envkeep.toolchain.pinned_tools import TOOLCHAIN

SOURCES = ("index-url", "extra-index-url", "find-links", "no-index")
"""Settings of pip that say where packages come from."""
UV_SOURCES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX_STRATEGY")
"""Variables of uv that add to that."""

ensure = TOOLCHAIN.ensure
tool = TOOLCHAIN.tool
has = TOOLCHAIN.has


def uses_uv() -> bool:
    """Return whether uv is taken: it is the default, where there is a build of it."""
    return os.environ.get("INSTALLER", "uv") == "uv" and has("uv")


def refuse_damaged_cache(error: CommandError) -> None:
    """Name the package of which uv's cache has a damaged copy, if that is why uv failed.

    Raises:
        ToolError: uv's cache has a damaged copy of a package.
    """
    name = error.damaged_in_cache
    if name is not None:
        clean = f"{shown(tool('uv'))} cache clean {name}".strip()
        raise ToolError(
            f"uv's cache has a damaged copy of {name or 'a package'}, nothing was changed: run "
            f"`{clean}`, then the command again."
        ) from error


@cache
def pip_settings() -> dict[str, str]:
    """Return what pip is configured for on this machine, by option; variables win over files."""
    printed = run([python(ensure()), "-m", "pip", "config", "list"], mode="probe").answer
    found = re.findall(r"^(global|:env:)\.([a-z-]+)='(.*)'$", printed, re.MULTILINE)
    return {option: value.replace("\\n", " ") for _, option, value in sorted(found, reverse=True)}


def pip_variables(*sources: str) -> dict[str, str | None]:
    """Return variables by which pip forgets the indexes and folders that it is configured for.

    What it is told about certificates, proxies and time limits still holds. Without an index at
    all, its folders are the one source that is left.

    Args:
        sources: Those of ``SOURCES`` that hold nevertheless.
    """
    settings = pip_settings()
    kept = {*settings} - {*SOURCES} | {*sources}
    if sources and "no-index" in settings:
        kept |= {"no-index", "find-links"}
    return {
        "PIP_CONFIG_FILE": os.devnull,
        **{_variable(each): settings.get(each) for each in (*SOURCES, *settings) if each in kept},
        **{_variable(each): None for each in SOURCES if each not in kept},
    }


def _variable(option: str) -> str:
    return f"PIP_{option.upper().replace('-', '_')}"


def left_out() -> list[str]:
    """Return the settings of this machine that would add indexes, and count for no lock."""
    settings = pip_settings()
    folders = () if "no-index" in settings else ("find-links",)
    found = [f"pip's {each}" for each in ("extra-index-url", *folders) if settings.get(each)]
    return [*found, *(name for name in UV_SOURCES if os.environ.get(name))]


def pip_by_name(backend: str) -> list[object]:
    """Return the program that looks up tied names at their index; pip's own words follow."""
    return [python(ensure()), pip_by_name_program.__file__, REQUIREMENTS, backend]


def index_address() -> str:
    """Return the address of the index that pip asks, without a slash at its end.

    Raises:
        ToolError: Neither pip's configuration nor pip itself names one.
    """
    return (pip_settings().get("index-url") or pypi(python(ensure()))).rstrip("/")


@cache
def pypi(interpreter: Path) -> str:
    """Return the address of PyPI's pages, as pip says it, without a slash at its end.

    Args:
        interpreter: A Python that has pip.

    Raises:
        ToolError: The help of pip does not name it.
    """
    command = [interpreter, "-m", "pip", "help", "download"]
    help_of_pip = run(command, env={"COLUMNS": "300", "PIP_INDEX_URL": None}, mode="probe")
    found = re.search(r"\(default:? (?P<address>https?://[^\s)]+)\)", help_of_pip.answer)
    if not found:
        raise ToolError("pip names no package index: set one, `pip config set global.index-url`.")
    return found["address"].rstrip("/")


def uv_pip(command: str) -> list[object]:
    """Return a command of `uv pip` with the user's own settings of uv, and none of the project.

    Those are pins for `uv lock`, which an environment of an older lock does not have.
    """
    words: list[object] = [tool("uv"), "pip", command]
    if os.environ.get("UV_CONFIG_FILE"):
        return words
    places = [os.environ.get("APPDATA"), os.environ.get("XDG_CONFIG_HOME"), "~/.config"]
    files = (Path(place, "uv", "uv.toml").expanduser() for place in places if place)
    own = next(filter(Path.is_file, files), None)
    return [*words, *(["--config-file", own] if own else ["--no-config"])]


def uv_settings() -> dict[str, str]:
    """Return pip's index and certificates as variables for uv, which does not read pip's files."""
    configured = pip_settings()
    translated = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}
    return {
        variable: configured[option]
        for variable, option in translated.items()
        if option in configured and not os.environ.get(variable)
    }
