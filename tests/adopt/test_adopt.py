"""The command: what it refuses, what it leaves alone, and the proof before the branch is made."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from hooks import adopt
from hooks.adopt import main
from hooks.adoption import report
from hooks.adoption.files import FilePlan
from hooks.adoption.plan import BRANCH
from tests.adopt.repository import Adopted, make
from tests.support.copier_runs import commit, files_of, git

pytestmark = pytest.mark.usefixtures("known_machine")


@pytest.fixture
def plain(template: Path, tmp_path: Path) -> Adopted:
    """Return a repository with scripts and a requirements.txt that is not adopted yet."""
    return make("requirements", tmp_path / "flowers", template)


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(".")
    return line.removeprefix("error: ")


def branches(folder: Path) -> list[str]:
    return git(folder, "for-each-ref", "--format=%(refname:short)").split()


def no_repository(plain: Adopted) -> Path:
    outside = plain.folder.parent / "outside"
    outside.mkdir()
    return outside


def inside(plain: Adopted) -> Path:
    return plain.folder / "tests"


def changed(plain: Adopted) -> Path:
    (plain.folder / "train.py").write_text("", encoding="utf-8")
    return plain.folder


def untracked(plain: Adopted) -> Path:
    (plain.folder / "new.py").write_text("", encoding="utf-8")
    return plain.folder


def without_commit(plain: Adopted) -> Path:
    empty = plain.folder.parent / "empty"
    git(plain.folder.parent, "init", "--quiet", str(empty))
    return empty


def with_branch(plain: Adopted) -> Path:
    git(plain.folder, "branch", BRANCH)
    return plain.folder


def a_project(plain: Adopted) -> Path:
    (plain.folder / "keep.py").touch()
    return another_templates(plain)


def another_templates(plain: Adopted) -> Path:
    source = "https://a:secret@example.org/other.git"  # pragma: allowlist secret
    text = f"_commit: '1'\n_src_path: {source}\n"
    (plain.folder / ".copier-answers.yml").write_text(text, encoding="utf-8")
    commit(plain.folder, "Follow a template")
    return plain.folder


def broken_toml(plain: Adopted) -> Path:
    (plain.folder / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    commit(plain.folder, "Break it")
    return plain.folder


def folder_in_the_way(plain: Adopted) -> Path:
    (plain.folder / "keep.py").mkdir(parents=True)
    (plain.folder / "keep.py" / "page.md").write_text("", encoding="utf-8")
    commit(plain.folder, "Pages")
    return plain.folder


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (no_repository, "is not in a git repository: run `git init`"),
        (inside, "is inside the repository"),
        (changed, "has uncommitted changes: commit or stash them first"),
        (untracked, "has uncommitted changes: commit or stash them first"),
        (without_commit, "has no commit yet"),
        (with_branch, f"the branch {BRANCH} exists: merge it"),
        (a_project, "follows a template already (.copier-answers.yml): `make update`"),
        (another_templates, "follows another template https://example.org/other.git"),
        (broken_toml, "pyproject.toml cannot be read"),
        (folder_in_the_way, "keep.py is a folder here and a file of the template"),
    ],
)
def test_what_cannot_be_adopted_gets_one_sentence_and_stays_as_it_was(
    plain: Adopted,
    template: Path,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Adopted], Path],
    sentence: str,
) -> None:
    folder = prepare(plain)
    before = files_of(folder), branches(plain.folder)
    assert main([str(folder), "--no-lock", "--yes", "--source", str(template)]) == 2
    assert sentence in refusal(capsys)
    assert (files_of(folder), branches(plain.folder)) == before


def test_without_a_terminal_nothing_is_asked(
    plain: Adopted, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(plain.folder), "--no-lock", "--source", str(template)]) == 2
    assert refusal(capsys) == "there is no terminal to ask on: add --yes to accept the plan."


def test_the_work_tree_and_the_branch_stay_as_they_are(plain: Adopted) -> None:
    before = files_of(plain.folder)
    head = git(plain.folder, "rev-parse", "HEAD"), git(plain.folder, "symbolic-ref", "HEAD")
    assert plain.adopt() == 0
    assert files_of(plain.folder) == before
    assert plain.status() == ""
    assert (
        git(plain.folder, "rev-parse", "HEAD"),
        git(plain.folder, "symbolic-ref", "HEAD"),
    ) == head


def test_moved_files_keep_their_history(plain: Adopted) -> None:
    plain.adopt()
    subjects = git(plain.folder, "log", "--follow", "--format=%s", BRANCH, "--", "local.mk")
    assert subjects.splitlines() == ["Move files out of the way of the project template", "Before"]


def test_its_own_keep_py_makes_way_and_that_is_said_and_its_tools_stay(
    plain: Adopted, capsys: pytest.CaptureFixture[str]
) -> None:
    (plain.folder / "keep.py").write_text("OURS = 1\n", encoding="utf-8")
    (plain.folder / "tools").mkdir()
    (plain.folder / "tools" / "__init__.py").write_text("OURS = 2\n", encoding="utf-8")
    commit(plain.folder, "Keep and tools of our own")
    assert plain.adopt() == 0
    asked = " ".join(capsys.readouterr().out.partition("What could not be decided:")[2].split())
    assert (
        "your keep.py moved to before-adoption/keep.py: the template's file takes its place; "
        "change what imports or calls it."
    ) in asked
    plain.switch()
    assert plain.text("before-adoption/keep.py") == "OURS = 1\n"
    assert plain.text("keep.py").startswith("# Owned by the template")
    files = [path.name for path in (plain.folder / "tools").iterdir()]
    assert (files, plain.text("tools/__init__.py")) == (["__init__.py"], "OURS = 2\n")


def test_a_second_adoption_is_refused(plain: Adopted, capsys: pytest.CaptureFixture[str]) -> None:
    plain.adopt()
    capsys.readouterr()
    assert plain.adopt() == 2
    assert refusal(capsys).startswith(f"the branch {BRANCH} exists")
    plain.switch()
    assert plain.adopt() == 2
    assert "`make update` there brings the newest release." in refusal(capsys)


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    plain: Adopted, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(plain.folder), "--no-lock", "--dry-run", "--source", str(template)]) == 0
    shown = capsys.readouterr().out
    assert "numpy==1.26.4" in shown
    assert "overrides.txt: 1.26.4 instead of " in shown
    assert "to local.mk: the template's Makefile includes it; its targets win" in shown
    assert "augment.git@v1" in shown
    assert shown.endswith("Nothing was written.\n")
    assert BRANCH not in branches(plain.folder)


def test_the_plan_is_shown_in_tables_on_a_terminal(plain: Adopted, template: Path) -> None:
    console = Console(force_terminal=True, width=160)
    arguments = adopt.parser().parse_args([str(plain.folder), "--source", str(template)])
    planned = adopt.make_plan(adopt.Repository.at(plain.folder), {}, arguments)
    with console.capture() as shown:
        report.show(console, planned)
    assert "Requirements" in shown.get()
    assert "tqdm>=4.60" in shown.get()


def test_the_next_steps_name_both_test_commands_and_what_is_open(
    plain: Adopted, capsys: pytest.CaptureFixture[str]
) -> None:
    plain.adopt()
    shown = capsys.readouterr().out
    assert "git switch main && make test" in shown
    assert "Makefile has test as the template's Makefile does" in shown
    assert f"git switch {BRANCH} && make setup && . .venv/bin/activate && make test" in shown
    assert "the license was not found" in shown.partition("What could not be decided:")[2]


def test_variables_of_its_makefile_do_not_choose_what_runs_envkeep(plain: Adopted) -> None:
    assert plain.text("Makefile").startswith("PYTHON = python\n")
    plain.adopt()
    plain.switch()
    for target, line in (("setup", "python3 keep.py setup"), ("train", "python train.py")):
        command = ["make", "--dry-run", target]
        kept = {name: value for name, value in os.environ.items() if name != "PYTHON"}
        done = subprocess.run(
            command, cwd=plain.folder, env=kept, capture_output=True, text=True, check=True
        )
        assert [each.rstrip() for each in done.stdout.splitlines()] == [line]


def test_what_goes_with_an_older_torch_or_is_not_carried_over_is_asked(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make("conda", tmp_path / "tagger", template)
    settings = made.folder / "setup.cfg"
    text = made.text("setup.cfg")
    own = "own-labels @ git+https://example.org/labels.git"
    settings.write_text(text.replace("    scipy\n", f"    scipy\n    {own}\n"), encoding="utf-8")
    commit(made.folder, "Take labels from their repository")
    assert made.adopt() == 0
    asked = capsys.readouterr().out.partition("What could not be decided:")[2]
    assert "torchaudio goes with the stack's torch, not with torch==2.5.1" in asked
    assert f"your package declares {own}" in asked
    assert "`make install` stops" in asked


def test_poetrys_dependencies_are_said_to_be_in_requirements(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make("poetry", tmp_path / "translator", template)
    assert made.adopt("--dry-run") == 0
    left = capsys.readouterr().out.partition("Not carried over:")[2]
    assert "poetry.lock" in left
    assert "tool.poetry.dependencies" in left


def test_given_answers_win(plain: Adopted) -> None:
    assert plain.adopt("--data", "python_version=3.13", "--data", "backends=[cpu]") == 0
    plain.switch()
    answers = plain.text(".copier-answers.yml")
    assert "python_version: '3.13'" in answers
    assert "cuda" not in answers
    assert plain.text(".python-version") == "3.13\n"


def test_no_branch_is_made_if_a_file_would_be_lost(
    plain: Adopted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planning = adopt.plan

    def careless(*arguments: object, **options: bool) -> FilePlan:
        planned = planning(*arguments, **options)  # type: ignore[arg-type]
        del planned.change.tree["model.py"]
        planned.written["train.py"] = b"# overwritten\n"
        planned.written[".gitignore"] = b"__pycache__/\n"
        return planned

    monkeypatch.setattr(adopt, "plan", careless)
    assert plain.adopt() == 1
    assert "it would lose .gitignore, model.py, train.py:" in refusal(capsys)
    assert BRANCH not in branches(plain.folder)
    assert plain.status() == ""


def test_programs_links_and_crlf_survive(plain: Adopted) -> None:
    (plain.folder / "link").symlink_to("train.py")
    (plain.folder / "notes.txt").write_bytes(b"one\r\ntwo\r\n")
    (plain.folder / "umlaut ä.bin").write_bytes(bytes(range(256)))
    commit(plain.folder, "More files")
    before = files_of(plain.folder)
    assert plain.adopt() == 0
    plain.switch()
    assert plain.status() == ""
    after = files_of(plain.folder)
    for path in ("link", "notes.txt", "umlaut ä.bin", "run.sh", "train.py"):
        assert after[path] == before[path]
    assert after["run.sh"].executable
    assert (plain.folder / "link").is_symlink()


@pytest.mark.parametrize("rule", ["* text", "*.whl filter=lfs diff=lfs merge=lfs -text"])
def test_the_wheels_stay_as_they_are_whatever_its_attributes_say(rule: str, plain: Adopted) -> None:
    # Repositories keep wheels in Git LFS (NVIDIA/Isaac-GR00T#642), or call all files text.
    (plain.folder / ".gitattributes").write_text(f"{rule}\n", encoding="utf-8")
    commit(plain.folder, "Its attributes")
    assert plain.adopt() == 0
    git(plain.folder, "switch", "--quiet", BRANCH)
    wheels = git(plain.folder, "ls-files", "requirements/stack/wheels").split()
    assert len(wheels) == 3
    told = git(plain.folder, "check-attr", "text", "filter", "--", *wheels).splitlines()
    assert {line.rpartition(": ")[2] for line in told} == {"unset"}
    git(plain.folder, "add", "--renormalize", ".")
    assert git(plain.folder, "status", "--porcelain") == ""


def test_nothing_of_the_repository_is_run(plain: Adopted, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("post-checkout", "pre-commit", "post-commit", "reference-transaction"):
        hook = plain.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
        hook.chmod(0o755)
    code = f"import pathlib, setuptools\npathlib.Path({str(ran)!r}).touch()\nsetuptools.setup()\n"
    (plain.folder / "setup.py").write_text(code, encoding="utf-8")
    git(plain.folder, "-c", "core.hooksPath=/dev/null", "add", "--all")
    git(plain.folder, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "More")
    assert plain.adopt() == 0
    assert not ran.exists()


def test_a_fresh_clone_of_the_branch_is_clean(plain: Adopted, tmp_path: Path) -> None:
    (plain.folder / "run.bat").write_bytes(b"echo hi\r\nrem\r\n")
    (plain.folder / "a.ipynb").write_bytes(b'{"cells": []}\r\n')
    git(plain.folder, "-c", "core.autocrlf=false", "add", "--all")
    commit(plain.folder, "Windows' line ends")
    assert plain.adopt() == 0
    clone = tmp_path / "clone"
    git(plain.folder, "clone", "--quiet", "--branch", BRANCH, str(plain.folder), str(clone))
    assert git(clone, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
def test_a_file_of_git_s_in_another_encoding_stays_in_force(name: str, plain: Adopted) -> None:
    line = {".gitignore": b"*.log\n", ".gitattributes": b"*.log filter=lfs\n"}[name]
    (plain.folder / name).write_bytes("# für alle\n".encode("latin-1") + line)
    commit(plain.folder, "Its own")
    assert plain.adopt() == 0
    plain.switch()
    (plain.folder / "secret.log").touch()
    if name == ".gitignore":
        assert plain.status() == ""
    else:
        told = git(plain.folder, "check-attr", "filter", "--", "secret.log")
        assert told.strip() == "secret.log: filter: lfs"


@pytest.mark.parametrize("kind", ["submodule", "symbolic link"])
def test_what_would_not_work_elsewhere_is_refused(
    kind: str, plain: Adopted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "symbolic link":
        (plain.folder / "conf").mkdir()
        (plain.folder / "conf" / "ignore").write_text("*.log\n", encoding="utf-8")
        (plain.folder / ".gitignore").unlink(missing_ok=True)
        (plain.folder / ".gitignore").symlink_to("conf/ignore")
        path = ".gitignore"
    else:
        other = tmp_path / "other"
        other.mkdir()
        (other / "a").touch()
        commit(other, "Other")
        git(
            *(plain.folder, "-c", "protocol.file.allow=always"),
            *("submodule", "add", str(other), "requirements"),
        )
        path = "requirements"
    commit(plain.folder, "In the way")
    assert plain.adopt() == 2
    assert f"{path} is a {kind} in the place of a file of the template" in refusal(capsys)
    assert BRANCH not in branches(plain.folder)


def test_a_private_index_is_tied_and_its_password_left_out(
    plain: Adopted, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "https://bob:s3cret-word@corp.example.org/simple"  # pragma: allowlist secret
    text = f"""
[project]
name = "flowers"
version = "1"
dependencies = ["corp-models"]
[tool.uv.sources]
corp-models = {{index = "corp"}}
[[tool.uv.index]]
name = "corp"
url = "{address}"
"""
    (plain.folder / "pyproject.toml").write_text(text, encoding="utf-8")
    commit(plain.folder, "A package of the company")
    assert plain.adopt() == 0
    printed = capsys.readouterr()
    assert "s3cret-word" not in printed.out + printed.err
    plain.switch()
    rows = tomllib.loads(plain.text("requirements/indexes.toml"))["index"]
    assert rows == [
        {"name": "corp", "url": "https://corp.example.org/simple", "packages": ["corp-models"]}
    ]
    assert "corp-models" in plain.lines("requirements/30-prod.in")


def test_an_optional_part_gets_an_environment_of_its_own(plain: Adopted) -> None:
    path = plain.folder / "requirements-gpu.txt"
    path.write_text("onnxruntime-gpu==1.20.1\nnumpy==1.24.4\n", encoding="utf-8")
    commit(plain.folder, "A variant")
    assert plain.adopt("--environment", "requirements-gpu.txt") == 0
    plain.switch()
    lines = plain.lines("requirements/environments/gpu.in")
    assert {"onnxruntime-gpu==1.20.1", "numpy==1.24.4"} <= set(lines)
    assert sum(line.startswith("numpy") for line in lines) == 1
    assert "onnxruntime-gpu" not in plain.text("requirements/20-train.in")


@pytest.mark.parametrize(
    "text",
    [
        'project = {name = "flowers", version = "1"}\n',
        '[project] # facts\nname = "flowers"\nversion = "1"\n',
        '[project.urls]\nA = "https://example.org"\n\n[project]\nname = "flowers"\nversion = "1"\n',
    ],
)
def test_the_project_s_facts_are_taken_however_they_are_written(text: str, plain: Adopted) -> None:
    (plain.folder / "pyproject.toml").write_text(text, encoding="utf-8")
    commit(plain.folder, "Facts")
    assert plain.adopt() == 0
    plain.switch()
    said = tomllib.loads(plain.text("pyproject.toml"))["project"]
    assert said.items() >= tomllib.loads(text)["project"].items()
    assert said["requires-python"].startswith("==3.")


def test_a_repository_s_docs_and_tools_are_its_own_alone(plain: Adopted) -> None:
    own = {"docs/index.rst": "Home\n", "tools/cli.py": "", "tools/__init__.py": ""}
    for path, text in own.items():
        (plain.folder / path).parent.mkdir(exist_ok=True)
        (plain.folder / path).write_text(text, encoding="utf-8")
    commit(plain.folder, "Folders")
    assert plain.adopt() == 0
    plain.switch()
    found = files_of(plain.folder).keys()
    assert {path for path in found if path.startswith(("docs/", "tools/"))} == own.keys()


def test_no_password_of_an_address_is_printed_or_taken(
    plain: Adopted, capsys: pytest.CaptureFixture[str]
) -> None:
    host = "bob:s3cret-word@example.org"  # pragma: allowlist secret
    lines = [
        f"--extra-index-url https://{host}/whl/cu130",
        f"--extra-index-url https://{host}/simple",
        f"corp @ https://{host}/corp-1.0-py3-none-any.whl",
        f"git+https://{host}/repository.git",
        "torch",
    ]
    (plain.folder / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    commit(plain.folder, "A mirror")
    assert plain.adopt() == 0
    printed = capsys.readouterr()
    assert "s3cret-word" not in printed.out + printed.err
    assert "holds a password" in printed.out
    plain.switch()
    changed = git(plain.folder, "diff", "--name-only", "HEAD~1").split()
    assert changed
    assert not [path for path in changed if b"s3cret-word" in (plain.folder / path).read_bytes()]
