"""Survey a repository: its package, its tests, and what else decides answers. Nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from hooks.adoption import frameworks, imports, index, requirement_files, sources
from hooks.adoption.frameworks import Framework, files_that_import
from hooks.adoption.imports import Imports
from hooks.adoption.index import Unfit
from hooks.adoption.own_build import build_requirements, needs_own_build
from hooks.adoption.packages import package_lists, package_of_import
from hooks.adoption.repository import Repository
from hooks.adoption.stack import load as load_stack
from hooks.adoption.wanted import DEVELOP, UNSAID, Findings, Wanted
from hooks.errors import HookError

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
_APT = re.compile(r"apt(?:-get)?\s+(?:-\S+\s+)*install\s+(?P<packages>[^&|;\n]*)")
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
        imports: What the code imports.
        framework: What it computes with.
        unfit: Exact pins that a Python has no wheels for, by Python; empty where nobody was asked.
        undeclared: Packages that the code imports and no file declares, with the number of files.
        readme_installs: Names that the README installs by pip.
        own_build: Whether the package needs its own build backend.
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
    imports: Imports = field(default_factory=Imports)
    framework: Framework = field(default_factory=lambda: Framework(frameworks.NONE))
    unfit: Mapping[str, list[Unfit]] = field(default_factory=dict)
    undeclared: Mapping[str, int] = field(default_factory=dict)
    readme_installs: tuple[str, ...] = ()
    own_build: bool = False

    def is_required(self, name: str) -> bool:
        """Tell whether a package of a name is asked for by the repository, which is not its own."""
        wanted = {each.name for each in self.findings.wanted}
        is_own = canonicalize_name(self.distribution) == canonicalize_name(name)
        return canonicalize_name(name) in wanted and not is_own

    @property
    def distribution(self) -> str:
        """The name under which the project is packaged, "" if nothing says one."""
        tool = self.pyproject.get("tool", {})
        said = self.pyproject.get("project", {}), tool.get("poetry", {}), self.setup
        return next((str(each["name"]) for each in said if each.get("name")), "")


@dataclass(frozen=True)
class Wishes:
    """What the user says besides what the repository says.

    Attributes:
        carry: Files and optional parts that are taken too.
        environments: Optional parts that get an environment of their own.
        loosen: Packages whose exact version does not count.
        leave_out: Packages that are not taken.
        asks_index: Whether the package index is asked about pins.
    """

    carry: Collection[str] = ()
    environments: Collection[str] = ()
    loosen: Collection[str] = ()
    leave_out: Collection[str] = ()
    asks_index: bool = False


def survey(repository: Repository, wishes: Wishes | None = None) -> Survey:
    """Read a repository.

    Raises:
        HookError: A file that decides much cannot be read, or a wish names what is not there.
    """
    wishes = wishes or Wishes()
    findings = Findings()
    readme = repository.text(named(repository, "README")) or ""
    parts = [each for each in wishes.carry if each not in repository.tree]
    parts += wishes.environments
    findings.chosen = {*wishes.carry}
    findings.apart = tuple(wishes.environments)
    files = [each for each in wishes.carry if each in repository.tree]
    unread = [each for each in files if not requirement_files.FILES.fullmatch(each)]
    said = sources.read(repository, findings, readme, unread)
    _check_parts(parts, findings)
    images, system_packages = _dockerfiles(repository)
    workflows = tuple(path for path in sorted(repository.tree) if WORKFLOWS.fullmatch(path))
    _read_pythons(repository, findings, workflows)
    imported = imports.read(repository)
    package = _package(repository, _name_said(said.pyproject, said.setup))
    version_is_read = version_in_source(repository, package)
    own_build = needs_own_build(said.pyproject, version_is_read=version_is_read)
    for line in build_requirements(said.pyproject) if own_build else ():
        findings.ask(line, "pyproject.toml, to build it", DEVELOP)
    _fulfil(wishes, findings)
    _take_packages_of_modules(findings, imported)
    framework = frameworks.decide(findings.once_each(), imported, images)
    framework = _take_declared(findings, imported, framework)
    undeclared = _take_imported(findings, imported, framework)
    asked = findings.once_each()
    pythons = load_stack().pythons
    return Survey(
        repository=repository,
        findings=findings,
        pyproject=said.pyproject,
        setup=said.setup,
        package=package,
        own_build=own_build,
        title=_title(repository),
        license_file=(license_file := named(repository, "LICENSE", "LICENCE", "COPYING")),
        license=_license(repository.text(license_file) or ""),
        images=images,
        system_packages=system_packages,
        workflows=workflows,
        test_command=_test_command(repository),
        requirement_sources=said.read,
        imports=imported,
        framework=framework,
        unfit=index.unfit(asked, pythons) if wishes.asks_index else {},
        undeclared=undeclared,
        readme_installs=said.readme_installs,
    )


def _check_parts(parts: Collection[str], findings: Findings) -> None:
    known = findings.groups()
    for part in parts:
        if part not in known:
            names = ", ".join(known) or "none"
            raise HookError(f"--carry {part}: no such file or optional part; there are: {names}.")


def _fulfil(wishes: Wishes, findings: Findings) -> None:
    """Take out versions and packages that the user does without."""
    names = {each.name for each in findings.wanted}
    for each in (*wishes.loosen, *wishes.leave_out):
        if canonicalize_name(each) not in names:
            raise HookError(f"{each}: the repository does not ask for it.")
    left_out = {str(canonicalize_name(each)) for each in wishes.leave_out}
    loose = {str(canonicalize_name(each)) for each in wishes.loosen}
    findings.skipped += [
        (str(each.requirement), f"{each.origin}: left out as you said")
        for each in findings.wanted
        if each.name in left_out
    ]
    findings.wanted = [
        _loosened(each) if each.name in loose else each
        for each in findings.wanted
        if each.name not in left_out
    ]
    for name in loose:
        findings.locked.pop(name, None)


def _loosened(wanted: Wanted) -> Wanted:
    requirement = Requirement(str(wanted.requirement))
    requirement.specifier = SpecifierSet()
    return replace(wanted, requirement=requirement)


def _take_packages_of_modules(findings: Findings, imported: Imports) -> None:
    """Take the package where a module is asked for as if it were one, such as ``sklearn``."""
    modules = {
        str(canonicalize_name(module)): module
        for module in package_lists()["misnamed"]
        if imported.uses(module)
    }
    kept = []
    for each in findings.wanted:
        module = modules.get(each.name)
        if module is None:
            kept.append(each)
            continue
        package = package_of_import(module)
        reason = f"{each.origin}: that is a module; its package {package} is taken"
        findings.skipped.append((str(each.requirement), reason))
        kept.append(replace(each, requirement=Requirement(package)))
    findings.wanted = kept


def _take_declared(findings: Findings, imported: Imports, framework: Framework) -> Framework:
    """Take the framework as it is declared, if not for everybody: in an extra, or to develop.

    Its companions in the same part come along. uv's own guide puts torch into extras, one for each
    kind of hardware.
    """
    rows = [each for each in findings.wanted if each.name == framework.missing]
    if not rows:
        return framework
    part = rows[0].group
    family = {framework.missing, *load_stack().companions}
    findings.wanted = [
        replace(each, group="", use=UNSAID) if each.group == part and each.name in family else each
        for each in findings.wanted
    ]
    where = part or f"{rows[0].origin}, to develop,"
    files = imported.count([framework.missing])
    reason = f"{where} asks for {framework.missing}, and {files_that_import(files)} it"
    return replace(framework, reason=reason, missing="")


def _take_imported(findings: Findings, imported: Imports, framework: Framework) -> dict[str, int]:
    """Add what the code imports where no file declares anything, and the framework in any case.

    Returns:
        What is imported and still declared nowhere, with the number of files.
    """
    declared = {each.name for each in findings.wanted}
    nothing = not [each for each in findings.wanted if not each.group]
    undeclared: dict[str, int] = {}
    for module in imported.modules():
        package = package_of_import(module)
        if package and package not in declared:
            undeclared[package] = max(undeclared.get(package, 0), imported.count([module]))
    if framework.missing and framework.missing not in declared:
        undeclared.setdefault(framework.missing, 0)
    for package, files in list(undeclared.items()):
        if nothing or package == framework.missing:
            origin = f"{files_that_import(files)} it" if files else framework.reason
            findings.ask(package, origin)
            del undeclared[package]
    if nothing:
        for module in sorted(imported.test_files):
            package = package_of_import(module)
            if package and imported.is_foreign(module) and package not in declared:
                findings.ask(package, "tests import it", DEVELOP)
    return undeclared


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
    text = sources.without_fences(repository.text(named(repository, "README")) or "")
    lines = [line.strip() for line in text.splitlines()]
    for line, below in pairwise([*lines, ""]):
        found = re.search(r"<h1[^>]*>(?P<title>.*?)</h1>", line)
        if found and (title := re.sub(r"<[^>]*>", "", found["title"]).strip()):
            return title
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
