"""What stops an update, each time with one sentence and nothing changed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.envkeep.updates.toy import Toy, environment, make_template, refusal, write
from tests.lifecycle.projects import TOOLS_THAT_HEAR_CTRL_C
from tests.support.copier_runs import files_of, git, release

NOT_STARTED = {"COPIER": "/no/copier/is/started"}


def brought(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Return the files that came in, without the log of what Copier printed."""
    return {path for path in after.keys() - before.keys() if not path.startswith(".cache/logs/")}


@pytest.mark.parametrize("path", ["docs/steady.md", "docs/not added.md"])
def test_changes_that_are_not_committed(toy: Toy, path: str) -> None:
    write(toy.folder, {path: "ours\n"})
    sentence = refusal(toy.update(**NOT_STARTED))
    assert f"not committed: {path}; commit them, or put them aside with `git stash" in sentence
    assert toy.read(path) == "ours\n"


def test_a_merge_that_is_not_finished(toy: Toy) -> None:
    git(toy.folder, "checkout", "--quiet", "-b", "theirs")
    git(toy.folder, "commit", "--quiet", "--allow-empty", "--message", "Theirs")
    git(toy.folder, "checkout", "--quiet", "main")
    git(toy.folder, "commit", "--quiet", "--allow-empty", "--message", "Ours")
    git(toy.folder, "merge", "--quiet", "--no-commit", "--no-ff", "theirs")
    assert "a merge is not finished" in refusal(toy.update(**NOT_STARTED))


def test_no_repository(toy: Toy) -> None:
    shutil.rmtree(toy.folder / ".git")
    assert "is not in a git repository" in refusal(toy.update(**NOT_STARTED))


def test_answers_that_do_not_say_what_the_copy_was(toy: Toy) -> None:
    toy.edit(".copier-answers.yml", "_commit: 1.0.0\n", "")
    toy.commit()
    assert ".copier-answers.yml has no _commit" in refusal(toy.update(**NOT_STARTED))


def test_a_template_by_a_path_that_means_something_else_elsewhere(
    toy: Toy, toy_template: Path
) -> None:
    toy.edit(".copier-answers.yml", str(toy_template), "../template")
    toy.commit()
    sentence = refusal(toy.update(**NOT_STARTED))
    assert "recorded as ../template, a path relative to the folder" in sentence


def test_no_answers_file(toy: Toy) -> None:
    git(toy.folder, "rm", "--quiet", ".copier-answers.yml")
    toy.commit()
    assert ".copier-answers.yml is not here" in refusal(toy.update(**NOT_STARTED))


def test_a_copier_that_is_not_there(toy: Toy) -> None:
    sentence = refusal(toy.update(**NOT_STARTED))
    assert sentence.endswith("COPIER names /no/copier/is/started, which is not a program here.")


def test_a_repository_that_git_refuses(toy: Toy) -> None:
    write(toy.folder, {".git/config": "[core]\n    repositoryformatversion = 99\n"})
    assert "git refuses the project: fatal: " in refusal(toy.update(**NOT_STARTED))


def test_a_template_that_moved(toy: Toy, toy_template: Path) -> None:
    toy.edit(".copier-answers.yml", str(toy_template), "/moved/away")
    toy.commit()
    sentence = refusal(toy.update())
    assert "the template /moved/away cannot be reached; if it moved, write its new" in sentence


def test_a_template_that_lost_the_tag(toy: Toy, tmp_path: Path) -> None:
    template = make_template(tmp_path / "template")
    git(template, "tag", "--delete", "1.0.0")
    own = Toy(tmp_path / "project")
    line = next(
        each for each in own.read(".copier-answers.yml").splitlines() if "_src_path" in each
    )
    own.edit(".copier-answers.yml", line, f"_src_path: {template}")
    own.commit()
    assert f"the template {template} has no version 1.0.0; if its tag" in refusal(own.update())


@pytest.mark.slow
def test_a_copier_older_than_the_template_asks_for(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template")
    own = Toy.copied(template, tmp_path / "project")
    settings = (template / "copier.yml").read_text(encoding="utf-8")
    write(template, {"copier.yml": settings.replace('"9.', '"99.')})
    release(template, "3.0.0")
    sentence = refusal(own.update())
    assert "asks for Copier 99.19.1 and this project has 9." in sentence
    assert "COPIER=/path/to/copier make update" in sentence


@pytest.mark.slow
def test_an_older_version_and_an_answer_that_is_not_valid(
    toy_template: Path, tmp_path: Path
) -> None:
    own = Toy.copied(toy_template, tmp_path / "project", "2.0.0")
    assert "downgrading from 2.0.0 to 1.0.0" in refusal(own.update("--to", "1.0.0"))
    done = own.update()
    assert done.returncode == 0
    assert done.stdout == "Already up to date: the project has the template's newest, 2.0.0.\n"


@pytest.mark.slow
def test_lines_of_a_shared_file_that_both_changed(toy: Toy) -> None:
    toy.edit("pyproject.toml", 'version = "1"\n', 'version = "1"\nours = true\n')
    toy.commit()
    before = files_of(toy.folder)
    sentence = refusal(toy.update())
    assert "changed the same lines of pyproject.toml as you:\n    +ours = true\n" in sentence
    assert toy.status() == ""
    assert brought(before, files_of(toy.folder)) == {".venvs/in-use"}


@pytest.mark.slow
def test_a_dry_run_says_the_same_and_changes_nothing(toy: Toy) -> None:
    before = files_of(toy.folder)
    done = toy.update("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "docs/added.md" in done.stdout
    assert done.stdout.endswith("Nothing was changed (--dry-run).\n")
    after = files_of(toy.folder)
    assert {path: after.get(path) for path in before} == before
    assert brought(before, after) == {".venvs/in-use"}


def test_ctrl_c_leaves_the_project_as_it_was(toy: Toy) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TOOLS_THAT_HEAR_CTRL_C, "update", "--in-place", "--verbose"],
        cwd=toy.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout is not None
        assert any("copier update" in line for line in command.stdout)
        command.send_signal(signal.SIGINT)
        rest = command.stdout.read()
    assert command.returncode == 130
    assert "the update was not made." in rest and "Template 1.0.0" not in rest
    assert toy.status() == ""


@pytest.mark.slow
def test_line_ends_that_git_changes_on_checkout(toy: Toy) -> None:
    toy.edit("docs/both.md", "line 20\n", "ours\n")
    toy.commit()
    git(toy.folder, "config", "core.autocrlf", "true")
    git(toy.folder, "rm", "--quiet", "--cached", "-r", ".")
    git(toy.folder, "reset", "--quiet", "--hard")
    assert b"\r\n" in (toy.folder / "docs" / "both.md").read_bytes()
    done = toy.update()
    assert done.returncode == 0, done.stderr
    lines = (toy.folder / "docs" / "both.md").read_bytes().splitlines(keepends=True)
    assert {b"line 2 of the template\r\n", b"ours\r\n"} <= set(lines)
    assert " docs/both.md" in toy.status() and " docs/steady.md" not in toy.status()


@pytest.mark.slow
def test_a_project_in_a_folder_of_a_repository(toy: Toy, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    shutil.copytree(toy.folder, outer / "apps" / "toy", ignore=shutil.ignore_patterns(".git"))
    write(outer, {"apps/other.txt": "not committed\n"})
    git(outer, "init", "--quiet")
    git(outer, "add", "apps/toy")
    git(outer, "commit", "--quiet", "--message", "All")
    inner = Toy(outer / "apps" / "toy")
    inner.edit("docs/both.md", "line 20\n", "ours\n")
    git(outer, "commit", "--quiet", "--all", "--message", "Ours")
    done = inner.update()
    assert done.returncode == 0, done.stderr
    assert "ours\n" in inner.read("docs/both.md") and "of the template" in inner.read(
        "docs/both.md"
    )
    assert (outer / "apps" / "other.txt").read_text(encoding="utf-8") == "not committed\n"
