"""The checks of a project: clean on every project as rendered, and git refuses what they are for.

They run with this repository's own environment in place of the project's, which has the same
programs in the same versions; mypy alone needs what a project installs (tests/lifecycle).

Each check but mypy looks at one file and at the settings in ``pyproject.toml``. So a file of one
project that another one has had at the same path, with the same settings, is not looked at again.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from envkeep.project.ownership import Owners
from maintain.stack.data import load_requirements
from maintain.stack.pins import by_name, parse_pins
from tests.render.cells import CELLS, Cell
from tests.render.conftest import Projects
from tests.render.pairwise import pairwise
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import ROOT, git
from tests.support.engine import variables

WITHOUT_TYPES = {**os.environ, "SKIP": "mypy"}
ADOPTED = [
    Cell(f"adopted-{name}", name, {**ANSWER_SETS[name], "adopted": True})
    for name in ("defaults", "gpus")
]
PAIRWISE = [Cell(f"pairs-{at}", "pairs", row) for at, row in enumerate(pairwise())]
MATRIX = [*CELLS, *ADOPTED, *PAIRWISE]
IDS = {
    "files",
    "secrets",
    "ruff-check",
    "ruff-format",
    "mypy",
    "notebooks",
    "shell",
    "dockerfile",
    "github-workflows",
    "gitlab-ci",
    "zizmor",
}


def repository(project: Path, folder: Path) -> Path:
    """Copy a project into a repository, with an environment that holds the programs."""
    shutil.copytree(project, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    return folder


def pre_commit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the environment's pre-commit in a repository."""
    command = [folder / ".venv" / "bin" / "python", "-m", "pre_commit", *arguments]
    return subprocess.run(
        command, cwd=folder, env=WITHOUT_TYPES, capture_output=True, text=True, check=False
    )


def settings_of(project: Path) -> str:
    """Return what else decides about a file: ruff's settings and the name of the package."""
    content = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    facts = content["project"]
    return json.dumps([facts["name"], facts["requires-python"], content["tool"]["ruff"]])


def test_this_repositorys_programs_are_those_of_the_stack_release() -> None:
    rows = [row for row in load_requirements(ROOT / "stack") if row.layer == "50-lint"]
    lint = {row.name for row in rows if not row.name.startswith("types-")}
    here = by_name(parse_pins((ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")))
    stack = by_name(parse_pins((ROOT / "stack" / "constraints.txt").read_text(encoding="utf-8")))
    assert {"pre-commit", "ruff", "detect-secrets", "nbstripout"} <= lint <= here.keys()
    assert {name: here[name][0].version for name in lint} == {
        name: stack[name][0].version for name in lint
    }


def test_every_check_is_a_local_program_of_the_environment(projects: Projects) -> None:
    text = (projects({}) / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    repositories = yaml.safe_load(text)["repos"]
    assert [row["repo"] for row in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["id"] for hook in hooks} == IDS
    assert len({hook["entry"] for hook in hooks}) == 1
    assert "keep.py" in hooks[0]["entry"]
    assert not re.search(r"\d+\.\d+", text), "versions stand in the lock alone"


def test_this_repository_is_checked_like_its_projects(template: Path) -> None:
    here, there = (
        {hook["id"]: hook for hook in yaml.safe_load(path.read_text("utf-8"))["repos"][0]["hooks"]}
        for path in (
            ROOT / ".pre-commit-config.yaml",
            template / "template" / ".pre-commit-config.yaml",
        )
    )
    assert here.keys() == there.keys() - {"gitlab-ci"} == IDS - {"gitlab-ci"}
    for name in here.keys() - {"files", "ruff-check", "ruff-format"}:
        assert ["hook", *here[name]["entry"].split()[2:]] == there[name]["args"], name


def test_a_project_is_clean_as_rendered(projects: Projects, tmp_path: Path) -> None:
    done = pre_commit(repository(projects({}), tmp_path / "project"), "run", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    without_files = ("mypy", "notebooks", "shell", "gitlab-ci")
    assert done.stdout.count("Passed\n") == len(IDS) - len(without_files), done.stdout


@pytest.fixture(scope="module")
def clean() -> set[tuple[str, str, bytes]]:
    """Return what was found clean so far: settings, path and content of files."""
    return set()


@pytest.mark.slow
@pytest.mark.parametrize("cell", MATRIX, ids=lambda cell: cell.name)
def test_every_project_is_clean_as_rendered(
    cell: Cell, clean: set[tuple[str, str, bytes]], projects: Projects, tmp_path: Path
) -> None:
    """An adopted project keeps its own hooks; what the template brings it is clean all the same."""
    project = repository(projects(cell.answers), tmp_path / "project")
    if not (project / ".pre-commit-config.yaml").exists():
        shutil.copy(projects({}) / ".pre-commit-config.yaml", project)
    settings = settings_of(project)
    files = git(project, "ls-files").splitlines()
    new = {(settings, name, (project / name).read_bytes()) for name in files} - clean
    if not new:
        return
    done = pre_commit(project, "run", "--files", *(name for _, name, _ in new))
    assert done.returncode == 0, done.stdout + done.stderr
    clean |= new


@pytest.fixture(scope="module")
def base(projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with git's hooks in, all of it committed through them."""
    folder = repository(projects({}), tmp_path_factory.mktemp("hooked") / "project")
    assert pre_commit(folder, "install").returncode == 0
    assert (done := commit(folder)).returncode == 0, done.stderr
    return folder


@pytest.fixture
def hooked(base: Path) -> Path:
    """Return that project without what an earlier test did to it."""
    git(base, "reset", "--quiet", "--hard", "base")
    git(base, "clean", "--quiet", "-fd")
    return base


def commit(folder: Path) -> subprocess.CompletedProcess[str]:
    """Commit everything with no environment activated, as an editor does."""
    git(folder, "add", "--all")
    bare = {**WITHOUT_TYPES, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = ["git", "commit", "--quiet", "--message", "try"]
    done = subprocess.run(
        command, cwd=folder, env=bare, capture_output=True, text=True, check=False
    )
    if done.returncode == 0 and not git(folder, "tag"):
        git(folder, "tag", "base")
    return done


def notebook(*, executed: bool) -> str:
    printed = {"name": "stdout", "output_type": "stream", "text": ["4\n"]}
    cell = {
        "cell_type": "code",
        "execution_count": 1 if executed else None,
        "id": "f3a9",
        "metadata": {},
        "outputs": [printed] if executed else [],
        "source": ["print(2 + 2)"],
    }
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    book = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1) + "\n"


KEY = "AKIA" + "Q6TPS4WD2LN3ZK5B"  # a made-up one, in two parts for those who check this file
WORKFLOW = """\
name: try
on: [push]
permissions: {}
jobs:
  try:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.event.head_commit.message }}"
"""
CONFLICT = "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"
TOKEN = f'hf = "hf_{"aB3dE5gH7jK9mN1pQ2sT4vW6xY8z"}"\n'  # pragma: allowlist secret
REFUSED: dict[str, tuple[str, str | bytes, str, str]] = {
    "a secret": ("configs/cloud.yaml", f"key: {KEY}\n", "secrets", "AWS Access Key"),
    "a token": ("src/t.txt", TOKEN, "secrets", "src/t.txt:1"),
    "an executed notebook": ("notebooks/a.ipynb", notebook(executed=True), "notebooks", "a.ipynb"),
    "a conflict": ("notes.md", CONFLICT, "files", "notes.md:2: an open conflict"),
    "what an update left": ("Makefile.rej", "-a\n+b\n", "files", "Makefile.rej: left over"),
    "an open last line": ("notes.md", "text", "files", "the last line does not end"),
    "a large file": ("model.bin", b"\0" * 1_000_001, "files", "model.bin: more than 1 MB"),
    "another format": ("tests/test_a.py", "x = {  'a':1 }\n", "ruff-format", "tests/test_a.py"),
    "a mistake in code": ("tests/test_a.py", "import os\n", "ruff-check", "imported but unused"),
    "a shell script": ("run.sh", "#!/bin/sh\ncd $1\n", "shell", "SC2086"),
    "a Dockerfile": ("Dockerfile", "FROM python\n", "dockerfile", "DL3006"),
    "an unsafe workflow": (".github/workflows/a.yml", WORKFLOW, "zizmor", "template-injection"),
    "no workflow": (".github/workflows/a.yml", "on: push\n", "github-workflows", "jobs"),
    "no pipeline": (".gitlab-ci.yml", "test: {script: 1}\n", "gitlab-ci", "script"),
}
"""What is planted where, which check refuses it, and what it says."""


@pytest.mark.parametrize("planted", REFUSED)
def test_git_refuses_to_commit(planted: str, hooked: Path) -> None:
    path, content, check, said = REFUSED[planted]
    file = hooked / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused = commit(hooked)
    assert refused.returncode != 0
    assert failed_checks(refused.stderr) >= {check}
    assert said in refused.stderr
    assert git(hooked, "rev-parse", "HEAD") == git(hooked, "rev-parse", "base")


def failed_checks(printed: str) -> set[str]:
    return set(re.findall(r"^- hook id: (\S+)$", printed, re.MULTILINE))


def test_git_commits_what_is_in_order(hooked: Path) -> None:
    """Own files of every kind, with what looks like a mistake and is none."""
    contents = {
        "notebooks/a.ipynb": notebook(executed=False),
        "notes.md": f"Heading\n=======\n\nsha256: {'0123456789abcdef' * 4}\n",
        "tests/test_a.py": 'KEY = "' + KEY + '"  # pragma: allowlist secret\n',
        "run.sh": '#!/bin/sh\ncd "$1" || exit\n',
        "empty.txt": "",
    }
    (hooked / "notebooks").mkdir()
    for path, text in contents.items():
        (hooked / path).write_text(text, encoding="utf-8")
    done = commit(hooked)
    assert done.returncode == 0, done.stderr
    assert git(hooked, "diff", "--name-only", "base", "HEAD").split() == sorted(contents)


def own_hook(folder: Path) -> str:
    """Continue the list of hooks where the file says so; return what the hook prints."""
    config = folder / ".pre-commit-config.yaml"
    text = config.read_text(encoding="utf-8")
    example = re.findall(r"^# (  .*\n)", text.partition("Yours from here")[2], re.MULTILINE)
    own = "".join(example).replace("[hook, codespell]", "[hook, python, -c, 'raise SystemExit(1)']")
    config.write_text(f"{text}{own}exclude: ^third_party/\n", encoding="utf-8")
    return "- hook id: spelling"


def an_unknown_program(folder: Path) -> str:
    config = folder / ".pre-commit-config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[style, check,", "[hook, no-such, check,"), encoding="utf-8")
    return "error: there is no no-such in .venv; run `make install`."


def no_environment(folder: Path) -> str:
    """The hook of git was made from an environment that is gone now."""
    (folder / ".venv").unlink()
    return "`pre-commit` not found"


@pytest.mark.parametrize("change", [own_hook, an_unknown_program, no_environment])
def test_git_refuses_when(change: Callable[[Path], str], hooked: Path) -> None:
    try:
        said = change(hooked)
        (hooked / "tests" / "test_a.py").write_text("A = 1\n", encoding="utf-8")
        refused = commit(hooked)
        assert refused.returncode != 0
        assert said in refused.stderr
    finally:
        if not (hooked / ".venv").exists():
            (hooked / ".venv").symlink_to(sys.prefix)


def test_a_program_without_a_build_for_the_platform_is_left_out(hooked: Path) -> None:
    command = [sys.executable, "keep.py", "hook", "--optional", "no-such", "a.sh"]
    done = subprocess.run(command, cwd=hooked, capture_output=True, text=True, check=True)
    assert "no no-such for this platform" in done.stdout


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
def test_a_hook_without_an_environment_names_the_command(hooked: Path, tmp_path: Path) -> None:
    """pre-commit of another environment starts it: the one of this project is gone with it."""
    config = hooked / ".pre-commit-config.yaml"
    entry = yaml.safe_load(config.read_text(encoding="utf-8"))["repos"][0]["hooks"][0]["entry"]
    done = subprocess.run(shlex.split(entry), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: there is no environment in .venv; run `make install`.\n"


LENGTH, RULES = "line-length = 100\n", "[tool.ruff.lint]\n"
SINGLE = "[tool.ruff.format]\nquote-style = 'single'\n"
TEAMS = {
    "longer lines": {LENGTH: "line-length = 120\n"},
    "shorter lines and single quotes": {  # no formatter shortens a long docstring
        LENGTH: "line-length = 79\n",
        RULES: f"{SINGLE}[tool.ruff.lint]\nextend-ignore = ['E501']\n",
    },
}
"""What teams write in place of what the template's first pyproject.toml says."""


@pytest.mark.parametrize("team", TEAMS)
def test_a_teams_style_is_for_its_own_files(team: str, projects: Projects, tmp_path: Path) -> None:
    """``make format`` brings the team's files into it, and none that updates rewrite."""
    folder = repository(projects({}), tmp_path / "project")
    settings = folder / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    for line, theirs in TEAMS[team].items():
        assert line in text
        text = text.replace(line, theirs)
    settings.write_text(text, encoding="utf-8")
    own = folder / "src" / "own.py"
    own.write_text('"""Own."""\nimport os\nimport sys\nprint( "a",sys )\n', encoding="utf-8")
    git(folder, "add", "--all")
    format_(folder)
    assert "import os" not in own.read_text(encoding="utf-8")
    changed = git(folder, "diff", "--name-only").splitlines()
    assert "src/own.py" in changed
    owners = Owners.parse((folder / "requirements" / "stack" / "owners.json").read_bytes())
    assert [path for path in changed if owners.of(path) == "template"] == []
    git(folder, "add", "--all")
    for check in ("ruff-check", "ruff-format"):
        done = pre_commit(folder, "run", "--all-files", check)
        assert done.returncode == 0, done.stdout + done.stderr


def format_(folder: Path) -> None:
    """Do what ``make format`` does, with the programs of this repository's environment."""
    code = "from envkeep.lint import style; import json; print(json.dumps(style.format_steps()))"
    python = folder / ".venv" / "bin" / "python"
    printed = subprocess.run(
        [python, "-c", code], cwd=folder, env=variables(folder), capture_output=True, check=True
    )
    for step in json.loads(printed.stdout):
        subprocess.run([python, *step], cwd=folder, check=True)


def test_an_edited_file_of_the_templates_is_held_to_its_rules(
    projects: Projects, tmp_path: Path
) -> None:
    folder = repository(projects({}), tmp_path / "project")
    (edited,) = folder.glob("src/*/kit/answers.py")
    edited.write_text(edited.read_text(encoding="utf-8") + "import os\n", encoding="utf-8")
    done = pre_commit(folder, "run", "--all-files", "ruff-check")
    assert done.returncode == 1
    assert "imported but unused" in done.stdout
