"""What people type reaches the work, as an argument or as one of make's variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from envkeep import commands
from envkeep.bisect import endpoints
from envkeep.cli.main import module_of, parser_of
from envkeep.commands import bisect, diff
from envkeep.errors import ToolError
from envkeep.project import snapshot, target
from envkeep.project.target import Choice, Target
from envkeep.result import Result
from envkeep.staging import change_spec


class Reached(Exception):
    """The work was reached; what it was given is in its arguments."""


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHANGE", "GOOD", "BAD", "TEST", "TO", "FROM", "A", "B"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(target, "chosen", lambda: Choice(Target("linux-x86_64", "cpu"), "test"))


def run(name: str, *line: str) -> Result | int:
    """Run a command as it is typed."""
    listed = commands.find(name)
    assert listed is not None
    return module_of(listed).run(parser_of(listed).parse_args(line))


@pytest.mark.parametrize(
    ("line", "variable", "expected"),
    [
        (["numpy==2.4", "rich", "--layer", "20-train"], None, ("numpy==2.4 rich", "20-train")),
        (["upgrade"], "numpy==2.4", ("upgrade", None)),
        ([], "numpy==2.4", ("numpy==2.4", None)),
    ],
)
def test_what_is_tried(
    line: list[str],
    variable: str | None,
    expected: tuple[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(*given: object) -> None:
        raise Reached(given)

    monkeypatch.setattr(change_spec, "read", read)
    if variable:
        monkeypatch.setenv("CHANGE", variable)
    with pytest.raises(Reached) as reached:
        run("try", *line)
    assert reached.value.args == (expected,)


@pytest.fixture
def bisected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what a bisection is made of: good, bad, and the words of the test."""
    found: list[Any] = []

    @contextmanager
    def copy() -> Iterator[Path]:
        yield Path()

    def made(good: str, bad: str, words: list[str], *_: object) -> None:
        found.extend((good, bad, words))

    monkeypatch.setattr(bisect.store, "exclusive", nullcontext)
    monkeypatch.setattr(snapshot, "of_now", copy)
    monkeypatch.setattr(endpoints, "read", lambda name, *_: name)
    monkeypatch.setattr(bisect, "Bisection", made)
    monkeypatch.setattr(bisect, "_bisect", lambda *_, **__: Result())
    return found


@pytest.mark.parametrize(
    ("line", "variables", "expected"),
    [
        (
            ["--good", "main", "--", "pytest", "-k", "one two"],
            {},
            ["main", "", ["pytest", "-k", "one two"]],
        ),
        (["--good", "a", "--bad", "b", "--test", "make t"], {}, ["a", "b", ["make", "t"]]),
        (
            [],
            {"GOOD": "main", "BAD": "x", "TEST": "pytest -k 'one two'"},
            ["main", "x", ["pytest", "-k", "one two"]],
        ),
        (
            ["--good", "v2", "--", "true"],
            {"GOOD": "main", "TEST": "pytest"},
            ["v2", "", ["true"]],
        ),
    ],
)
def test_what_is_bisected(
    line: list[str],
    variables: dict[str, str],
    expected: list[Any],
    bisected: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    run("bisect", *line)
    assert bisected == expected


def test_a_bisection_without_a_test_says_how_to_name_one() -> None:
    with pytest.raises(ToolError, match=r"`python keep.py bisect --good main -- pytest -k name`"):
        run("bisect", "--good", "main")


@pytest.mark.parametrize(
    ("line", "variables", "expected"),
    [
        ([], {}, ("HEAD", diff.NOW)),
        (["v1"], {"B": "v2"}, ("v1", "v2")),
        (["v1", "v2"], {"A": "v3"}, ("v1", "v2")),
    ],
)
def test_what_is_compared(
    line: list[str],
    variables: dict[str, str],
    expected: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def pair(one: str, other: str, *_: object) -> None:
        raise Reached(one, other)

    monkeypatch.setattr(diff.sides, "read_sides", pair)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Reached) as reached:
        run("diff", *line)
    assert reached.value.args == expected


def test_a_saved_folder_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolError, match="make restore FROM=FOLDER"):
        run("restore")
