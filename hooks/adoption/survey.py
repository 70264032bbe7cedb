"""Survey a repository: its package, its tests, and what else decides answers. Nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from hooks.adoption import manifests, requirement_files
from hooks.adoption.repository import Repository
from hooks.adoption.wanted import Findings

SOURCE_LAYOUT = "src"
FLAT_LAYOUT = "flat"
SCRIPTS = "scripts"
NOT_PACKAGES = (
    *("benchmarks", "build", "configs", "conf", "data", "dist", "docs", "examples", "experiments"),
    *("models", "notebooks", "requirements", "scripts", "test", "tests", "tools"),
)
DOCKERFILES = re.compile(r"([^/]+/)?(Dockerfile|Containerfile)([.-][^/]+)?|[^/]+\.dockerfile")
WORKFLOWS = re.compile(
    r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml|azure-pipelines\.yml|"
    r"Jenkinsfile|\.travis\.yml"
)
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*(?P<image>\S+)", re.MULTILINE | re.IGNORECASE)
_APT = re.compile(r"apt(?:-get)?\s+(?:-\S+\s+)*install\s+(?P<packages>[^&|;]*)")
_TARGET = re.compile(
    r"^(?P<names>[A-Za-z][\w.-]*(?:\s+[A-Za-z][\w.-]*)*)\s*:(?![=:])", re.MULTILINE
)
_WORKFLOW_PYTHON = re.compile(r"python-version:\s*\[?\s*[\"']?(?P<version>3\.\d+)")
_LICENSES = {
    "Apache-2.0": r"Apache License\s+Version 2\.0",
    "BSD-3-Clause": r"Redistribution and use[\s\S]*Neither the name",
    "MIT": r"Permission is hereby granted, free of charge",
}


@dataclass(frozen=True)
class Package:
    """The package of a repository.

    Attributes:
        name: What ``import`` takes; "" if there is none.
        layout: ``src``, ``flat``, or ``scripts`` where there is no package.
        others: Further packages beside it.
    """

    name: str
    layout: str
    others: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Path of the package's folder."""
        return f"src/{self.name}" if self.layout == SOURCE_LAYOUT else self.name


@dataclass(frozen=True)
class Survey:
    """All that was read.

    Attributes:
        repository: Where.
        findings: Packages, indexes, Pythons.
        pyproject: The content of ``pyproject.toml``.
        setup: What ``setup.py`` and ``setup.cfg`` say.
        package: The package.
        title: The first heading of the README, "" without one.
        license_file: Path of the license, "" without one.
        license: Its identifier, "" if it is none that the template knows.
        images: Base images of the Dockerfiles, with the file.
        system_packages: What Dockerfiles install by apt.
        workflows: Files of continuous integration.
        test_command: How the tests were run before, "" if there are none.
        requirement_sources: Files that requirements were read from.
    """

    repository: Repository
    findings: Findings
    pyproject: Mapping[str, Any]
    setup: Mapping[str, Any]
    package: Package
    title: str
    license_file: str
    license: str
    images: tuple[tuple[str, str], ...] = ()
    system_packages: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    test_command: str = ""
    requirement_sources: tuple[str, ...] = field(default=())

    @property
    def distribution(self) -> str:
        """The name under which the project is packaged, "" if nothing says one."""
        tool = self.pyproject.get("tool", {})
        said = self.pyproject.get("project", {}), tool.get("poetry", {}), self.setup
        return next((str(each["name"]) for each in said if each.get("name")), "")


def survey(repository: Repository) -> Survey:
    """Read a repository.

    Raises:
        HookError: A file that decides much cannot be read.
    """
    findings = Findings()
    pyproject = manifests.pyproject(repository)
    # What a package declares of itself comes first: it says what is needed to run.
    manifests.read_pyproject(pyproject, findings)
    setup = manifests.setup_facts(repository, findings)
    files = requirement_files.read(repository, findings)
    files += manifests.read_conda(repository, findings)
    manifests.read_locks(repository, findings)
    images, system_packages = _dockerfiles(repository)
    workflows = tuple(path for path in sorted(repository.tree) if WORKFLOWS.fullmatch(path))
    _read_pythons(repository, findings, workflows)
    name = _name_said(pyproject, setup)
    return Survey(
        repository=repository,
        findings=findings,
        pyproject=pyproject,
        setup=setup,
        package=_package(repository, name),
        title=_title(repository),
        license_file=(license_file := named(repository, "LICENSE", "LICENCE", "COPYING")),
        license=_license(repository.text(license_file) or ""),
        images=images,
        system_packages=system_packages,
        workflows=workflows,
        test_command=_test_command(repository),
        requirement_sources=tuple(files),
    )


def named(repository: Repository, *names: str) -> str:
    """Return the file at the top that has one of some names, whatever its suffix; or ""."""
    for path in sorted(repository.tree):
        if "/" not in path and path.partition(".")[0].upper() in names:
            return path
    return ""


def make_targets(text: str) -> set[str]:
    """Return the targets that a Makefile names."""
    found = {name for match in _TARGET.finditer(text) for name in match["names"].split()}
    return found


def _name_said(pyproject: Mapping[str, Any], setup: Mapping[str, Any]) -> str:
    tool = pyproject.get("tool", {})
    said = pyproject.get("project", {}), tool.get("poetry", {}), setup
    name = next((str(each["name"]) for each in said if each.get("name")), "")
    return re.sub(r"[-.]+", "_", name).lower()


def _package(repository: Repository, name: str) -> Package:
    inits = [PurePosixPath(path).parent.as_posix() for path in _named_init(repository)]
    inner = sorted(path.removeprefix("src/") for path in inits if re.fullmatch(r"src/[^/]+", path))
    flat = sorted(path for path in inits if "/" not in path and path not in (".", *NOT_PACKAGES))
    if "src" in flat:  # src is itself the package
        return _chosen(flat, name, FLAT_LAYOUT)
    if inner:
        return _chosen(inner, name, SOURCE_LAYOUT)
    return _chosen(flat, name, FLAT_LAYOUT) if flat else Package("", SCRIPTS)


def _named_init(repository: Repository) -> Iterable[str]:
    return (path for path in repository.tree if PurePosixPath(path).name == "__init__.py")


def _chosen(names: list[str], said: str, layout: str) -> Package:
    chosen = next((name for name in names if name.lower() == said), names[0])
    return Package(chosen, layout, tuple(name for name in names if name != chosen))


def _title(repository: Repository) -> str:
    text = repository.text(named(repository, "README")) or ""
    lines = [line.strip() for line in text.splitlines()]
    for line, below in pairwise([*lines, ""]):
        if found := re.fullmatch(r"#\s+(?P<title>.*\w.*?)#*", line):
            return re.sub(r"[`*\[\]]", "", found["title"]).strip()
        if re.search(r"\w", line) and re.fullmatch(r"={3,}", below):
            return line
    return ""


def _license(text: str) -> str:
    return next((name for name, words in _LICENSES.items() if re.search(words, text)), "")


def _dockerfiles(repository: Repository) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    images, packages = [], []
    for path in sorted(repository.tree):
        text = repository.text(path) if DOCKERFILES.fullmatch(path) else None
        if text is None:
            continue
        joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
        images += [(found["image"], path) for found in _FROM.finditer(joined)]
        for found in _APT.finditer(joined):
            packages += [each for each in found["packages"].split() if each[0].isalnum()]
    return tuple(images), tuple(dict.fromkeys(packages))


def _read_pythons(repository: Repository, findings: Findings, workflows: tuple[str, ...]) -> None:
    """Note what is said about Python besides the manifests; the surest first."""
    own = (repository.text(".python-version") or "").split()
    if own:
        findings.pythons.insert(0, (own[0], ".python-version"))
    for path in workflows:
        found = _WORKFLOW_PYTHON.search(repository.text(path) or "")
        if found:
            findings.pythons.append((found["version"], path))


def _test_command(repository: Repository) -> str:
    for path in MAKEFILES:
        if "test" in make_targets(repository.text(path) or ""):
            return "make test"
    if "tox.ini" in repository.tree:
        return "tox"
    if any(re.search(r"(^|/)test_[^/]*\.py$|_test\.py$", path) for path in repository.tree):
        return "python -m pytest"
    return ""


def version_in_source(repository: Repository, package: Package) -> bool:
    """Tell whether the package says ``__version__`` as a text, which setuptools can read."""
    text = repository.text(f"{package.folder}/__init__.py") or ""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return False
    values = [node for node in body if isinstance(node, ast.Assign)]
    texts = [node for node in values if isinstance(node.value, ast.Constant)]
    names = [each for node in texts for each in node.targets if isinstance(each, ast.Name)]
    return any(each.id == "__version__" for each in names)
