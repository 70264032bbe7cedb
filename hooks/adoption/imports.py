"""Find what the Python files and notebooks of a repository import; nothing is run."""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hooks.adoption.repository import Repository

_OF_TESTS = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$"
)
_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)


@dataclass(frozen=True)
class Graph:
    """What each Python file of a repository imports outside functions and ``try``.

    Attributes:
        files: Full names of modules by path; relative ones are spelled out.
    """

    files: dict[str, set[str]]

    def tops(self) -> list[str]:
        """Return the top modules, tests apart: packages and files at the top or in ``src``."""
        found = set()
        for path in self.files:
            inner = path.removeprefix("src/")
            if inner.endswith(".py") and not _OF_TESTS.search(path) and inner != "setup.py":
                if "/" not in inner:
                    found.add(inner.removesuffix(".py"))
                elif inner.count("/") == 1 and inner.endswith("/__init__.py"):
                    found.add(inner.partition("/")[0])
        return sorted(found)

    def needed_by(self, module: str) -> list[str]:
        """Return the top modules from elsewhere that importing one of the repository needs."""
        needed: set[str] = set()
        left, seen = [module], set()
        while left:
            name = left.pop()
            path = self._path(name)
            if not path:
                top = name.partition(".")[0]
                needed |= set() if self._path(top) else {top}
            elif path not in seen:
                seen.add(path)
                left += self.files[path]
        return sorted(needed - sys.stdlib_module_names)

    def _path(self, name: str) -> str:
        """Return the file of a module, or of the innermost package that its name leads through."""
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            stem = "/".join(parts[:count])
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                for root in ("", "src/"):
                    if root + path in self.files:
                        return root + path
        return ""


@dataclass
class Imports:
    """What is imported.

    Attributes:
        files: Paths of the files that import a module, by its top name; tests apart.
        test_files: The same of tests, examples and pages.
        names: What is taken out of a module (``from a import b``), by its top name.
        own: Top modules that the repository itself has.
        unread: Files that are no Python 3.
        graph: What each file needs to be imported.
    """

    files: dict[str, set[str]] = field(default_factory=dict)
    test_files: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    graph: Graph = field(default_factory=lambda: Graph({}))

    def count(self, modules: Iterable[str]) -> int:
        """Return how many files, tests apart, import one of some modules."""
        return len(set().union(*(self.files.get(each, set()) for each in modules)))

    def uses(self, module: str) -> bool:
        """Tell whether any file, also a test, imports a module from elsewhere."""
        return self.is_foreign(module) and (module in self.files or module in self.test_files)

    def modules(self) -> list[str]:
        """Return the modules from elsewhere that files other than tests import, in order."""
        return sorted(name for name in self.files if self.is_foreign(name))

    def is_foreign(self, name: str) -> bool:
        """Tell whether a module is neither the repository's own nor Python's."""
        return name not in self.own and name not in sys.stdlib_module_names


def read(repository: Repository) -> Imports:
    """Read the imports of all tracked ``.py`` and ``.ipynb`` files."""
    found = Imports(own=_own(repository))
    for path in sorted(repository.tree):
        if not path.endswith((".py", ".ipynb")):
            continue
        text = repository.text(path)
        module = _parsed(path, text or "")
        if module is None:
            found.unread.append(path)
            continue
        by_module = found.test_files if _OF_TESTS.search(path) else found.files
        if path.endswith(".py"):
            found.graph.files[path] = set(_at_top(module.body, path))
        for name, taken in _imported(module):
            by_module.setdefault(name, set()).add(path)
            found.names.setdefault(name, set()).update(taken)
    return found


def _own(repository: Repository) -> set[str]:
    """Return what a file of the repository can import of it: its modules and packages."""
    own = set()
    for path in map(PurePosixPath, repository.tree):
        if path.suffix == ".py":
            own.add(path.stem)
            own.update(path.parts[:-1])
    return own


def _parsed(path: str, text: str) -> ast.Module | None:
    if path.endswith(".ipynb"):
        text = _code_of_notebook(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the repository's own, such as invalid escapes
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _code_of_notebook(text: str) -> str:
    """Return the cells of a notebook that are Python, without the lines of IPython's own."""
    try:
        cells = json.loads(text).get("cells", [])
    except (json.JSONDecodeError, AttributeError):
        return ""
    parts = []
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        code = _MAGIC.sub("", "".join(source) if isinstance(source, list) else str(source))
        if _parsed("cell.py", code) is not None:
            parts.append(code)
    return "\n".join(parts)


def _imported(module: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(module):
        yield from _of(node)


def _at_top(body: list[ast.stmt], path: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _spelled_out(node, path)
            yield base
            yield from (f"{base}.{each.name}" for each in node.names)
        elif isinstance(node, ast.ClassDef | ast.With | ast.For | ast.While):
            yield from _at_top(node.body, path)


def _spelled_out(node: ast.ImportFrom, path: str) -> str:
    """Return the full name of the module that something is imported from."""
    if not node.level:
        return node.module or ""
    folders = path.removeprefix("src/").split("/")[: -node.level]
    return ".".join([*folders, *([node.module] if node.module else [])])


def _of(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    if isinstance(node, ast.Import):
        for each in node.names:
            yield each.name.partition(".")[0], set()
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        yield node.module.partition(".")[0], {each.name for each in node.names}
