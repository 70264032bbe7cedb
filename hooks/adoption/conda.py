"""Read conda's environments and pixi's workspace."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

import yaml
from packaging.utils import canonicalize_name

from hooks.adoption import stack
from hooks.adoption.packages import known, package_lists
from hooks.adoption.pyproject_read import load, use_of_group
from hooks.adoption.repository import Repository
from hooks.adoption.requirement_files import Reader
from hooks.adoption.shapes import table
from hooks.adoption.wanted import DEVELOP, UNSAID, Findings, from_poetry

ENVIRONMENTS = re.compile(r"(environment|conda|conda[-_]env|env)([-_.][^/]*)?\.ya?ml")
_MAIN = ("environment", "conda", "conda-env", "conda_env", "env")
_SPEC = re.compile(r"(?:\S+::)?(?P<name>[A-Za-z0-9._-]+)\s*(?P<versions>[^\[]*)(\[.*\])?")
_SYSTEM = "no Python package; the machine brings it"
_UNKNOWN = (
    "a name of conda that may be another's on PyPI, so PyPI is not asked; if it is a Python "
    "package, add it to requirements/"
)


def read(repository: Repository, findings: Findings) -> list[str]:
    """Read conda's environments and return their paths; one for a variant is an optional part."""
    paths = [
        path
        for path in sorted(repository.tree)
        if ENVIRONMENTS.fullmatch(path) and repository.text(path) is not None
    ]
    main = next((path for name in _MAIN for path in paths if _stem(path) == name), "")
    read_ones = []
    for path in sorted(paths, key=lambda each: each != (main or paths[0])):
        try:
            content = yaml.safe_load(repository.text(path) or "")
        except yaml.YAMLError:
            findings.skipped.append((path, "no valid YAML"))
            continue
        if not isinstance(content, Mapping) or "dependencies" not in content:
            if path == main:
                findings.skipped.append((path, "it has no list of dependencies"))
            continue
        read_ones.append(path)
        is_first = path == (main or paths[0])
        use = use_of_group(_stem(path).rpartition("-")[2]) if not is_first else UNSAID
        group = "" if is_first or use == DEVELOP else path
        read_environment(content, path, repository, findings, group)
    return read_ones


def read_pixi(repository: Repository, findings: Findings) -> list[str]:
    """Read ``pixi.toml``; its features other than those for development are optional parts."""
    path = "pixi.toml"
    if repository.text(path) is None:
        return []
    content = load(repository, path)
    parts = {"": content, **{f"feature {each}": said for each, said in _features(content, path)}}
    for part, said in parts.items():
        use = use_of_group(part.removeprefix("feature ")) if part else UNSAID
        group = "" if use == DEVELOP else part
        for name, wanted in table(said, path, "dependencies").items():
            version = wanted.get("version", "*") if isinstance(wanted, Mapping) else wanted
            text = str(version).replace(" ", "")
            _read_spec(f"{name} {'' if text == '*' else text}", path, group, findings, use)
        for name, wanted in table(said, path, "pypi-dependencies").items():
            if isinstance(wanted, Mapping) and wanted.get("editable") is True:
                continue  # the project itself, which `make install` installs
            from_poetry(name, wanted, path, use, findings, group)
    return [path]


def read_environment(
    content: object, path: str, repository: Repository, findings: Findings, group: str = ""
) -> None:
    """Read the content of one environment."""
    items = content.get("dependencies") if isinstance(content, Mapping) else None
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            _read_pip_block(item.get("pip", []), path, group, repository, findings)
        elif isinstance(item, str):
            _read_spec(item, path, group, findings)
        else:
            findings.skipped.append((str(item), f"{path}: not a package that can be read"))


def versions_of(text: str) -> str:
    """Convert conda's version notation to PEP 440; ``=1.2`` means ``==1.2.*`` there."""
    text = text.strip()
    if not text or text == "*":
        return ""
    if re.match(r"=[^=]", text):
        version = text[1:].partition("=")[0].split(" ")[0].strip()
        is_full = version.count(".") >= 2 or version.endswith("*")
        return f"=={version}" if is_full else f"=={version}.*"
    if re.match(r"\d", text):
        return f"=={text.split()[0].partition('=')[0]}"
    return text.replace(" ", "").split("|")[0]


def _features(content: Mapping[str, object], path: str) -> list[tuple[str, object]]:
    return list(table(content, path, "feature").items())


def _read_pip_block(
    lines: object, path: str, group: str, repository: Repository, findings: Findings
) -> None:
    for line in lines if isinstance(lines, list) else []:
        text = str(line).strip()
        option, _, value = re.sub(r"\s*=\s*|\s+", " ", text, count=1).partition(" ")
        if option in ("--index-url", "--extra-index-url", "-i", "--find-links", "-f"):
            findings.indexes.append((value.strip(), path))
        elif text in ("-e .", "."):
            continue  # the project itself, which `make install` installs
        elif option in ("-r", "--requirement"):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), value.strip()))
            if repository.text(target) is None:
                findings.skipped.append((text, f"{path}: that file is not in the repository"))
            else:
                Reader(repository, findings).read(target, group=group)
        elif option in ("-e", "--editable"):
            findings.ask(value.strip(), path, UNSAID, group)
        elif text.startswith("-"):
            findings.skipped.append((text, f"{path}: an option of pip, not a package"))
        else:
            findings.ask(text, path, UNSAID, group)


def _read_spec(text: str, path: str, group: str, findings: Findings, use: str = UNSAID) -> None:
    found = _SPEC.fullmatch(text.strip())
    if not found:
        findings.skipped.append((text, f"{path}: not a package that can be read"))
        return
    spelled = found["name"].lower()
    versions = versions_of(found["versions"])
    if spelled == "python":
        findings.pythons += [(versions, path)] if versions else []
    elif spelled in package_lists()["conda_system"]:
        findings.builds.append((text, path))
        if spelled != "pip":
            findings.skipped.append((text, f"{path}: {_SYSTEM}"))
    elif name := _name_on_pypi(spelled):
        findings.ask(name + versions, path, use, group)
    else:
        findings.skipped.append((text, f"{path}: {_UNKNOWN}"))


def _name_on_pypi(spelled: str) -> str:
    """Return what PyPI calls a package of conda, "" if that is not known."""
    if stack.load().is_torch_of_conda(spelled):
        return "torch"
    if spelled in package_lists()["conda_names"]:
        return str(package_lists()["conda_names"][spelled])
    name = str(canonicalize_name(spelled))
    of_stack = {*stack.load().pinned(stack.load().pythons[0])}
    return name if name in known() or name in of_stack else ""


def _stem(path: str) -> str:
    return posixpath.splitext(path)[0].lower()
