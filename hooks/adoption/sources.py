"""Read every file of a repository that states requirements, and name those that are not read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from hooks.adoption import conda, lock_files, pyproject_read, requirement_files, setup_files
from hooks.adoption.repository import Repository
from hooks.adoption.shapes import texts
from hooks.adoption.wanted import Findings
from hooks.errors import HookError

_FENCES = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_PIP = re.compile(r"\bpip3?\s+install\s+(?P<rest>[^\n`&|;#]+)")
_NAME = re.compile(
    r"['\"]?(?P<name>[A-Za-z][A-Za-z0-9._-]*)(\[[\w,-]*\])?\s*([<>=!~][^'\"]*)?['\"]?"
)
_PINS = re.compile(r"([^/]*(requirements|reqs)[^/]*|install_requires)\.(txt|in|pip)")
_ELSEWHERE = re.compile(
    r"Pipfile|pixi\.toml|setup\.(py|cfg)|pyproject\.toml|conda-lock\.ya?ml"
    r"|[^/]*requirements[^/]*\.(ya?ml|toml|json)"
)
_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg")
_CARRY = "not read; `--carry {path}` adds what it asks for"


@dataclass(frozen=True)
class Sources:
    """The files that state requirements.

    Attributes:
        pyproject: The content of ``pyproject.toml``.
        setup: What ``setup.py`` and ``setup.cfg`` say.
        read: The files that were read, besides those two.
        readme_installs: Names that the README installs by pip.
    """

    pyproject: Mapping[str, Any]
    setup: Mapping[str, Any]
    read: tuple[str, ...]
    readme_installs: tuple[str, ...]


def read(
    repository: Repository, findings: Findings, readme: str, carry: Collection[str] = ()
) -> Sources:
    """Read them all; what a package declares of itself first, as it says what is needed to run.

    Args:
        repository: Where.
        findings: Where to.
        readme: Text of the README.
        carry: Files that are read besides, though nothing tells that everybody needs them.

    Raises:
        HookError: A file that decides much cannot be read.
    """
    pyproject = pyproject_read.load(repository)
    declares = pyproject_read.read(pyproject, repository, findings)
    setup = setup_files.read(repository, findings)
    declares = declares or bool(setup.get("install_requires"))
    files = requirement_files.read(repository, findings, declares=declares)
    files += lock_files.read_pipfile(repository, findings)
    files += conda.read(repository, findings)
    files += conda.read_pixi(repository, findings)
    nothing = not any(not each.group for each in findings.wanted)
    carried = list(carry) or (_only_one(repository, files) if nothing else [])
    for path in carried:
        _carry(path, repository, findings)
    files += carried
    files += lock_files.read_locks(repository, findings)
    findings.skipped += _unread(repository, files)
    return Sources(pyproject, setup, tuple(dict.fromkeys(files)), _installs(readme))


def _only_one(repository: Repository, read: Collection[str]) -> list[str]:
    """Return the one requirements file of a sub-folder, where the top states nothing."""
    found = [
        path
        for path in sorted(repository.tree)
        if PurePosixPath(path).name in ("requirements.txt", "environment.yml", "environment.yaml")
        and "/" in path
        and path not in read
    ]
    return found if len(found) == 1 else []


def _carry(path: str, repository: Repository, findings: Findings) -> None:
    """Read one more file.

    Raises:
        HookError: It is not there, or of no kind that can be read there.
    """
    name = PurePosixPath(path).name
    content = repository.text(path)
    if content is None:
        raise HookError(f"--carry: {path} is not in the repository, or is no text.")
    if name == "pyproject.toml":
        said = pyproject_read.load(repository, path)
        for line in texts(said, path, "project", "dependencies"):
            findings.ask(line, path)
    elif name.endswith((".txt", ".in", ".pip")):
        requirement_files.Reader(repository, findings).read(path)
    elif name.endswith((".yml", ".yaml")):
        try:
            conda.read_environment(yaml.safe_load(content), path, repository, findings)
        except yaml.YAMLError as error:
            raise HookError(f"--carry: {path} is no valid YAML.") from error
    else:
        raise HookError(
            f"--carry: {path} cannot be read by itself: copy its lines to a requirements file."
        )
    if not any(each.origin == path for each in findings.wanted):
        findings.skipped.append((path, "it asks for nothing that can be read"))


def _unread(repository: Repository, read: Collection[str]) -> list[tuple[str, str]]:
    """Return the files that look like a statement of requirements and were not read."""
    rows = []
    for path in sorted(repository.tree):
        name = PurePosixPath(path).name
        if path in read:
            continue
        if path in _MANIFESTS:
            if repository.text(path) is None:
                rows.append((path, f"not read: {repository.why_unread(path)}"))
            continue
        if _PINS.fullmatch(name) or conda.ENVIRONMENTS.fullmatch(name):
            is_text = repository.text(path) is not None
            why = f"not read: {repository.why_unread(path)}"
            rows.append((path, _CARRY.format(path=path) if is_text else why))
        elif name == "pyproject.toml":
            rows.append((path, f"a package of its own; {_CARRY.format(path=path)}"))
        elif _ELSEWHERE.fullmatch(name) and _says_requirements(name, repository.text(path) or ""):
            rows.append((path, "not read; copy its lines to a requirements file"))
    return rows


def _says_requirements(name: str, text: str) -> bool:
    return "requires" in text if name in ("setup.py", "setup.cfg") else True


def _installs(readme: str) -> tuple[str, ...]:
    """Return what the README's commands install by pip, without options and files."""
    names = []
    for found in _PIP.finditer(readme):
        words = found["rest"].split()
        for before, word in zip(["", *words], words, strict=False):
            name = _NAME.fullmatch(word)
            if name and before not in ("-r", "-c", "-e", "-f", "-i", "-t", "--index-url"):
                names.append(name["name"].lower())
    return tuple(dict.fromkeys(names))


def without_fences(text: str) -> str:
    """Return a text of Markdown without its blocks of code."""
    return _FENCES.sub("", text)
