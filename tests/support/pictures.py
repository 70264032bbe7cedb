"""Pictures of pages in docs/images/, each written by the test that looks at its page."""

from __future__ import annotations

from pathlib import Path

from tests.support.browser import Browser
from tests.support.catalog import ROOT

PICTURES = ROOT / "docs" / "images"
_SIGNATURE, _SIZE = slice(0, 8), slice(16, 24)  # of PNG; width and height


def is_of(window: Browser, name: str, folder: Path) -> bool:
    """Tell whether a picture is as large as what the window shows, all of a page.

    What it shows is written to the folder: after the page has changed, copy it to docs/images/.
    """
    assert not window.is_cut_off(), "the window is too narrow for the page"
    assert not window.is_cut_off(below=True), "the window is too low for the page"
    window.screenshot(folder / name)
    contents = [(place / name).read_bytes() for place in (PICTURES, folder)]
    assert [each[_SIGNATURE] for each in contents] == [b"\x89PNG\r\n\x1a\n"] * 2
    there, shown = (each[_SIZE] for each in contents)
    return there == shown
