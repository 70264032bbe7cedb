"""Describe what is locked as a software bill of materials (SBOM)."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from packaging.utils import canonicalize_name

from envkeep.errors import ToolError
from envkeep.locks.lockfile import LockEntry
from envkeep.paths import PYPROJECT, python
from envkeep.process import announce, run
from envkeep.toolchain.pinned_tools import AUDIT

WORKER = Path(__file__).with_name("sbom_worker.py")
BUILD_TIME = "SOURCE_DATE_EPOCH"


def describe_locks(
    locked: Mapping[str, Iterable[LockEntry]],
    known: Mapping[tuple[str, str], str],
    project: Mapping[str, str | None],
    indexes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the parts of a software bill of materials and what brings what.

    Args:
        locked: The entries of the locks by layer; of a package in several the first counts.
        known: Licenses by package and version.
        project: Name, version and license of the project itself.
        indexes: Addresses of the indexes of those packages that have one of their own.
    """
    rows: dict[str, dict[str, Any]] = {}
    direct: set[str] = set()
    needs: dict[str, set[str]] = {}
    for layer, entries in locked.items():
        for entry in entries:
            rows.setdefault(entry.name, _row(entry, layer, known))
            direct |= {entry.name} if entry.files else set()
            for parent in entry.parents:
                needs.setdefault(canonicalize_name(parent), set()).add(entry.name)
    for name, index in (indexes or {}).items():
        rows[name]["index"] = index
    components = [
        {**row, "needs": sorted(needs.get(name, set()))} for name, row in sorted(rows.items())
    ]
    content = {"project": dict(project), "components": components, "direct": sorted(direct)}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    seconds = os.environ.get(BUILD_TIME, "")
    return {
        **content,
        "serial": str(uuid5(NAMESPACE_OID, digest)),
        "seconds": int(seconds) if seconds.isdecimal() else None,
    }


def _row(entry: LockEntry, layer: str, known: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    version = entry.version or None
    return {
        "name": entry.name,
        "version": version,
        "address": entry.address or None,
        "layer": layer,
        "license": known.get((entry.name, version or "")),
        "sha256": sorted(each.removeprefix("sha256:") for each in entry.hashes),
    }


def own_component() -> dict[str, str | None]:
    """Return name, version and license of the project.

    Raises:
        ToolError: ``pyproject.toml`` cannot be read, or has no name of the project.
    """
    try:
        found = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        license = found.get("license")
        return {
            "name": canonicalize_name(str(found["name"])),
            "version": str(found["version"]) if "version" in found else None,
            "license": license if isinstance(license, str) else None,
        }
    except (OSError, ValueError, LookupError, AttributeError) as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); correct it.") from error


def render_sbom(document: Mapping[str, Any]) -> bytes:
    """Return a document in the form of CycloneDX 1.6, JSON; the same bytes for the same document.

    Raises:
        ToolError: The tool that knows the form cannot be had, or fails.
    """
    command = [python(AUDIT.ensure()), "-I", WORKER]
    announce(command)
    done = run(command, stdin=json.dumps(document).encode(), mode="capture", check=False)
    if done.code:
        reason = done.errors.strip().rpartition("\n")[2].rstrip(".")
        raise ToolError(f"the SBOM could not be written: {reason}.")
    return done.output
