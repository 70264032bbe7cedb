"""One project with every kind of edit, updated by the command and by Copier alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.envkeep.updates.toy import FIRST, LINES, NEWER, SECOND, Toy, write
from tests.support.copier_runs import copier, files_of, git

STRICT_GIT = "\n[apply]\n    whitespace = error-all\n[status]\n    showUntrackedFiles = no\n"
OWN = "our line, with a space at its end \n"
BINARY = b"\0ours\0\n"


def edit(toy: Toy) -> None:
    """Edit a project in every way, and commit what git does not ignore."""
    for path in ("docs/both.md", "docs/steady.md", "docs/old-name.md", "docs/dropped.md"):
        toy.edit(path, "line 20\n", OWN)
    toy.edit("docs/clash.md", "line 2\n", OWN)
    write(toy.folder, {"README.md": OWN, "docs/our own.md": OWN, ".env": "TOKEN=secret\n"})
    for path in ("pyproject.toml", ".gitignore"):
        write(toy.folder, {path: toy.read(path) + "# ours\n"})
    (toy.folder / "docs" / "logo.bin").write_bytes(BINARY)
    (toy.folder / "docs" / "deleted.md").unlink()
    (toy.folder / "docs" / "renamed.md").rename(toy.folder / "docs" / "renamed by us.md")
    (toy.folder / "docs" / "script.md").chmod(0o755)
    (toy.folder / "docs" / "linked.md").unlink()
    (toy.folder / "docs" / "linked.md").symlink_to("steady.md")
    toy.commit()


@pytest.fixture(scope="module")
def edited(copied: Toy, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Return the edited project before its update."""
    folder = tmp_path_factory.mktemp("edited") / "project"
    shutil.copytree(copied.folder, folder)
    toy = Toy(folder)
    edit(toy)
    return toy


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file of git's settings with which Copier alone loses edits."""
    path = tmp_path_factory.mktemp("settings") / "gitconfig"
    identity = "[user]\n    name = Toy\n    email = toy@example.org\n"
    path.write_text(identity + STRICT_GIT, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def done(
    edited: Toy, settings: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Toy, subprocess.CompletedProcess[str]]:
    """Return the project after ``make update``, and what it printed."""
    folder = tmp_path_factory.mktemp("updated") / "project"
    shutil.copytree(edited.folder, folder, symlinks=True)
    toy = Toy(folder)
    return toy, toy.update(GIT_CONFIG_GLOBAL=settings)


@pytest.fixture(scope="module")
def updated(done: tuple[Toy, subprocess.CompletedProcess[str]]) -> Toy:
    """Return the project after a ``make update`` that succeeded."""
    assert done[1].returncode == 0, done[1].stderr
    return done[0]


@pytest.fixture(scope="module")
def summary(done: tuple[Toy, subprocess.CompletedProcess[str]]) -> str:
    """Return what the command said, with single spaces."""
    return re.sub(r" +", " ", done[1].stdout)


def test_copier_alone_loses_what_the_command_keeps(
    edited: Toy, settings: str, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(edited.folder, folder, symlinks=True)
    done = copier("update", "--defaults", str(folder), GIT_CONFIG_GLOBAL=settings)
    assert done.returncode == 0, done.stderr
    alone = Toy(folder)
    assert OWN not in alone.read("docs/both.md")
    assert OWN not in alone.read("docs/steady.md")
    assert "# ours" not in alone.read("pyproject.toml")
    assert (folder / "docs" / "logo.bin").read_bytes() != BINARY
    assert "secret" not in alone.read(".env")
    assert not (folder / "docs" / "old-name.md").exists()
    assert not (folder / "docs" / "dropped.md").exists()


def test_both_sides_are_in_a_text_that_both_changed(updated: Toy) -> None:
    text = LINES.replace("line 2\n", NEWER).replace("line 20\n", OWN)
    assert updated.read("docs/both.md") == text
    assert updated.read("docs/script.md").startswith("line 1\nline 2 of the template\n")
    assert (updated.folder / "docs" / "script.md").stat().st_mode & 0o100


def test_what_only_the_user_changed_stays_as_it_is(updated: Toy) -> None:
    assert OWN in updated.read("docs/steady.md")
    assert (updated.folder / "docs" / "logo.bin").read_bytes() == BINARY
    assert (updated.folder / "docs" / "linked.md").readlink() == Path("steady.md")
    assert not (updated.folder / "docs" / "deleted.md").exists()
    assert not (updated.folder / "docs" / "renamed.md").exists()
    assert updated.read("docs/renamed by us.md") == LINES
    assert updated.read("docs/our own.md") == updated.read("README.md") == OWN


def test_shared_files_have_the_lines_of_both(updated: Toy) -> None:
    assert "new = true\n" in updated.read("pyproject.toml")
    assert updated.read("pyproject.toml").endswith("# ours\n")
    assert updated.read(".gitignore").endswith("# ours\n")


def test_what_only_the_template_changed_arrives(updated: Toy) -> None:
    assert updated.read("docs/added.md") == "New.\n"
    assert "_commit: 2.0.0\n" in updated.read(".copier-answers.yml")
    assert "hop==1.5\n" in updated.read("requirements/stack/constraints.txt")


def test_an_ignored_file_is_left_alone(updated: Toy, summary: str) -> None:
    assert updated.read(".env") == "TOKEN=secret\n"
    (new,) = re.findall(r"left .env: git ignores yours; the template's is (\S+)", summary)
    assert updated.read(new) == SECOND[".env"]


@pytest.mark.parametrize("name", ["clash", "dropped", "old-name"])
def test_an_edit_that_cannot_be_kept_is_saved_whole(
    updated: Toy, edited: Toy, summary: str, name: str, tmp_path: Path
) -> None:
    path = f"docs/{name}.md"
    assert not (updated.folder / path).exists() or OWN not in updated.read(path)
    (saved,) = re.findall(rf"saved {re.escape(path)}: now .*; your edit is (\S+)", summary)
    write(tmp_path, {path: FIRST[path]})
    git(tmp_path, "apply", str(updated.folder / saved))
    assert (tmp_path / path).read_text(encoding="utf-8") == edited.read(path)


def test_nothing_is_left_for_the_user_to_clean_up(updated: Toy) -> None:
    files = files_of(updated.folder)
    assert not [path for path in files if path.endswith((".rej", ".orig"))]
    assert not [path for path, file in files.items() if b"\n<<<<<<< " in file.content]
    assert git(updated.folder, "ls-files", "--unmerged") == ""


def test_files_that_the_template_left_alone_are_untouched(updated: Toy, edited: Toy) -> None:
    before, after = files_of(edited.folder), files_of(updated.folder)
    untouched = ("keep.py", "requirements/stack/catalog.json", "requirements/stack/owners.json")
    assert {path: after[path] for path in untouched} == {path: before[path] for path in untouched}


def test_the_summary_says_what_changed_in_words(summary: str) -> None:
    assert "Template 1.0.0 -> 2.0.0, stack release 2026.01 -> 2026.02.\n" in summary
    assert " new docs/added.md\n new docs/new-name.md\n" in summary
    assert " changed pyproject.toml (shared)\n" in summary
    assert " gone docs/dropped.md\n" in summary
    assert " merged docs/both.md\n" in summary
    assert " kept docs/logo.bin\n" in summary
    assert " deleted docs/deleted.md: it stays so\n" in summary
    assert "\n- What is new.\n" in summary and "The first" not in summary
    assert " make lock-all " in summary


def test_the_summary_says_what_the_update_does_not_do(summary: str) -> None:
    new = "New commands (README.md is yours: it may not name them):\n make try try a change\n\n"
    assert new in summary
    assert " make setup git hooks, which the template has now: no update installs them\n" in summary


def test_pins_that_moved_are_listed_majors_first(summary: str) -> None:
    pins = summary.partition("Pins of the stack:\n")[2].partition("\n\n")[0].splitlines()
    expected = ["leap 1.0, 2.0 -> 3.0 (major)", "hop 1.4 -> 1.5", "spring new -> 0.1"]
    assert [line.strip() for line in pins] == expected


def test_the_proposed_message_commits_the_update(updated: Toy, tmp_path: Path) -> None:
    message = updated.records() / "message.txt"
    shutil.copytree(updated.folder, tmp_path / "project", symlinks=True)
    git(tmp_path / "project", "add", "--all")
    git(tmp_path / "project", "commit", "--quiet", "--file", str(message))
    logged = git(tmp_path / "project", "log", "-1", "--format=%B")
    assert logged.startswith("Update from the template: 1.0.0 to 2.0.0\n\nStack release 2026.01")
    assert "leap 1.0, 2.0 -> 3.0 (major)" in logged
    assert "docs/clash.md" in logged
