"""Read the exact versions of a repository's locks, and Pipfile with its lock."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from hooks.adoption.pyproject_read import load
from hooks.adoption.repository import Repository
from hooks.adoption.shapes import rows, table, text
from hooks.adoption.wanted import DEVELOP, UNSAID, Findings, from_poetry

LOCKS = ("poetry.lock", "uv.lock", "pdm.lock")
PIPFILE = "Pipfile"


def read_locks(repository: Repository, findings: Findings) -> list[str]:
    """Read the versions that locks hold and return the paths of those that were read."""
    read = []
    for path in LOCKS:
        content = repository.text(path)
        if content is None:
            continue
        try:
            packages = rows(tomllib.loads(content), path, "package")
        except tomllib.TOMLDecodeError as error:
            findings.skipped.append((path, f"cannot be read: {error}"))
            continue
        read.append(path)
        _take((row for row in packages if isinstance(row, dict)), path, findings)
    if _read_pipfile_lock(repository, findings):
        read.append(f"{PIPFILE}.lock")
    return read


def read_pipfile(repository: Repository, findings: Findings) -> list[str]:
    """Read ``Pipfile``."""
    if repository.text(PIPFILE) is None:
        return []
    content = load(repository, PIPFILE)
    for section, use in (("packages", UNSAID), ("dev-packages", DEVELOP)):
        for name, wanted in table(content, PIPFILE, section).items():
            is_editable = isinstance(wanted, Mapping) and wanted.get("editable") is True
            if is_editable and wanted.get("path") in (".", "./"):
                continue  # the project itself, which `make install` installs
            if isinstance(wanted, Mapping):
                # What names the index that is PyPI is no source of its own.
                wanted = {key: value for key, value in wanted.items() if key != "index"}
            from_poetry(name, wanted, PIPFILE, use, findings)
    if python := text(content, PIPFILE, "requires", "python_version"):
        findings.pythons.append((python, PIPFILE))
    for source in rows(content, PIPFILE, "source"):
        if isinstance(source, Mapping) and source.get("name") != "pypi" and "url" in source:
            findings.indexes.append((str(source["url"]), PIPFILE))
    return [PIPFILE]


def _read_pipfile_lock(repository: Repository, findings: Findings) -> bool:
    path = f"{PIPFILE}.lock"
    content = repository.text(path)
    if content is None:
        return False
    try:
        said = json.loads(content)
    except json.JSONDecodeError as error:
        findings.skipped.append((path, f"cannot be read: {error}"))
        return False
    for section in ("develop", "default"):
        for name, row in table(said, path, section).items():
            version = row.get("version") if isinstance(row, Mapping) else None
            if isinstance(version, str):
                findings.locked[str(canonicalize_name(name))] = version.removeprefix("==")
    return True


def _needed_by(dependencies: object) -> set[str]:
    """Return the names in a lock's list or table of what a package needs."""
    rows_ = dependencies if isinstance(dependencies, list | dict) else []
    names = [row.get("name", "") if isinstance(row, dict) else str(row) for row in rows_]
    found = (re.match(r"[A-Za-z0-9._-]+", name) for name in names)
    return {str(canonicalize_name(each.group())) for each in found if each}


def _take(packages: Iterable[Mapping[str, Any]], path: str, findings: Findings) -> None:
    versions: dict[str, set[str]] = {}
    for row in packages:
        name, version = row.get("name"), row.get("version")
        if isinstance(name, str):
            needs = findings.needs.setdefault(str(canonicalize_name(name)), set())
            needs.update(_needed_by(row.get("dependencies")))
        is_own = isinstance(row.get("source"), Mapping) and {"virtual", "editable"} & {
            *row["source"]
        }
        if isinstance(name, str) and isinstance(version, str) and not is_own:
            versions.setdefault(str(canonicalize_name(name)), set()).add(version)
    for name, found in sorted(versions.items()):
        if len({each.partition("+")[0] for each in found}) > 1:
            reason = "locked in several versions; locked again"
            findings.skipped.append((f"{path}: {name}", reason))
        else:
            findings.locked[name] = max(found)
