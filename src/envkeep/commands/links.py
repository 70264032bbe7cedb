"""Check that the links between the project's pages lead somewhere."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from envkeep.errors import ToolError
from envkeep.paths import ROOT, shown
from envkeep.process import run as run_program
from envkeep.result import Result

HELP = "check that the links in the project's pages lead somewhere"
KNOWN_TO_GIT = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md")
CODE = re.compile(r"^( *)(`{3,}|~{3,}).*?^ *\2[`~]* *$|(`+)(?!`).*?(?<!`)\3(?!`)", re.M | re.S)
LINK = re.compile(
    r"\[[^\]]*\]\(\s*<?(?P<inline>[^()\s>]+)[^)]*\)|^ *\[[^\]]+\]:\s*(?P<below>\S+)", re.M
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.I)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(?P<text>.+?)\s*#*$", re.M)
ANCHOR = re.compile(r"""<[a-z]+\s[^>]*\b(?:id|name)=["'](?P<name>[^"']+)""", re.I)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> Result:
    """Return the links that lead nowhere; addresses of the web are not looked up.

    Raises:
        ToolError: No page was found.
    """
    pages = _pages()
    if not pages:
        raise ToolError("no page was found; the project must be in a git repository.")
    dead = [{"page": shown(page), "link": link} for page in pages for link in dead_links(page)]
    data = {"pages": len(pages), "dead": dead}
    if not dead:
        return Result(data, [f"All links of {len(pages)} pages lead somewhere."])
    lines = [f"{each['page']}: {each['link']}" for each in dead]
    return Result.failed(f"{len(dead)} links lead nowhere; correct or remove them.", data, lines)


def _pages() -> list[Path]:
    known = run_program(KNOWN_TO_GIT, mode="probe").answer.split("\0")
    return [ROOT / path for path in known if path and (ROOT / path).is_file()]


def dead_links(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead nowhere."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for found in LINK.finditer(text):
        link = found["inline"] or found["below"]
        if ELSEWHERE.match(link):
            continue
        path, _, heading = unquote(link).partition("#")
        target = (
            (ROOT / path.lstrip("/") if path.startswith("/") else page.parent / path)
            if path
            else page
        )
        if not target.exists() or (heading and not _has(target, heading)):
            yield link


def _has(page: Path, heading: str) -> bool:
    """Tell whether a page has a heading; assume so for other files."""
    return page.suffix != ".md" or heading.lower() in _anchors(page)


@cache
def _anchors(page: Path) -> frozenset[str]:
    text = page.read_text(encoding="utf-8")
    names = {found["name"].lower() for found in ANCHOR.finditer(text)}
    counts: dict[str, int] = {}
    for found in HEADING.finditer(
        re.sub(r"^( *)(`{3,}|~{3,}).*?^ *\2.*?$", "", text, flags=re.M | re.S)
    ):
        name = _anchor(found["text"])
        counts[name] = counts.get(name, 0) + 1
        names.add(name if counts[name] == 1 else f"{name}-{counts[name] - 1}")
    return frozenset(names)


def _anchor(heading: str) -> str:
    """Return the name that GitHub and GitLab give a heading."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
