"""No two places in envkeep, hooks/, maintain/ and scripts/ say the same to the letter."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 6
"""How many lines two places may share, one after the other."""
CLOSING = set("()[]{},: ")
Line = tuple[int, str]
Place = tuple[Path, int]


def _left_out(tree: ast.Module) -> Iterator[int]:
    """Return the numbers of the lines of imports and docstrings."""
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def counted_lines(text: str) -> list[Line]:
    """Return the lines that count, with their numbers and without their indentation."""
    skipped = set(_left_out(ast.parse(text)))
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [
        (number, line)
        for number, line in lines
        if number not in skipped and not line.startswith("#") and set(line) - CLOSING
    ]


def shared(files: Iterable[Path]) -> list[tuple[Place, ...]]:
    """Return the beginnings of all runs of more than the allowed lines that stand twice."""
    places: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for path in files:
        lines = counted_lines(path.read_text(encoding="utf-8"))
        for start in range(len(lines) - LIMIT):
            run = lines[start : start + LIMIT + 1]
            places[tuple(line for _, line in run)].append((path, run[0][0]))
    return [tuple(found) for found in places.values() if len(found) > 1]


def test_no_two_places_share_more_than_six_lines() -> None:
    folders = ("src", "hooks", "maintain", "scripts")
    files = [path for name in folders for path in sorted((ROOT / name).rglob("*.py"))]
    found = [
        " and ".join(f"{path.relative_to(ROOT)}:{number}" for path, number in places)
        for places in shared(files)
    ]
    assert len(files) > 100
    assert found == []


SEVEN = "".join(f"value_{number} = {number}\n" for number in range(LIMIT + 1))


@pytest.mark.parametrize(
    ("second", "is_found"),
    [
        pytest.param(SEVEN, True, id="the-same"),
        pytest.param(SEVEN.replace("\n", "\n\n# why\n"), True, id="blank-lines-and-comments"),
        pytest.param("if True:\n" + SEVEN.replace("value", "    value"), True, id="indented"),
        pytest.param(SEVEN.replace("value_6", "other"), False, id="six-lines-alone"),
    ],
)
def test_finds_what_stands_twice(tmp_path: Path, second: str, is_found: bool) -> None:
    (tmp_path / "a.py").write_text(SEVEN)
    (tmp_path / "b.py").write_text(second)
    assert bool(shared([tmp_path / "a.py", tmp_path / "b.py"])) is is_found


def test_counts_no_imports_docstrings_and_closing_brackets() -> None:
    text = (
        '"""Say it.\n\nMore.\n"""\n\nimport os\nfrom a import (\n    b,\n)\n\nc = d(\n    1,\n)\n'
    )
    assert [line for _, line in counted_lines(text)] == ["c = d(", "1,"]
