"""What distributions say of their licenses, and which of them a team refuses."""

from __future__ import annotations

from email.message import Message
from pathlib import Path

import pytest

from envkeep.audit import licenses
from envkeep.commands import licenses as command
from envkeep.errors import ToolError
from envkeep.project import metadata as project

APACHE = "License :: OSI Approved :: Apache Software License"
BSD = "License :: OSI Approved :: BSD License"
GPL = "License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)"


def metadata(expression: str = "", text: str = "", *classifiers: str) -> Message:
    found = Message()
    for name, value in (("License-Expression", expression), ("License", text)):
        if value:
            found[name] = value
    for each in classifiers:
        found["Classifier"] = each
    return found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (metadata("MIT OR Apache-2.0", "something else", BSD), "MIT OR Apache-2.0"),
        (metadata("", "BSD-3-Clause", BSD), "BSD-3-Clause"),
        (metadata("", "MPL-2.0 AND MIT"), "MPL-2.0 AND MIT"),
        (metadata("", "UNKNOWN", APACHE), "Apache"),
        (metadata("", "BSD 3-Clause License\n\nCopyright ...", BSD), "BSD"),
        (metadata("", "", APACHE, "License :: OSI Approved :: MIT License"), "Apache, MIT"),
        (metadata("", "", GPL), "GPL-3.0-or-later"),
        (metadata("", "3-Clause BSD License"), "BSD-3-Clause"),
        (metadata("", "License :: OSI Approved :: MIT License"), "MIT"),
        (metadata("", "Beerware"), "Beerware"),
        (metadata("", "", "License :: OSI Approved"), "unknown"),
        (metadata("", "see the file\nof that name"), "unknown"),
        (metadata("", "x" * 61), "unknown"),
        (metadata(), "unknown"),
    ],
)
def test_the_license_that_metadata_state(found: Message, expected: str) -> None:
    assert licenses.license_of(found) == expected


@pytest.mark.parametrize(
    ("unwanted", "refused"),
    [
        ([], set()),
        (["GPL-3.0*"], {"GPL-3.0-or-later"}),
        (["gpl-3.0*", "Apache"], {"GPL-3.0-or-later", "Apache, MIT"}),
        (["unknown"], {"unknown"}),
        (["LGPL*"], set()),
    ],
)
def test_licenses_that_are_refused(unwanted: list[str], refused: set[str]) -> None:
    there = {"MIT", "GPL-3.0-or-later", "Apache, MIT", "unknown"}
    assert licenses.refused_licenses(there, unwanted) == refused


def test_expressions_are_left_to_the_tool_that_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(licenses, "_judged", lambda found, _: asked.append(found) or set(found))
    there = {"MIT OR GPL-3.0-only", "MIT OR BSD-3-Clause", "MIT"}
    assert licenses.refused_licenses(there, ["GPL*"]) == {"MIT OR GPL-3.0-only"}
    assert asked == [{"MIT OR GPL-3.0-only"}]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.project]\ntitle = "Demo"\n')
    monkeypatch.setattr(project, "PYPROJECT", path)
    return path


@pytest.mark.parametrize("setting", ["denied-licenses", "denied-licences"])
def test_what_the_team_denies_in_both_spellings(setting: str, settings: Path) -> None:
    assert licenses.denied_licenses() == []
    settings.write_text(f'[tool.project]\n{setting} = ["AGPL-3.0*"]\n')
    assert licenses.denied_licenses() == ["AGPL-3.0*"]


def test_the_new_spelling_counts_where_both_are_there(settings: Path) -> None:
    settings.write_text('[tool.project]\ndenied-licenses = ["GPL*"]\ndenied-licences = ["MIT"]\n')
    assert licenses.denied_licenses() == ["GPL*"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.project]\ndenied-licenses = "GPL"\n', "must be a list of licenses"),
        ("[tool.project]\ndenied-licenses = [3]\n", "must be a list of licenses"),
        ("[tool", "cannot be read"),
    ],
)
def test_a_setting_that_says_nothing(text: str, words: str, settings: Path) -> None:
    settings.write_text(text)
    with pytest.raises(ToolError, match=words):
        licenses.denied_licenses()


def test_the_table_has_unknown_ones_first(settings: Path) -> None:
    settings.write_text('[tool.project]\ndenied-licenses = ["GPL*"]\n')
    locked = {"numpy": "2.0", "a": "1.0", "b": "1.0", "c": "1.0"}
    stated = {("numpy", "2.0"): "MIT", ("a", "1.0"): "GPL-3.0-only", ("b", "9.9"): "MIT"}
    assert list(command._table(licenses.judge_licenses(locked, stated))) == [
        "unknown (2)",
        "  b 1.0",
        "  c 1.0",
        "GPL-3.0-only (1), which pyproject.toml denies",
        "  a 1.0",
        "MIT (1)",
        "  numpy 2.0",
        "4 packages, 2 unknown.",
    ]
