"""One parser for every kind of file that a project gets."""

from __future__ import annotations

import ast
import configparser
import csv
import hashlib
import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path

import yaml
from packaging.requirements import Requirement

OLDEST_PYTHON = (3, 11)
HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")
INCLUDED = re.compile(rb"^-r (\S+)", re.MULTILINE)
MAKEFILES = ("Makefile", "local.mk")
COMMENT = re.compile(r"\s*//")
INSTRUCTIONS = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
    *("LABEL", "RUN", "USER", "WORKDIR"),
}
ATTRIBUTES = re.compile(r"\S+( -?[a-z]+(=[a-z]+)?)+")


class UnknownKindError(Exception):
    """A file that no parser is known for; it says what to do."""


_READ: set[tuple[str, bytes]] = set()
"""What was read without an error: the kind of a file, and the hash of all that decides on it."""


def parse(path: Path) -> None:
    """Read a file of a project with the parser of its kind; what was read before is not again.

    Raises:
        UnknownKindError: No parser is known for this file.
        Exception: Whatever the parser raises for a damaged file.
    """
    for pattern, parser in PARSERS:
        if fnmatch(path.name, pattern):
            key = (pattern, _digest(path))
            if key not in _READ:
                parser(path)
                _READ.add(key)
            return
    raise UnknownKindError(f"{path.name} has no parser: add one to tests/render/parsers.py.")


def _digest(path: Path) -> bytes:
    """Return the hash of a file, and of the files that are read with it, or are not there."""
    content = path.read_bytes()
    beside = [path.parent / name.decode() for name in INCLUDED.findall(content)]
    if path.name in MAKEFILES:
        beside = [path.parent / name for name in MAKEFILES]
    told = [each.read_bytes() if each.is_file() else b"is not there" for each in beside]
    return hashlib.sha256(b"\0".join([content, *told])).digest()


def code_lines(text: str) -> list[str]:
    """Return the lines of a text that are neither empty nor comments."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def requirements_of(path: Path) -> list[Requirement]:
    """Return the requirements of one file, without those of the files it includes.

    Raises:
        AssertionError: An included file is missing.
        packaging.requirements.InvalidRequirement: A line is not a requirement.
    """
    found = []
    for line in code_lines(path.read_text(encoding="utf-8").replace("\\\n", " ")):
        if line.startswith("-r "):
            assert (path.parent / line.removeprefix("-r ")).is_file(), f"{path.name}: {line}"
        else:
            found.append(Requirement(HASH.sub("", line).split(" #")[0]))
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _python(path: Path) -> None:
    ast.parse(_text(path), str(path), feature_version=OLDEST_PYTHON)


def _shell(path: Path) -> None:
    if bash := shutil.which("bash"):
        done = subprocess.run([bash, "-n", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _makefile(path: Path) -> None:
    if make := shutil.which("make"):
        command = [make, "--dry-run", f"--file={path.parent / 'Makefile'}", "help"]
        done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr


def _attributes(path: Path) -> None:
    assert all(ATTRIBUTES.fullmatch(line) for line in code_lines(_text(path)))


def _dockerfile(path: Path) -> None:
    """Join continued lines and read the name of every instruction."""
    joined = re.sub(r"\\\n", " ", "\n".join(code_lines(_text(path))))
    names = {line.partition(" ")[0] for line in joined.splitlines()}
    assert names <= INSTRUCTIONS, names - INSTRUCTIONS


def _packages(path: Path) -> None:
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", line) for line in code_lines(_text(path)))


def _commented_json(path: Path) -> None:
    json.loads("\n".join(line for line in _text(path).splitlines() if not COMMENT.match(line)))


def _wheel(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def _settings(path: Path) -> None:
    assert configparser.ConfigParser().read(path, encoding="utf-8")


def _table(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, strict=True)
    assert rows and {len(row) for row in rows} == {len(head)}


def _version(path: Path) -> None:
    assert re.fullmatch(r"3\.\d+\n", _text(path))


def _empty(path: Path) -> None:
    assert not _text(path)


def _markdown(path: Path) -> None:
    assert _text(path).count("```") % 2 == 0, "a code fence is not closed"


class _Tags(HTMLParser):
    """What is open in a page of HTML."""

    ALONE = ("meta", "link", "input", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Take note of an element that begins."""
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag, f"</{tag}> closes another element"


def _page(path: Path) -> None:
    text, tags = _text(path), _Tags()
    assert text.startswith("<!doctype html>\n")
    tags.feed(text)
    tags.close()
    assert tags.open == []


PARSERS: tuple[tuple[str, Callable[[Path], object]], ...] = (
    ("*.py", _python),
    ("*.toml", lambda path: tomllib.loads(_text(path))),
    ("*.y*ml", lambda path: yaml.safe_load(_text(path))),
    ("devcontainer.json", _commented_json),
    ("*.json", lambda path: json.loads(_text(path))),
    ("*.ipynb", lambda path: json.loads(_text(path))),
    ("*.code-workspace", lambda path: json.loads(_text(path))),
    ("apt.txt", _packages),
    ("*.in", requirements_of),
    ("alice.txt", _text),
    ("*.csv", _table),
    ("*.txt", requirements_of),
    ("*.md", _markdown),
    ("*.html", _page),
    ("*.sh", _shell),
    ("*.mk", _makefile),
    ("Makefile", _makefile),
    ("Dockerfile", _dockerfile),
    (".dockerignore", _text),
    (".dvcignore", _text),
    (".gitattributes", _attributes),
    (".gitignore", _text),
    (".python-version", _version),
    ("*.whl", _wheel),
    ("LICENSE", _text),
    ("config", _settings),
    ("py.typed", _empty),
)
