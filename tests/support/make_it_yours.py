"""Follow a project's docs/make-it-yours.md: write its blocks into the files that they name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAGE = Path("docs/make-it-yours.md")
BLOCK = re.compile(
    r"^```\w+\n# (in )?(\S+?)(?:, without ([^\n]*))?\n(.*?)^```", re.MULTILINE | re.DOTALL
)
DELETED = re.compile(r"^    git rm (.*)$", re.MULTILINE)


class Block(NamedTuple):
    """What a block says: the content of a file, or parts that it gets and parts that go."""

    path: Path
    text: str
    is_part: bool
    gone: tuple[str, ...]


def sections(project: Path) -> dict[str, list[Block]]:
    """Return the blocks of the page under each heading that has some."""
    _, *parts = re.split(r"^## ", (project / PAGE).read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {part.partition("\n")[0]: list(_blocks(part)) for part in parts}
    return {heading: blocks for heading, blocks in found.items() if blocks}


def follow(project: Path, heading: str) -> None:
    """Delete the example's tests, and write the blocks under a heading."""
    for names in DELETED.findall((project / PAGE).read_text(encoding="utf-8")):
        for name in names.split():
            (project / name).unlink()
    for block in sections(project)[heading]:
        path = project / block.path
        before = path.read_text(encoding="utf-8")
        path.write_text(_merged(before, block) if block.is_part else block.text, encoding="utf-8")


def _blocks(text: str) -> Iterator[Block]:
    for part, path, gone, content in BLOCK.findall(text):
        yield Block(Path(path), content, bool(part), tuple(re.split(r",\s*", gone) if gone else ()))


def _merged(before: str, block: Block) -> str:
    match block.path.suffix:
        case ".py":
            return _merged_code(before, block)
        case ".yaml":
            return _merged_settings(before, block.text)
        case ".toml":
            return before[: before.index("[metrics.")] + block.text
        case _:
            return before + block.text


def _merged_settings(before: str, text: str) -> str:
    """Give settings other values; all sections and names must be there."""
    section = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            section = line
            continue
        name = line.partition(":")[0]
        pattern = rf"(^{section}\n(?:  .*\n)*?){name}: [^#\n]*"
        before, count = re.subn(pattern, rf"\g<1>{line}", before, flags=re.MULTILINE)
        assert count == 1, line
    return before


def _merged_code(before: str, block: Block) -> str:
    """Replace what has the same name, put what is new after the part before it, and delete."""
    lines = dict(enumerate(before.splitlines()))
    places = {_name(node): (_first(node), node.end_lineno or 0) for node in ast.parse(before).body}
    new = block.text.splitlines()
    at = max(end for name, (_, end) in places.items() if name.startswith(("from ", "import "))) - 1
    for node in ast.parse(block.text).body:
        text = "\n".join(new[_first(node) - 1 : node.end_lineno])
        if (name := _name(node)) in places:
            at = _cleared(lines, places[name])
            lines[at] = text
        else:
            space = "\n" if isinstance(node, ast.Assign | ast.Import | ast.ImportFrom) else "\n\n\n"
            lines[at] += space + text
    for name in block.gone:
        del lines[_cleared(lines, places[name])]
    return "\n".join(lines[number] for number in sorted(lines)) + "\n"


def _cleared(lines: dict[int, str], place: tuple[int, int]) -> int:
    """Empty some lines; return the first one's number, from 0."""
    first, last = place
    for number in range(first, last):
        del lines[number]
    lines[first - 1] = ""
    return first - 1


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def _name(node: ast.stmt) -> str:
    """Return by what a statement at the top of a module is known."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.ImportFrom(module=module, level=level):
            return f"from {'.' * level}{module}"
        case ast.Import(names=[alias]):
            return f"import {alias.name}"
        case ast.Expr(value=ast.Constant()):
            return "docstring"
    raise AssertionError(ast.unparse(node))


def changed(numstat: str) -> tuple[set[str], int]:
    """Return the files of `git diff --numstat`, and the lines that were added or taken out.

    A file that is deleted as a whole counts as a file; nobody reads its lines.
    """
    lines, paths = 0, set()
    for plus, minus, path in (line.split("\t") for line in numstat.splitlines()):
        paths.add(path)
        if plus != "0" or not path.startswith("tests/"):
            lines += int(plus) + int(minus)
    return paths, lines
