"""Follow docs/how-to/add-an-option.md in a copy of the repository."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from tests.support.copier_runs import ROOT

PAGE = ROOT / "docs" / "how-to" / "add-an-option.md"
BLOCK = re.compile(r"^```\w+\n# (?P<path>\S+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
LAYER = re.compile(r"^- layer: (\S+)\n(?:  .*\n)*", re.MULTILINE)


def follow(repository: Path) -> None:
    """Make every edit that the page shows; the generator is not run."""
    for path, text in _blocks():
        _add(repository / path, text)


def _blocks() -> list[tuple[Path, str]]:
    """Return the blocks of the page that are text of files, in order."""
    text = PAGE.read_text(encoding="utf-8")
    return [(Path(found["path"]), found["text"]) for found in BLOCK.finditer(text)]


def _add(path: Path, text: str) -> None:
    """Put a block where the page says: a new file, a table's or a layer's last row, or the end."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_added(before, text), encoding="utf-8")


def _added(before: str, text: str) -> str:
    if text.startswith("|"):
        table = "".join(takewhile(lambda line: line.startswith("|"), _from_table(before)))
        return before.replace(table, table + text)
    if layer := LAYER.match(text):
        last = [row for row in LAYER.finditer(before) if row[1] == layer[1]][-1]
        return before[: last.end()] + text + before[last.end() :]
    return before + text


def _from_table(text: str) -> list[str]:
    return text[text.index("\n|") + 1 :].splitlines(keepends=True)
