"""Read ``setup.cfg`` and the literal values of ``setup.py`` without executing them."""

from __future__ import annotations

import ast
import configparser
from typing import Any

from hooks.adoption import requirement_files
from hooks.adoption.pyproject_read import group_of, use_of_group
from hooks.adoption.repository import Repository
from hooks.adoption.wanted import DEVELOP, RUN, Findings

ORIGIN = "setup.py or setup.cfg"
_CHANGES = ("append", "extend", "insert", "update", "remove", "pop")
_COMPUTED = "setup.py computes it, so it could not be read; copy its lines to a requirements file"


def read(repository: Repository, findings: Findings) -> dict[str, Any]:
    """Return what ``setup.cfg`` and ``setup.py`` say, by the names of setuptools' arguments.

    The value of an argument that ``setup.py`` computes is None.
    """
    facts = {**_setup_cfg(repository, findings), **_setup_py(repository, findings)}
    for name, use in (("install_requires", RUN), ("tests_require", DEVELOP)):
        if name in facts:
            _ask_all(facts[name], name, use, "", repository, findings)
    extras = facts.get("extras_require", {})
    if not isinstance(extras, dict):
        findings.skipped.append(("extras_require", _COMPUTED))
        extras = {}
    for extra, lines in extras.items():
        name = f"extras_require: {extra}"
        _ask_all(lines, name, use_of_group(extra), group_of(extra), repository, findings)
    if isinstance(facts.get("python_requires"), str):
        findings.pythons.append((facts["python_requires"], ORIGIN))
    return facts


def _ask_all(
    lines: object, name: str, use: str, group: str, repository: Repository, findings: Findings
) -> None:
    if isinstance(lines, str):
        lines = _lines(lines)
    if not isinstance(lines, list | tuple):
        findings.skipped.append((name, _COMPUTED))
        return
    for line in map(str, lines):
        if not line.startswith("file:"):
            findings.ask(line, ORIGIN, use, group)
            continue
        for path in (each.strip() for each in line.removeprefix("file:").split(",")):
            text = repository.text(path)
            if text is None:
                findings.skipped.append((line, f"setup.cfg: {path} is not in the repository"))
            for each in requirement_files.statements(text or ""):
                findings.ask(each, path, use, group)


def _setup_cfg(repository: Repository, findings: Findings) -> dict[str, Any]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(repository.text("setup.cfg") or "")
    except configparser.Error as error:
        reason = str(error).splitlines()[0]
        findings.skipped.append(("setup.cfg", f"cannot be read: {reason}"))
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


def _setup_py(repository: Repository, findings: Findings) -> dict[str, Any]:
    try:
        module = ast.parse(repository.text("setup.py") or "")
    except (SyntaxError, ValueError) as error:
        reason = f"no Python 3 that can be read ({error}); copy its lines to a requirements file"
        findings.skipped.append(("setup.py", reason))
        return {}
    known = _literals(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("setup", "setuptools.setup"):
            return {each.arg: _value(each.value, known) for each in node.keywords if each.arg}
    return {}


def _literals(module: ast.Module) -> dict[str, Any]:
    """Return the names that are given one literal value at the top, once."""
    found: dict[str, list[Any]] = {}
    for node in module.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        elif isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        for target in targets:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(_value(value, {}))
    changed = {_changed(node) for node in ast.walk(module)}
    return {
        name: values[0]
        for name, values in found.items()
        if len(values) == 1 and values[0] is not None and name not in changed
    }


def _changed(node: ast.AST) -> str:
    """Return the name of a list or table that a statement changes in its place, "" if none."""
    if isinstance(node, ast.AugAssign):
        return ast.unparse(node.target)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _CHANGES
    ):
        return ast.unparse(node.func.value)
    return ""


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    """Return a literal's value, also of names, sums and tables of them; None if it is computed."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _value(node.left, known), _value(node.right, known)
        is_sum = isinstance(left, list | str) and type(left) is type(right)
        return left + right if is_sum else None
    if isinstance(node, ast.Dict):
        keys = [_value(key, known) if key is not None else None for key in node.keys]
        if not all(isinstance(key, str) for key in keys):
            return None
        return {key: _value(value, known) for key, value in zip(keys, node.values, strict=True)}
    if isinstance(node, ast.List | ast.Tuple):
        values = [_value(each, known) for each in node.elts]
        return None if None in values else values
    if isinstance(node, ast.Subscript):
        table, key = _value(node.value, known), _value(node.slice, known)
        return table.get(key) if isinstance(table, dict) and isinstance(key, str) else None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
