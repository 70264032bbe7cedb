"""Links of a project's pages: what leads somewhere, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.commands import links

PAGE = """\
# A page, with `code` & [a link](other.md)

## Twice
## Twice

<a id="by-hand"></a>

```sh
# not a heading
[not a link](nowhere-in-code.md)
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(links, "ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# Other\n", encoding="utf-8")
    (tmp_path / "a file.txt").write_text("text\n", encoding="utf-8")
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def found(page: Path, text: str) -> list[str]:
    links._anchors.cache_clear()
    page.write_text(f"{PAGE}\n{text}\n", encoding="utf-8")
    return list(links.dead_links(page))


@pytest.mark.parametrize(
    "link",
    [
        "other.md",
        "/other.md",
        "other.md#other",
        "#twice",
        "#twice-1",
        "#by-hand",
        "#a-page-with-code--a-link",
        "a%20file.txt",
        "https://example.org/nowhere",
        "mailto:team@example.org",
    ],
)
def test_what_leads_somewhere_is_no_finding(link: str, page: Path) -> None:
    assert found(page, f"[text]({link})") == []


@pytest.mark.parametrize("link", ["gone.md", "other.md#gone", "#twice-2", "#not-a-heading", "x/"])
def test_what_leads_nowhere_is_found(link: str, page: Path) -> None:
    assert found(page, f'[text]({link} "title")') == [link]
    assert found(page, f"[text][name]\n\n[name]: {link}") == [link]


def test_code_holds_no_links(page: Path) -> None:
    assert found(page, "`[text](gone.md)` and ``[a](`gone.md)``") == []
