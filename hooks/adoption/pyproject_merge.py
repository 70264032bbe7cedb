"""Join a repository's ``pyproject.toml`` with the template's part of it."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Null

from envkeep.updates import managed_blocks
from hooks.adoption.own_build import SETUPTOOLS
from hooks.adoption.survey import FLAT_LAYOUT, SCRIPTS, SOURCE_LAYOUT, Survey, version_in_source
from hooks.errors import HookError

SHARED_TOOLS = ("poetry", "setuptools")
# What [project] calls what setup.py and setup.cfg call otherwise.
_LEFT_TO_SETUP = {
    "version": ("version",),
    "description": ("description",),
    "long_description": ("readme",),
    "author": ("authors",),
    "maintainer": ("maintainers",),
    "keywords": ("keywords",),
    "classifiers": ("classifiers",),
    "install_requires": ("dependencies",),
    "extras_require": ("optional-dependencies",),
    "entry_points": ("entry-points", "scripts", "gui-scripts"),
}


def above_fence(text: str, path: str) -> str:
    """Return the template's part of a shared file, the fence included.

    Raises:
        HookError: The file has no fence.
    """
    found = managed_blocks.parts(text.encode())
    if not found:
        raise HookError(f"the template's {path} has no fence: adopt with a newer release of it.")
    return found[0].decode()


def merge(rendered: str, found: Survey) -> str:
    """Return the template's part, then the repository's.

    The range of Pythons is the template's, and so is the build backend unless the package needs
    its own. Poetry's tables become ``[project]``; what else the repository had stays as written.

    Raises:
        HookError: The repository's file is written in a way that cannot be joined.
    """
    top = above_fence(rendered, "pyproject.toml")
    had = dict(found.pyproject)
    keeps_build = found.own_build
    text = found.repository.text("pyproject.toml") or ""
    project, rest = _parts(text, keeps_build=keeps_build)
    if "project" not in had:
        project = tomlkit.dumps(_project(found))
    own = re.sub(r"\A\[project\]\n", "", project.strip() + "\n")
    packaging = "" if keeps_build else tomlkit.dumps(_setuptools(found))
    text = "\n".join(
        part.strip("\n") + "\n" for part in (top + own, packaging, rest) if part.strip()
    )
    _check(text, had, tomllib.loads(top))
    return text


def _parts(text: str, *, keeps_build: bool) -> tuple[str, str]:
    """Return the text of ``[project]`` and of the rest, without what the template says."""
    try:
        document = tomlkit.parse(text)
        if "project" in document:
            document["project"].pop("requires-python", None)
        if "tool" in document and "poetry" in document["tool"]:
            del document["tool"]["poetry"]
        project: list[str] = []
        rest: list[str] = []
        for key, item in document.body:
            is_build = key is not None and key.key == "build-system"
            if isinstance(item, Null) or (is_build and not keeps_build):
                continue
            own = project if key is not None and key.key == "project" else rest
            if key is None:
                own.append(item.as_string())
                continue
            single = tomlkit.document()
            single.append(key, item)
            own.append(single.as_string())
    except TOMLKitError as error:
        raise HookError(f"pyproject.toml cannot be read ({error}): fix it first.") from error
    joined = "".join(project)
    if joined and not joined.startswith("[project]\n"):
        # Written otherwise: as an inline table, with dotted keys, or behind its sub-tables.
        joined = tomlkit.dumps({"project": document["project"].unwrap()})
    return joined, "".join(rest)


def _project(found: Survey) -> dict[str, Any]:
    """Return ``[project]`` for a repository that has none."""
    poetry = found.pyproject.get("tool", {}).get("poetry", {})
    if poetry:
        return {"project": _from_poetry(poetry)}
    name = found.distribution or found.repository.folder.resolve().name
    name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "project"
    # A folder of scripts may be called as what they import.
    facts: dict[str, Any] = {"name": f"{name}-project" if found.is_required(name) else name}
    left = [
        name for said, names in _LEFT_TO_SETUP.items() if found.setup.get(said) for name in names
    ]
    computed = [said for said, value in found.setup.items() if value is None]
    left += [name for said in computed for name in _LEFT_TO_SETUP.get(said, ())]
    if "version" not in left:
        facts["version"] = "0.0.0"
    if left:
        facts["dynamic"] = left
    return {"project": facts}


def _from_poetry(poetry: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: poetry[name] for name in ("name", "version", "description") if name in poetry}
    facts.setdefault("name", "project")
    facts.setdefault("version", "0.0.0")
    people = [str(each) for each in poetry.get("authors", [])]
    if people:
        facts["authors"] = [_person(each) for each in people]
    if isinstance(poetry.get("readme"), str):
        facts["readme"] = poetry["readme"]
    if poetry.get("keywords"):
        facts["keywords"] = poetry["keywords"]
    urls = {"Homepage": poetry.get("homepage"), "Repository": poetry.get("repository")}
    if any(urls.values()):
        facts["urls"] = {name: address for name, address in urls.items() if address}
    scripts = {name: to for name, to in poetry.get("scripts", {}).items() if isinstance(to, str)}
    if scripts:
        facts["scripts"] = scripts
    if poetry.get("plugins"):
        facts["entry-points"] = poetry["plugins"]
    return facts


def _person(text: str) -> dict[str, str]:
    found = re.fullmatch(r"(?P<name>[^<]*)<(?P<email>[^>]*)>\s*", text)
    return {"name": found["name"].strip(), "email": found["email"]} if found else {"name": text}


def _setuptools(found: Survey) -> dict[str, Any]:
    """Return how setuptools finds the packages, where the repository does not say so itself."""
    said = found.pyproject.get("tool", {}).get("setuptools", {})
    if {"packages", "py-modules"} & {*said, *found.setup}:
        return {}
    settings: dict[str, Any] = {}
    package = found.package
    names = [package.name, *package.others]
    if package.layout == SOURCE_LAYOUT:
        settings["packages"] = {"find": {"where": ["src"]}}
    elif package.layout == FLAT_LAYOUT:
        inner = [pattern for name in sorted(names) for pattern in (name, f"{name}.*")]
        settings["packages"] = {"find": {"include": inner}}
    elif package.layout == SCRIPTS:
        settings |= {"packages": [], "py-modules": []}
    backend = found.pyproject.get("build-system", {}).get("build-backend", SETUPTOOLS)
    if not backend.startswith("setuptools"):
        # Other backends pack all files of a package.
        settings["package-data"] = {"*": ["**"]}
        is_dynamic = "version" in found.pyproject.get("project", {}).get("dynamic", [])
        if is_dynamic and version_in_source(found.repository, package):
            settings["dynamic"] = {"version": {"attr": f"{package.name}.__version__"}}
    merged = {name: value for name, value in settings.items() if name not in said}
    return {"tool": {"setuptools": merged}} if merged else {}


def _check(text: str, had: Mapping[str, Any], top: Mapping[str, Any]) -> None:
    """Stop if the joined file does not say what both say.

    Raises:
        HookError: The joined file lacks something that one of both says.
    """
    said: dict[str, Any] = {}
    with contextlib.suppress(tomllib.TOMLDecodeError):
        said = tomllib.loads(text)
    ours = ("build-system", "project", "tool")
    rest = {name: value for name, value in had.items() if name not in ours}
    tool = {name: value for name, value in had.get("tool", {}).items() if name not in SHARED_TOOLS}
    is_whole = (
        said.get("build-system") == top.get("build-system", had.get("build-system"))
        and said.get("project", {}).items() >= {**had.get("project", {}), **top["project"]}.items()
        and said.items() >= rest.items()
        and said.get("tool", {}).items() >= tool.items()
    )
    if not is_whole:
        raise HookError(
            "pyproject.toml could not be joined with the template's so that both still hold: write "
            "its tables as [table] headers, without dotted keys at the top, and adopt again."
        )
