"""The house of envkeep: no import runs up, none between wings of one level, none in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.support.copier_runs import ROOT

SOURCE = ROOT / "src"
PAGE = ROOT / "docs" / "reference" / "envkeep.md"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "envkeep").rglob("*.py"))
}


@cache
def levels() -> list[list[str]]:
    """Return the wings from the top to the ground, as the page for maintainers lists them."""
    tower = PAGE.read_text(encoding="utf-8").partition("## The tower")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", tower, re.MULTILINE)
    return [re.findall(r"`(\w+)`", row) for row in rows]


def wing(module: str) -> str:
    """Return the folder or the module below the package that a module belongs to."""
    return module.split(".")[1]


@cache
def imports(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports, also those in functions."""
    return frozenset(_imports(ast.parse(MODULES[module].read_text(encoding="utf-8"))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name the package in full"
            named = {f"{node.module}.{each.name}" for each in node.names}
            yield from named & MODULES.keys() or {str(node.module)} & MODULES.keys()


def test_every_wing_has_its_level() -> None:
    known = [name for level in levels() for name in level]
    assert len(known) == len(set(known))
    assert {wing(each) for each in MODULES if each != "envkeep"} == set(known)


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"envkeep"}))
def test_no_import_runs_up_or_across(module: str) -> None:
    height = {name: number for number, level in enumerate(levels()) for name in level}
    ground = len(levels()) - 1
    own = height[wing(module)]
    for other in imports(module) - {"envkeep"}:
        there = height[wing(other)]
        is_allowed = there > own or wing(other) == wing(module) or there == own == ground
        assert is_allowed, f"{module} imports {other}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({each: imports(each) - {each} for each in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("module", sorted(each for each in MODULES if each.endswith("_worker")))
def test_what_runs_in_another_interpreter_imports_nothing_of_the_package(module: str) -> None:
    assert not imports(module)


def test_no_two_public_classes_have_one_name() -> None:
    found: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(module)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
