"""What `lint` and `format` run in an adopted project follows from its own settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.lint import adopted

RUFF = [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"]]
MYPY = ["-m", "mypy"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an adopted project with a package beside src/ and no settings."""
    monkeypatch.setattr(adopted, "ROOT", tmp_path)
    monkeypatch.setattr(adopted, "PYPROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(adopted, "project_metadata", lambda: {"package_name": "tagger"})
    (tmp_path / "tagger").mkdir()
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        ({}, []),
        ({"setup.cfg": "[tool:pytest]\n"}, []),
        ({"pyproject.toml": "[tool.ruff]\n"}, RUFF),
        ({"ruff.toml": ""}, RUFF),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n"}, [[*MYPY, "tagger"]]),
        ({"pyproject.toml": "[tool.mypy]\nfiles = ['tests']\n"}, [MYPY]),
        ({"mypy.ini": "[mypy]\npackages = tagger\n", ".ruff.toml": ""}, [*RUFF, MYPY]),
        ({"setup.cfg": "[mypy]\nstrict = true\n"}, [[*MYPY, "tagger"]]),
    ],
)
def test_its_settings_say_what_is_checked(
    folder: Path, files: Mapping[str, str], steps: list[list[str]]
) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert adopted.lint_steps() == steps
    assert bool(adopted.format_steps()) == (RUFF[0] in steps)


def test_scripts_without_a_package_are_not_given_to_mypy(folder: Path) -> None:
    (folder / "tagger").rmdir()
    (folder / "mypy.ini").write_text("[mypy]\nstrict = true\n", encoding="utf-8")
    assert adopted.lint_steps() == []


@pytest.mark.parametrize(
    ("name", "text"), [("setup.cfg", "strict = true\n"), ("pyproject.toml", "[tool\n")]
)
def test_damaged_settings_are_one_sentence(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=rf"^{name} cannot be read \(.*\); fix it\.$"):
        adopted.lint_steps()
