"""Six kinds of repositories are adopted: nothing is lost, and what they need is in its place."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from hooks import adopt
from hooks.adopt import ANSWERS
from tests.adopt.conftest import FOUND
from tests.adopt.repository import KINDS, Adopted, followed, make
from tests.infra.workflows.files import read, steps
from tests.lifecycle.projects import ENVIRONMENT, succeeded
from tests.support.copier_runs import commit, conflicts, files_of, git, update
from tests.support.fast_copier import FastCopier

FAST = ("conda", "poetry", "requirements")
UPDATED = ("requirements",)
"""What the fast tests adopt, and what they update."""
JOINED = (".gitignore", ".gitattributes")
"""Files that hold the template's lines and all lines that the repository had."""

ANSWERS_OF: dict[str, dict[str, Any]] = {
    "conda": {
        "package_name": "tagger",
        "python_version": "3.12",
        "backends": ["cpu", "cuda"],
        "license": "Proprietary",
        "inference": "native",
        "ci": "github",
    },
    "cookiecutter-data-science": {
        "package_name": "house_prices",
        "python_version": "3.11",
        "training": "none",
        "license": "BSD-3-Clause",
        "ci": "github",
    },
    "hydra": {
        "package_name": "src_project",
        "python_version": "3.11",
        "license": "MIT",
        "ci": "none",
    },
    "poetry": {
        "package_name": "translator",
        "python_version": "3.12",
        "backends": ["cpu"],
        "author_email": "a.person@example.org",
        "project_description": 'Translates "short" texts',
        "ci": "none",
    },
    "requirements": {
        "project_name": "Flower classifier",
        "python_version": "3.11",
        "backends": ["cpu", "cuda"],
        "cuda_build": "cu126",
        "ci": "github",
    },
    "uv": {
        "package_name": "vectors",
        "python_version": "3.13",
        "backends": ["cpu", "cuda"],
        "torch_index": "https://mirror.example.org/whl",
        "license": "Apache-2.0",
        "inference": "native",
        "ci": "github",
    },
}

LINES: dict[str, dict[str, list[str]]] = {
    "conda": {
        "10-torch": ["-r stack/10-torch.in", "torchaudio"],
        "20-train": ["sentencepiece==0.2.0"],
        "30-prod": ["-r stack/30-prod.in", "numpy", "scipy"],
        "40-dev": ["-r stack/40-dev.in"],
        "50-lint": ["-r stack/50-lint.in", "flake8"],
        "overrides": ["numpy==1.26.4", "torch==2.5.1"],
    },
    "cookiecutter-data-science": {
        "30-prod": [
            *("loguru", "matplotlib", "numpy", "pandas"),
            *("python-dotenv", "scikit-learn", "tqdm", "typer"),
        ],
        "40-dev": ["-r stack/40-dev.in", "ipython", "jupyterlab", "notebook"],
        "50-lint": ["-r stack/50-lint.in"],
        "overrides": [],
    },
    "hydra": {
        "10-torch": ["-r stack/10-torch.in", "torchvision==0.*,>=0.15.0"],
        "20-train": ["rootutils", "rich"],
        "30-prod": ["-r stack/30-prod.in", "lightning>=2.0.0", "hydra-core"],
        "40-dev": ["-r stack/40-dev.in"],
        "50-lint": ["-r stack/50-lint.in"],
        "overrides": ["hydra-core==1.3.2"],
    },
    "poetry": {
        "10-torch": ["-r stack/10-torch.in"],
        "20-train": [],
        "30-prod": [
            "-r stack/30-prod.in",
            "numpy",
            "transformers[sentencepiece]",
            "fastapi",
        ],
        "40-dev": ["-r stack/40-dev.in", "respx==0.21.1"],
        "50-lint": ["-r stack/50-lint.in"],
        "overrides": [
            "numpy==1.26.4",
            "transformers==4.44.2",
            "fastapi<0.116,>=0.115",
            "pytest==8.3.3",
            "mypy<2,>=1.11",
        ],
    },
    "requirements": {
        "10-torch": ["-r stack/10-torch.in"],
        "20-train": ["numpy", "pandas", "tqdm>=4.60", "scikit-learn"],
        "30-prod": ["-r stack/30-prod.in"],
        "40-dev": ["-r stack/40-dev.in"],
        "50-lint": ["-r stack/50-lint.in", "black==24.10.0"],
        "overrides": ["numpy==1.26.4", "pandas==2.2.3", "pytest==8.3.4"],
    },
    "uv": {
        "10-torch": ["-r stack/10-torch.in"],
        "20-train": [],
        "30-prod": [
            "-r stack/30-prod.in",
            "numpy>=1.26",
            "onnxruntime",
            "safetensors",
        ],
        "40-dev": ["-r stack/40-dev.in"],
        "50-lint": ["-r stack/50-lint.in", "pyright"],
        "overrides": ["onnxruntime==1.20.1", "safetensors==0.4.5", "torch==2.7.1"],
    },
}

pytestmark = pytest.mark.xdist_group("adopted")
every_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in FAST else pytest.mark.slow) for kind in KINDS]
)


def files_at(folder: Path, commit: str) -> dict[str, tuple[str, bytes]]:
    """Return mode and content of every file of a commit."""
    files = {}
    for line in git(folder, "ls-tree", "-r", "-z", commit).split("\0")[:-1]:
        about, path = line.split("\t")
        mode, _, blob = about.split()
        command = ["git", "cat-file", "blob", blob]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
        files[path] = (mode, done.stdout)
    return files


@every_kind
def test_its_tests_pass_as_before(adopted: Adopted, tests_before: str) -> None:
    assert "passed" in tests_before or "100%" in tests_before
    assert adopted.tests() == tests_before


@every_kind
def test_nothing_is_lost(adopted: Adopted) -> None:
    before = files_at(adopted.folder, _before(adopted))
    after = files_at(adopted.folder, "HEAD")
    assert len(before) > 8
    for path, file in before.items():
        if path in JOINED:
            assert set(file[1].splitlines()) <= set(after[path][1].splitlines())
        elif path == "pyproject.toml":
            joined = set(map(bytes.strip, after[path][1].splitlines()))
            lines = set(map(bytes.strip, file[1].splitlines()))
            assert lines <= joined or file == after[f"before-adoption/{path}"]
        else:
            assert file in after.values(), path
            stays = after.get(path) == file
            assert stays or after.get(f"before-adoption/{path}") == file or path == "Makefile"


@every_kind
def test_it_is_a_project(adopted: Adopted) -> None:
    assert adopted.status() == ""
    settings = tomllib.loads(adopted.text("pyproject.toml"))
    python = adopted.text(".python-version").strip()
    assert settings["project"]["requires-python"] == f"=={python}.*"
    assert settings["build-system"]["build-backend"] == "setuptools.build_meta"
    done = subprocess.run(
        [sys.executable, "keep.py", "status"],
        cwd=adopted.folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "run `make lock`" in done.stdout
    assert "predict:" not in adopted.text("Makefile")
    example = ("src/*/kit", "src/*/train.py", "experiments", "tests/test_cli.py")
    assert not [path for pattern in example for path in adopted.folder.glob(pattern)]


@every_kind
def test_the_answers_follow_from_what_is_there(kind: str, adopted: Adopted) -> None:
    answers = yaml.safe_load(adopted.text(ANSWERS))
    assert {name: answers[name] for name in ANSWERS_OF[kind]} == ANSWERS_OF[kind]
    assert answers["adopted"] is True
    assert answers["_commit"]


@every_kind
def test_every_push_is_checked_by_its_own_commands(kind: str, adopted: Adopted) -> None:
    """Its notebooks and links are no affair of the template; its Makefile's targets win."""
    folder = adopted.folder / ".github" / "workflows"
    if ANSWERS_OF[kind]["ci"] == "none":
        own = adopted.folder / (".gitlab-ci.yml" if kind == "poetry" else ".github/workflows")
        assert own.exists()
        assert not (folder / "checks.yml").exists()
        return
    found = {name: steps(job) for name, job in read(folder / "checks.yml")["jobs"].items()}
    expected = {"locks": ["make lock-check"]}
    for name in ("lint", "test"):
        expected[name] = ["make install", f". .venv/bin/activate && make {name}"]
    if kind != "requirements":  # which has a Dockerfile
        expected["prod-image"] = ["make image ARGS=--smoke"]
    assert found == expected
    assert (folder / "gpu.yml").exists() == ("cuda" in ANSWERS_OF[kind].get("backends", []))


@every_kind
def test_requirements_are_in_their_layers(kind: str, adopted: Adopted) -> None:
    found = {
        path.stem: adopted.lines(f"requirements/{path.name}")
        for path in (adopted.folder / "requirements").glob("*.*")
    }
    assert found == {**LINES[kind], "accepted-vulnerabilities": []}


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
@every_kind
def test_its_own_ruff_finds_nothing_in_the_launcher(
    adopted: Adopted, command: tuple[str, ...], tmp_path: Path
) -> None:
    """Whatever rules the repository has, what it ran over all files finds what it found before."""
    copy = tmp_path / "project"
    shutil.copytree(adopted.folder, copy, symlinks=True)
    (copy / "pyproject.toml").write_text(
        '[tool.ruff]\nline-length = 60\n[tool.ruff.lint]\nselect = ["ALL"]\n', encoding="utf-8"
    )
    arguments = [sys.executable, "-m", "ruff", *command, "--no-cache", "keep.py"]
    succeeded(subprocess.run(arguments, cwd=copy, capture_output=True, text=True, check=False))


@every_kind
def test_the_launcher_is_the_only_code_that_came(adopted: Adopted) -> None:
    before = files_at(adopted.folder, _before(adopted)).values()
    new = {path for path, file in files_at(adopted.folder, "HEAD").items() if file not in before}
    assert {path for path in new if path.endswith((".py", ".sh"))} == {"keep.py"}
    assert not [path for path in new if path.startswith("tools/")]


def _before(adopted: Adopted) -> str:
    """Return the commit before the adoption, which has a commit of its own for moved files."""
    moves = "Move files" in git(adopted.folder, "log", "--format=%s", "-2")
    return "HEAD~2" if moves else "HEAD~1"


@pytest.mark.parametrize(
    "kind",
    [kind if kind in UPDATED else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS],
)
def test_an_update_afterwards_is_clean(
    adopted: Adopted, next_release: Path, tmp_path: Path
) -> None:
    project = followed(adopted, next_release, tmp_path / "project").folder
    before = files_of(project)
    update(project)
    assert conflicts(project) == []
    after = files_of(project)
    changed = {path for path in before if after.get(path) != before[path]}
    allowed = {ANSWERS, "Makefile", "pyproject.toml", ".gitignore", ".gitattributes"}
    assert changed == allowed
    has_own_docs = "docs/hardware.md" not in before
    assert after.keys() - before.keys() == (set() if has_own_docs else {"docs/new.md"})
    for path in allowed - {ANSWERS}:
        kept = set(before[path].content.splitlines())
        assert kept <= set(after[path].content.splitlines()), path


def test_lfs_stays_in_force_after_the_next_update(
    template: Path,
    next_release: Path,
    copies: FastCopier,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rule = "*.ckpt filter=lfs diff=lfs merge=lfs -text"
    made = make("requirements", tmp_path / "flowers", template)
    (made.folder / ".gitattributes").write_text(f"{rule}\n", encoding="utf-8")
    commit(made.folder, "Its attributes")
    monkeypatch.setattr(adopt, "detect", lambda: FOUND)
    with copies.active():
        assert made.adopt() == 0
    made.switch()
    project = followed(made, next_release, tmp_path / "project")
    update(project.folder)
    assert conflicts(project.folder) == []
    assert {"/new.py text eol=lf", rule} <= set(project.lines(".gitattributes"))
    told = git(project.folder, "check-attr", "filter", "--", "m.ckpt")
    assert told.strip() == "m.ckpt: filter: lfs"


@pytest.mark.slow
@every_kind
def test_a_second_update_changes_nothing(
    adopted: Adopted, tests_before: str, next_release: Path, tmp_path: Path
) -> None:
    project = followed(adopted, next_release, tmp_path / "project").folder
    for _ in range(2):
        update(project)
        assert conflicts(project) == []
        changed = git(project, "status", "--porcelain")
        commit(project, "Update")
    assert changed == ""
    assert Adopted(project, next_release).tests() == tests_before
