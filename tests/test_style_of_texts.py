"""The texts keep to docs/style.md: spelling, and the length of lines of prose."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = (
    "README.md",
    "SECURITY.md",
    "copier.yml",
    "docs",
    "hooks",
    "maintain",
    "questions",
    "scripts",
    "src",
    "stack/*.yml",
    "template/*.md",
    "template/*.md.jinja",
)
BRITISH = re.compile(
    r"""licen[c]es?|artefact|behaviour|colour|favour|honour|neighbour|flavour|catalogue|centre\b
    |(?:optim|quant|normal|initial|serial|recogn|organ|summar|minim|maxim)is(?:e|ing|ation)
    |\bmend(?:s|ed|ing)?\b""",
    re.IGNORECASE | re.VERBOSE,
)
RULES = {"docs/style.md"}
"""The page that names what it forbids."""

CONTRACTS = re.compile(
    r"""["`](?:denied-)?licences["`]|"licence"|"mended"|artefacts?\.py|ArtefactError
    |European[ ]Union[ ]Public[ ]Licence|"LICENCE\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Names that programs, files and other people's texts rely on."""

LONGEST = 120

NO_PROSE = re.compile(r"^    |^\s*\||^<!--|\{[{%]|^(?:`[^`]*`[,. ]*)+$")
"""Indented code, tables, comments, Jinja, and lists of nothing but names."""


def texts(*places: str) -> list[Path]:
    """Return the files of text that git knows in these places."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *places]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kinds = {".jinja", ".md", ".py", ".sh", ".yml"}
    files = (ROOT / name for name in names.splitlines())
    return [file for file in files if file.suffix in kinds and file.is_file()]


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that are prose."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not NO_PROSE.search(line):
            yield number, line


def british(text: str) -> list[str]:
    return [found.group() for found in BRITISH.finditer(CONTRACTS.sub("", text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("what mends it, and its licence", ["mends", "licence"]),
        ("Optimisers, colours, artefacts", ["Optimise", "colour", "artefact"]),
        ("I recommend the amended `denied-licences` of a license, src/*/artefacts.py", []),
    ],
)
def test_what_counts_as_foreign_to_the_style(text: str, found: list[str]) -> None:
    assert british(text) == found


def test_american_spelling_and_fix() -> None:
    places = {
        f"{file.relative_to(ROOT)}:{number}": words
        for file in texts(*PLACES)
        if str(file.relative_to(ROOT)) not in RULES
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if (words := british(line))
    }
    assert places == {}


def test_lines_of_prose_are_short() -> None:
    pages = texts("README.md", "docs", "src/*.md", "template/*.md", "template/*.md.jinja")
    assert len(pages) > 40
    places = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in pages
        for number, line in prose(page.read_text(encoding="utf-8"))
        if len(line) > LONGEST
    ]
    assert places == []
