"""Read the requirements in ``pyproject.toml``: PEP 621, PEP 735, Poetry, uv, PDM, Hatch."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name

from hooks.adoption import requirement_files
from hooks.adoption.repository import Repository
from hooks.adoption.shapes import rows, table, text, texts
from hooks.adoption.wanted import (
    DEVELOP,
    NO_HASH,
    RUN,
    UNSAID,
    Findings,
    from_poetry,
    without_password,
)
from hooks.errors import HookError

FILE = "pyproject.toml"
_DEVELOPMENT = re.compile(
    r"(.*[-_])?(dev|develop|development|tests?|testing|lint|linting|docs?|style|quality|typing)"
    r"([-_].*)?"
)


def load(repository: Repository, path: str = FILE) -> dict[str, Any]:
    """Return a file of TOML, empty if there is none.

    Raises:
        HookError: The file is not valid TOML.
    """
    try:
        return tomllib.loads(repository.text(path) or "")
    except tomllib.TOMLDecodeError as error:
        raise HookError(f"{path} cannot be read ({error}): fix it first.") from error


def read(content: Mapping[str, Any], repository: Repository, findings: Findings) -> bool:
    """Read all requirements; tell whether the package declares what it needs.

    Raises:
        HookError: Something has a shape that nobody could install either.
    """
    before = len(findings.wanted)
    for line in texts(content, FILE, "project", "dependencies"):
        findings.ask(line, FILE, RUN)
    _read_poetry(table(content, FILE, "tool", "poetry"), findings)
    if "dependencies" in texts(content, FILE, "project", "dynamic"):
        _read_dynamic(content, repository, findings)
    declares = len(findings.wanted) > before
    for extra in table(content, FILE, "project", "optional-dependencies"):
        for line in texts(content, FILE, "project", "optional-dependencies", extra):
            findings.ask(line, FILE, use_of_group(extra), group_of(extra))
    _read_groups(content, findings)
    for group in table(content, FILE, "tool", "pdm", "dev-dependencies"):
        for line in texts(content, FILE, "tool", "pdm", "dev-dependencies", group):
            findings.ask(line, FILE, DEVELOP)
    _read_hatch(content, findings)
    _read_uv(content, findings)
    texts(content, FILE, "build-system", "requires")
    if python := text(content, FILE, "project", "requires-python"):
        findings.pythons.append((python, FILE))
    return declares


def use_of_group(name: str) -> str:
    """Return what an extra or a group of requirements is for, if its name tells."""
    return DEVELOP if _DEVELOPMENT.fullmatch(name.lower()) else UNSAID


def group_of(extra: str) -> str:
    """Return the name of an optional part for an extra; tools of development are none."""
    return "" if use_of_group(extra) == DEVELOP else f"extra {extra}"


def _read_groups(content: Mapping[str, Any], findings: Findings) -> None:
    """Read ``[dependency-groups]``; uv installs the group ``dev`` alone without being asked."""
    for group in table(content, FILE, "dependency-groups"):
        use = use_of_group(group)
        part = "" if use == DEVELOP else f"group {group}"
        for line in rows(content, FILE, "dependency-groups", group):
            if isinstance(line, str):
                findings.ask(line, FILE, use, part)


def _read_dynamic(content: Mapping[str, Any], repository: Repository, findings: Findings) -> None:
    """Read the files that setuptools takes a package's dependencies from."""
    said = table(content, FILE, "tool", "setuptools", "dynamic")
    files = table(said, FILE, "dependencies").get("file", [])
    for path in [files] if isinstance(files, str) else texts({"file": files}, FILE, "file"):
        _read_file(path, repository, findings)


def _read_file(path: str, repository: Repository, findings: Findings) -> None:
    content = repository.text(path)
    if content is None:
        findings.skipped.append((path, f"{FILE} names it, but it is not in the repository"))
        return
    for line in requirement_files.statements(content):
        if not line.startswith("-"):
            findings.ask(line, path, RUN)


def _read_poetry(poetry: Mapping[str, Any], findings: Findings) -> None:
    sources = {
        str(each.get("name")): str(each.get("url", ""))
        for each in rows(poetry, FILE, "source")
        if isinstance(each, Mapping)
    }
    main = dict(table(poetry, FILE, "dependencies"))
    if isinstance(python := main.pop("python", None), str):
        findings.pythons.append((python, FILE))
    extras = _extras_of_poetry(poetry)
    for name, wanted in main.items():
        is_optional = isinstance(wanted, Mapping) and wanted.get("optional") is True
        part = extras.get(str(canonicalize_name(name)), "optional") if is_optional else ""
        use = UNSAID if is_optional else RUN
        if not _is_left_at_its_source(name, wanted, sources, use, findings):
            from_poetry(name, wanted, FILE, use, findings, part)
    groups = {group: table(poetry, FILE, "group", group) for group in table(poetry, FILE, "group")}
    groups["dev"] = {
        **groups.get("dev", {}),
        "dependencies": {
            **table(groups, FILE, "dev", "dependencies"),
            **table(poetry, FILE, "dev-dependencies"),
        },
    }
    for group, said in groups.items():
        part = f"group {group}" if said.get("optional") is True else ""
        for name, wanted in table(said, FILE, "dependencies").items():
            use = use_of_group(group)
            if not _is_left_at_its_source(name, wanted, sources, use, findings):
                from_poetry(name, wanted, FILE, use, findings, part)
    findings.indexes += [(address, FILE) for address in sources.values() if address]


def _is_left_at_its_source(
    name: str, wanted: object, sources: Mapping[str, str], use: str, findings: Findings
) -> bool:
    """Leave out a package that Poetry takes from an index other than PyPI and PyTorch's."""
    source = wanted.get("source") if isinstance(wanted, Mapping) else None
    if source is None or str(source).lower() == "pypi":
        return False
    if reason := _tie(name, str(source), sources, findings):
        findings.leave(name, FILE, reason, use)
        return True
    return False


def _extras_of_poetry(poetry: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for extra in table(poetry, FILE, "extras"):
        for name in texts(poetry, FILE, "extras", extra):
            found.setdefault(str(canonicalize_name(name)), f"extra {extra}")
    return found


def _read_hatch(content: Mapping[str, Any], findings: Findings) -> None:
    """Read the packages of Hatch's environments, which are tools beside the project."""
    for name, said in table(content, FILE, "tool", "hatch", "envs").items():
        lines = [
            line
            for key in ("dependencies", "extra-dependencies")
            for line in (said.get(key, []) if isinstance(said, Mapping) else [])
        ]
        use = DEVELOP if name == "default" else use_of_group(name)
        part = "" if use == DEVELOP else f"environment {name} of Hatch"
        for line in lines:
            findings.ask(str(line), FILE, use, part)


def _read_uv(content: Mapping[str, Any], findings: Findings) -> None:
    uv = table(content, FILE, "tool", "uv")
    for line in texts(uv, FILE, "dev-dependencies"):
        findings.ask(line, FILE, DEVELOP)
    indexes = [each for each in rows(uv, FILE, "index") if isinstance(each, Mapping)]
    addresses = {str(each.get("name")): str(each.get("url", "")) for each in indexes}
    said: list[Any] = [each.get("url") for each in indexes]
    for option in ("index-url", "extra-index-url"):
        value = uv.get(option, [])
        said += value if isinstance(value, list) else [value]
    findings.indexes += [(str(url), FILE) for url in said if url]
    for name, source in table(uv, FILE, "sources").items():
        sources = source if isinstance(source, list) else [source]
        if reason := _why_not_from_uv(name, sources, addresses, findings):
            _leave_source(name, reason, findings)


def _leave_source(name: str, reason: str, findings: Findings) -> None:
    """Leave out a package that comes from elsewhere than PyPI."""
    findings.skipped.append((f"tool.uv.sources.{name}", f"{FILE}: {reason}"))
    gone = [each for each in findings.wanted if each.name == canonicalize_name(name)]
    findings.wanted = [each for each in findings.wanted if each not in gone]
    findings.uninstallable += [str(each.requirement) for each in gone if each.use == RUN]


def _why_not_from_uv(
    name: str, sources: list[Any], addresses: Mapping[str, str], findings: Findings
) -> str:
    """Return why a package cannot come from where uv takes it, "" if it comes from an index."""
    for source in sources:
        if not isinstance(source, Mapping):
            return f"{source!r} is no source"
        if "workspace" in source:
            return "it is a package of this repository: its own requirements are in its folder"
        if "index" not in source:
            return NO_HASH
        if reason := _tie(name, str(source["index"]), addresses, findings):
            return reason
    return ""


def _tie(name: str, index: str, addresses: Mapping[str, str], findings: Findings) -> str:
    """Tie a package to the index that it comes from; return why that cannot be, "" if it is."""
    address = addresses.get(index, "")
    if name.startswith("torch") or "pytorch" in address or _is_of_torch(address):
        return ""
    if not address:
        return f"it comes from the index {index}, whose address is not there"
    if not any(name in names for names in findings.ties.values()):  # a package has one index
        key = re.sub(r"[^\w-]+", "-", index), without_password(address)
        findings.ties.setdefault(key, []).append(name)
    return ""


def _is_of_torch(address: str) -> bool:
    return bool(re.search(r"/(cpu|cu\d+|rocm[\d.]+|xpu)/?$", address))
