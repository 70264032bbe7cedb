"""The docstring of kit/ is its interface: what it names is there, and users' code needs no more."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from maintain import ROOT
from maintain.ownership.table import load_table

TEMPLATE = ROOT / "template"
PACKAGE = "src/{{package_name}}"
LINE = re.compile(r"^- `([\w.]+)`: (.+)$", re.MULTILINE)
NAME = re.compile(r"`([A-Za-z]\w*)`")
ALL_OF_IT = {"errors"}
"""Modules whose classes are too many to name."""


def kit_files(module: str) -> list[Path]:
    """Return the files that can be a module of the kit: each framework may have its own."""
    path = module.replace(".", "/")
    names = (f"{PACKAGE}/kit/{path}.py", f"{PACKAGE}/kit/{path}/__init__.py")
    return [file for name in names for file in (TEMPLATE / name, *TEMPLATE.glob(f"*/{name}"))]


@cache
def defined(module: str) -> set[str]:
    """Return the names at the top of a module, in whichever framework."""
    found: set[str] = set()
    for file in filter(Path.is_file, kit_files(module)):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {each.asname or each.name for each in node.names}
    return found


@pytest.fixture(scope="module")
def interface() -> dict[str, set[str]]:
    """What the docstring of the kit names, by module."""
    found: dict[str, set[str]] = defaultdict(set)
    text = (TEMPLATE / PACKAGE / "kit" / "__init__.py").read_text(encoding="utf-8")
    for module, rest in LINE.findall(ast.get_docstring(ast.parse(text)) or ""):
        found[module].update(NAME.findall(rest))
    return found


def users_imports() -> Iterator[tuple[str, str, str]]:
    """Yield file, module and name of what the user's part of the package imports from the kit."""
    table = load_table(ROOT)
    for file in (*TEMPLATE.glob(f"{PACKAGE}/**/*.py"), *TEMPLATE.glob(f"*/{PACKAGE}/**/*.py")):
        path = "src/" + file.as_posix().partition("/src/")[2]
        row = table.row_of(path)
        if row is None or row.owner != "yours" or row.is_former:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kit."):
                module = str(node.module).removeprefix("kit.")
                for each in node.names:
                    nested = f"{module}.{each.name}"
                    is_module = any(map(Path.is_file, kit_files(nested)))
                    yield path, nested if is_module else module, "" if is_module else each.name


def test_what_the_interface_names_is_there(interface: dict[str, set[str]]) -> None:
    missing = {f"{module}.{name}" for module, names in interface.items() for name in names}
    missing -= {f"{module}.{name}" for module in interface for name in defined(module)}
    assert len(interface) > 20 and missing == set()


def test_the_users_code_needs_nothing_else(interface: dict[str, set[str]]) -> None:
    found = list(users_imports())
    assert len(found) > 50
    others = [
        (path, module, name)
        for path, module, name in found
        if module not in interface
        or (name and module not in ALL_OF_IT and name not in interface[module])
    ]
    assert others == []
