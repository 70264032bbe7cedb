"""Every file of every project: readable by its own parser, whole, and safe on every system."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from tests.render.parsers import parse
from tests.render.questions import answers_of
from tests.support.copier_runs import ROOT, FileState, files_of

LONGEST_PATH = 120
# `${{ }}` is GitHub's, `{{.Name}}` is Go's.
LEFTOVER = re.compile(r"(?<!\$)\{\{(?!\.)|\{%|(?<!\$)\{#|%\}")
WINDOWS_NAMES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{p}{n}" for p in ("com", "lpt") for n in range(10)),
}
WINDOWS_CHARACTERS = re.compile(r'[<>:"|?*\\\x00-\x1f]')
OF_CONTAINERS = re.compile(r"(?<==)/root/\.cache/pip(?= )")
"""A folder of the machine that an image is, not of this one."""
EMPTY = re.compile(r"tests/(\w+/)?__init__\.py|src/\w+/py\.typed")


@pytest.fixture
def files(project: Path) -> dict[str, FileState]:
    return files_of(project)


@pytest.fixture
def texts(files: dict[str, FileState]) -> dict[str, bytes]:
    """All files but the wheels."""
    return {path: file.content for path, file in files.items() if not path.endswith(".whl")}


def test_every_file_parses(project: Path, files: dict[str, FileState]) -> None:
    for path in files:
        try:
            parse(project / path)
        except Exception as error:
            error.add_note(path)
            raise


def test_nothing_of_the_template_is_left(
    files: dict[str, FileState], texts: dict[str, bytes]
) -> None:
    assert not [path for path in files if path.endswith(".jinja")]
    assert not [path for path in files if LEFTOVER.search(path)]
    assert not [path for path, content in texts.items() if LEFTOVER.search(content.decode())]


def test_an_editor_starts_what_is_there(project: Path, files: dict[str, FileState]) -> None:
    """All that VS Code lists to debug: commands of the package, or tests."""
    workspace = json.loads(files["project.code-workspace"].content)
    configurations = workspace["launch"]["configurations"]
    assert len({each["name"] for each in configurations}) == len(configurations)
    package = str(answers_of(project)["package_name"])
    commands = set()
    for each in configurations:
        assert (each["type"], each["cwd"]) == ("debugpy", "${workspaceFolder}")
        if each.get("purpose") == ["debug-test"]:
            assert "module" not in each, "VS Code says which test"
        elif each["module"] == package and isinstance(each["args"], list):
            commands.add(f"src/{package}/kit/commands/{each['args'][0]}.py")
        else:
            assert each["module"] in (package, "pytest")
    assert commands <= files.keys()
    assert len(commands) == 2 * (f"src/{package}/kit/commands/train.py" in files)
    assert workspace["settings"]["python.testing.pytestArgs"] == ["tests"]


def test_the_readme_names_every_page_and_no_other(files: dict[str, FileState]) -> None:
    pages = {path for path in files if re.fullmatch(r"docs/[^/]+\.md", path)}
    readme = files["README.md"].content.decode()
    assert set(re.findall(r"^\| `(docs/.*?)`", readme, re.MULTILINE)) == pages


def test_every_text_ends_with_one_line_feed(texts: dict[str, bytes]) -> None:
    for path, content in texts.items():
        assert b"\r" not in content, path
        if not EMPTY.fullmatch(path):
            assert content.endswith(b"\n"), path
            assert not content.endswith(b"\n\n"), path


def test_no_line_ends_with_space(texts: dict[str, bytes]) -> None:
    trailing = re.compile(rb"[ \t]$", re.MULTILINE)
    assert not [path for path, content in texts.items() if trailing.search(content)]


def test_no_file_is_empty_by_mistake(files: dict[str, FileState]) -> None:
    empty = [path for path, file in files.items() if not file.content.strip()]
    assert not [path for path in empty if not EMPTY.fullmatch(path)]


def test_no_file_knows_this_machine(template: Path, texts: dict[str, bytes]) -> None:
    folders = [ROOT, template, Path.home(), Path(tempfile.gettempdir())]
    names = [f"{folder}/" for folder in folders if len(folder.parts) > 1]
    source = f"_src_path: {template}\n".encode()
    assert source in texts[".copier-answers.yml"]
    for path, content in texts.items():
        text = OF_CONTAINERS.sub("", content.replace(source, b"").decode())
        assert not [name for name in names if name in text], path


def test_only_scripts_are_executable(files: dict[str, FileState]) -> None:
    for path, file in files.items():
        assert file.executable == file.content.startswith(b"#!"), path


def test_names_are_safe_on_windows(files: dict[str, FileState]) -> None:
    for path in files:
        assert len(path) <= LONGEST_PATH, path
        for part in PurePosixPath(path).parts:
            assert part.split(".")[0].lower() not in WINDOWS_NAMES, path
            assert not WINDOWS_CHARACTERS.search(part), path
            assert not part.endswith((".", " ")), path


def test_no_two_names_differ_in_case_only(files: dict[str, FileState]) -> None:
    names = {str(part) for path in files for part in (path, *PurePosixPath(path).parents)}
    assert not [name for name, count in Counter(map(str.casefold, names)).items() if count > 1]
