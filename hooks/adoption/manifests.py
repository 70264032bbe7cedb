"""Read the manifests of projects without executing them."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name

from hooks.adoption import stack
from hooks.adoption.repository import Repository
from hooks.adoption.wanted import DEVELOP, RUN, UNSAID, Findings, from_poetry
from hooks.errors import HookError

PACKAGES = Path(__file__).resolve().parent / "packages.yml"
ENVIRONMENTS = ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml")
_CONDA = re.compile(r"(?:\S+::)?(?P<name>[A-Za-z0-9._-]+)\s*(?P<versions>[^\[]*)")
_DEVELOPMENT_EXTRA = re.compile(r"dev|develop|test|tests|testing|lint|docs?|all-dev|style|quality")
_NOT_SAID_OF_SETUP = "setup.py computes it, so it could not be read"


@cache
def package_lists() -> Mapping[str, Any]:
    """Return ``packages.yml``."""
    content: Mapping[str, Any] = yaml.safe_load(PACKAGES.read_text(encoding="utf-8"))
    return content


def pyproject(repository: Repository) -> dict[str, Any]:
    """Return ``pyproject.toml``, empty if there is none.

    Raises:
        HookError: The file is not valid TOML.
    """
    try:
        return tomllib.loads(repository.text("pyproject.toml") or "")
    except tomllib.TOMLDecodeError as error:
        raise HookError(f"pyproject.toml cannot be read ({error}): fix it first.") from error


def read_pyproject(content: Mapping[str, Any], findings: Findings) -> None:
    """Read the requirements of PEP 621, PEP 735, Poetry and uv."""
    origin = "pyproject.toml"
    project = content.get("project", {})
    for line in project.get("dependencies", []):
        findings.ask(line, origin, RUN)
    for extra, lines in project.get("optional-dependencies", {}).items():
        for line in lines:
            findings.ask(line, origin, _use_of_group(extra))
    for group, lines in content.get("dependency-groups", {}).items():
        for line in lines:
            if isinstance(line, str):
                findings.ask(line, origin, _use_of_group(group))
    tool = content.get("tool", {})
    _read_poetry(tool.get("poetry", {}), findings)
    _read_uv(tool.get("uv", {}), findings)
    if "requires-python" in project:
        findings.pythons.append((project["requires-python"], origin))


def read_locks(repository: Repository, findings: Findings) -> None:
    """Read the versions of ``poetry.lock`` and ``uv.lock``."""
    for path in ("poetry.lock", "uv.lock"):
        text = repository.text(path)
        if text is None:
            continue
        try:
            packages = tomllib.loads(text).get("package", [])
        except tomllib.TOMLDecodeError as error:
            findings.skipped.append((path, f"cannot be read: {error}"))
            continue
        rows = [row for row in packages if isinstance(row, dict) and "version" in row]
        several = {row["name"] for row in rows if _versions_of(rows, row["name"]) > 1}
        for name in sorted(several):
            findings.skipped.append((f"{path}: {name}", "locked in several versions; locked again"))
        once = (row for row in rows if row["name"] not in several)
        findings.locked.update((canonicalize_name(row["name"]), row["version"]) for row in once)


def read_conda(repository: Repository, findings: Findings) -> list[str]:
    """Read conda's environments and return their paths."""
    read = [path for path in ENVIRONMENTS if repository.text(path) is not None]
    for path in read:
        try:
            content = yaml.safe_load(repository.text(path) or "")
        except yaml.YAMLError:
            findings.skipped.append((path, "no valid YAML"))
            continue
        for item in content.get("dependencies", []) if isinstance(content, dict) else []:
            if isinstance(item, dict):
                _read_pip_block(item.get("pip", []), path, findings)
            else:
                _read_match_spec(str(item), path, findings)
    return read


def setup_facts(repository: Repository, findings: Findings) -> dict[str, Any]:
    """Return what ``setup.cfg`` and ``setup.py`` say, by the names of setuptools' arguments.

    The value of an argument that ``setup.py`` computes is None.
    """
    facts = {**_setup_cfg(repository), **_setup_py(repository)}
    for name, use in (("install_requires", RUN), ("tests_require", DEVELOP)):
        _ask_all(facts.get(name, []), name, use, findings)
    extras = facts.get("extras_require") or {}
    for extra, lines in extras.items() if isinstance(extras, dict) else []:
        _ask_all(lines, "extras_require", _use_of_group(extra), findings)
    if isinstance(facts.get("python_requires"), str):
        findings.pythons.append((facts["python_requires"], "setup.py or setup.cfg"))
    return facts


def _ask_all(lines: object, name: str, use: str, findings: Findings) -> None:
    if not isinstance(lines, list):
        findings.skipped.append((name, _NOT_SAID_OF_SETUP))
        return
    for line in lines:
        findings.ask(str(line), "setup.py or setup.cfg", use)


def _read_poetry(poetry: Mapping[str, Any], findings: Findings) -> None:
    origin = "pyproject.toml"
    main = dict(poetry.get("dependencies", {}))
    if isinstance(python := main.pop("python", None), str):
        findings.pythons.append((python, origin))
    for name, wanted in main.items():
        from_poetry(name, wanted, origin, RUN, findings)
    groups = {group: table.get("dependencies", {}) for group, table in _groups(poetry).items()}
    groups.setdefault("dev", {}).update(poetry.get("dev-dependencies", {}))
    for group, wanted_by_name in groups.items():
        for name, wanted in wanted_by_name.items():
            from_poetry(name, wanted, origin, _use_of_group(group), findings)
    for source in poetry.get("source", []):
        if "url" in source:
            findings.indexes.append((source["url"], origin))


def _groups(poetry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {group: dict(table) for group, table in poetry.get("group", {}).items()}


def _read_uv(uv: Mapping[str, Any], findings: Findings) -> None:
    origin = "pyproject.toml"
    for line in uv.get("dev-dependencies", []):
        findings.ask(line, origin, DEVELOP)
    indexes = [each.get("url") for each in uv.get("index", [])]
    for option in ("index-url", "extra-index-url"):
        value = uv.get(option, [])
        indexes += value if isinstance(value, list) else [value]
    findings.indexes += [(str(url), origin) for url in indexes if url]
    for name, source in uv.get("sources", {}).items():
        tables = source if isinstance(source, list) else [source]
        if any(not {"index", "workspace"} & table.keys() for table in tables):
            reason = f"{origin}: a repository or a folder has no hash to lock"
            findings.skipped.append((f"tool.uv.sources.{name}", reason))
            gone = [each for each in findings.wanted if each.name == canonicalize_name(name)]
            findings.wanted = [each for each in findings.wanted if each not in gone]
            findings.uninstallable += [str(each.requirement) for each in gone if each.use == RUN]


def _use_of_group(name: str) -> str:
    return DEVELOP if _DEVELOPMENT_EXTRA.fullmatch(name.lower()) else UNSAID


def _versions_of(rows: list[dict[str, Any]], name: str) -> int:
    found = (str(row["version"]) for row in rows if row["name"] == name)
    return len({version.partition("+")[0] for version in found})


def _read_pip_block(lines: object, path: str, findings: Findings) -> None:
    for line in lines if isinstance(lines, list) else []:
        text = str(line).strip()
        option, _, value = text.partition(" ")
        if option in ("--index-url", "--extra-index-url", "-i", "--find-links", "-f"):
            findings.indexes.append((value.strip(), path))
        elif text in ("-e .", "."):
            continue  # the project itself, which `make install` installs
        elif text.startswith("-"):
            findings.skipped.append((text, f"{path}: an option of pip, not a package"))
        else:
            findings.ask(text, path)


def _read_match_spec(text: str, path: str, findings: Findings) -> None:
    found = _CONDA.fullmatch(text.strip())
    if not found:
        findings.skipped.append((text, f"{path}: not a package that can be read"))
        return
    name = found["name"].lower()
    versions = _conda_versions(found["versions"].strip())
    if name == "python":
        findings.pythons.append((versions, path))
    elif name in package_lists()["conda_system"]:
        findings.builds.append((text, path))
        if name != "pip":
            findings.skipped.append((text, f"{path}: no Python package; the machine brings it"))
    else:
        is_torch = stack.load().is_torch_of_conda(name)
        name = "torch" if is_torch else package_lists()["conda_names"].get(name, name)
        findings.ask(name + versions, path)


def _conda_versions(text: str) -> str:
    """Convert conda's version notation to PEP 440; ``=1.2`` means ``==1.2.*`` there."""
    if not text or text == "*":
        return ""
    if re.match(r"=[^=]", text):
        version = text[1:].partition("=")[0].strip()
        is_full = version.count(".") >= 2 or version.endswith("*")
        return f"=={version}" if is_full else f"=={version}.*"
    if re.match(r"\d", text):
        return f"=={text.split()[0]}"
    return text.replace(" ", "").split("|")[0]


def _setup_cfg(repository: Repository) -> dict[str, Any]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(repository.text("setup.cfg") or "")
    except configparser.Error:
        return {}
    facts: dict[str, Any] = {}
    for section in ("metadata", "options"):
        facts.update(parser[section] if parser.has_section(section) else {})
    for name in ("install_requires", "tests_require"):
        if name in facts:
            facts[name] = _lines(facts[name])
    if parser.has_section("options.extras_require"):
        extras = parser["options.extras_require"]
        facts["extras_require"] = {extra: _lines(text) for extra, text in extras.items()}
    if parser.has_section("options.entry_points"):
        facts["entry_points"] = dict(parser["options.entry_points"])
    return facts


def _lines(text: str) -> list[str]:
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _setup_py(repository: Repository) -> dict[str, Any]:
    try:
        module = ast.parse(repository.text("setup.py") or "")
    except SyntaxError:
        return {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("setup", "setuptools.setup"):
            return {each.arg: _literal(each.value) for each in node.keywords if each.arg}
    return {}


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
