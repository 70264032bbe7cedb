"""Say what the refresh does: with colors and a bar on a terminal, else as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track
from rich.table import Table

_Item = TypeVar("_Item", bound=str)


class Reporter:
    """Writes progress and tables to one console."""

    def __init__(self, console: Console | None = None) -> None:
        """Use a console, by default the standard output."""
        self._console = console or Console(highlight=False, markup=False)

    def line(self, text: str) -> None:
        """Write one line, however long."""
        self._console.print(text, soft_wrap=True)

    def steps(self, items: Sequence[_Item], doing: str) -> Iterator[_Item]:
        """Yield the items, with a progress bar or a line for each.

        Args:
            items: What is worked on, one after the other.
            doing: The work in words, such as "resolving".
        """
        if self._console.is_terminal and items:
            yield from track(items, doing.capitalize(), console=self._console, transient=True)
            return
        for number, item in enumerate(items, start=1):
            self.line(f"{doing} {item} ({number}/{len(items)})")
            yield item

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; without a terminal one line for each row, and nothing without rows."""
        if not rows:
            return
        if not self._console.is_terminal:
            self.line(f"{title}:")
            for row in rows:
                self.line("  " + " | ".join(row))
            return
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)
