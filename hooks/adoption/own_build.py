"""Tell whether a package needs its own build backend, or setuptools can take its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

SETUPTOOLS = "setuptools.build_meta"
# Backends that only pack Python files, as setuptools does, unless they ask for more.
_PACKING = {
    SETUPTOOLS: {"setuptools", "wheel"},
    "flit_core.buildapi": {"flit-core"},
    "hatchling.build": {"hatchling"},
    "pdm.backend": {"pdm-backend"},
    "poetry.core.masonry.api": {"poetry-core"},
    "uv_build": {"uv-build"},
}
# What a backend asks for only as it builds, where nothing is fetched any more.
_BESIDE = {
    "hatchling.build": ("editables",),
    "mesonpy": ("meson", "ninja"),
    "scikit_build_core.build": ("cmake", "ninja"),
}


def needs_own_build(pyproject: Mapping[str, Any], *, version_is_read: bool) -> bool:
    """Tell whether a package is built by more than packing its files.

    Args:
        pyproject: The content of ``pyproject.toml``.
        version_is_read: Whether setuptools can read the version in the package, if it is dynamic.
    """
    build, tool = pyproject.get("build-system", {}), pyproject.get("tool", {})
    if not build or "poetry" in tool:  # Poetry's own tables become [project]
        return False
    backend = str(build.get("build-backend", SETUPTOOLS))
    names = {_name(each) for each in build.get("requires", [])}
    if backend not in _PACKING or "backend-path" in build or names - _PACKING[backend]:
        return True
    hooks = tool.get("hatch", {}).get("build", {}).get("hooks") or tool.get("pdm", {}).get("build")
    is_dynamic = "version" in pyproject.get("project", {}).get("dynamic", [])
    return bool(hooks) or (backend != SETUPTOOLS and is_dynamic and not version_is_read)


def build_requirements(pyproject: Mapping[str, Any]) -> Sequence[str]:
    """Return what the development environment has to hold so that it builds the package."""
    build = pyproject.get("build-system", {})
    beside = _BESIDE.get(str(build.get("build-backend", "")), ())
    return [*map(str, build.get("requires", [])), *beside]


def _name(requirement: str) -> str:
    return str(canonicalize_name(re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]))
