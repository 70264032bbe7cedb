"""Small repositories after the public layout of real kinds of them, made in a folder of a test.

Their files lie in ``repositories/`` with ``.txt`` after their names, so that none of them acts
there (pytest, ruff and git read some). ``@torch@`` and ``@torch_index@`` stand for the stack's.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hooks.adopt import ANSWERS, main, parser
from hooks.adoption.plan import BRANCH
from hooks.adoption.repository import Repository
from maintain.stack.data import load_release
from tests.support.copier_runs import ROOT, commit, git

REPOSITORIES = Path(__file__).resolve().parent / "repositories"
KINDS = sorted(path.name for path in REPOSITORIES.iterdir())
SUFFIX = ".txt"


@dataclass(frozen=True)
class Adopted:
    """A repository and, after its adoption, the branch that was made."""

    folder: Path
    template: Path

    def adopt(self, *more: str) -> int:
        """Adopt it without questions."""
        command = [str(self.folder), "--yes", "--no-lock", "--source", str(self.template), *more]
        return main(command)

    def switch(self, branch: str = BRANCH) -> None:
        """Check a branch out."""
        git(self.folder, "switch", "--quiet", branch)

    def tests(self) -> str:
        """Run the repository's own tests, which must pass; return what pytest counted."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip().splitlines()[-1].partition(" in ")[0]

    def status(self) -> str:
        """Return what git calls changed or untracked."""
        return git(self.folder, "status", "--porcelain")

    def text(self, path: str) -> str:
        """Return a file's text."""
        return (self.folder / path).read_text(encoding="utf-8")

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file that are no comments."""
        return [line for line in self.text(path).splitlines() if line and line[0] != "#"]


def options(folder: Path, template: Path, *more: str) -> argparse.Namespace:
    """Return the options of a plan that asks no index."""
    command = [str(folder), "--yes", "--no-lock", "--source", str(template), *more]
    return parser().parse_args(command)


def of_files(folder: Path, files: Mapping[str, str | bytes]) -> Repository:
    """Commit some files and return their repository."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (folder / path).write_bytes(data)
    commit(folder, "Files")
    return Repository.at(folder)


def make(kind: str, folder: Path, template: Path) -> Adopted:
    """Make and commit the repository of a kind."""
    release = load_release(ROOT / "stack")
    for source in sorted((REPOSITORIES / kind).rglob(f"*{SUFFIX}")):
        path = folder / source.relative_to(REPOSITORIES / kind).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        text = text.replace("@torch@", release.torch).replace("@torch_index@", release.torch_index)
        path.write_text(text, encoding="utf-8")
        path.chmod(source.stat().st_mode)
    (folder / ".git" / "info").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / ".git" / "info" / "exclude").write_text("__pycache__/\n", encoding="utf-8")
    commit(folder, "Before")
    return Adopted(folder, template)


def followed(adopted: Adopted, template: Path, project: Path) -> Adopted:
    """Return a copy of an adopted repository that follows a template elsewhere."""
    shutil.copytree(adopted.folder, project, symlinks=True)
    copy = Adopted(project, template)
    text = copy.text(ANSWERS).replace(str(adopted.template), str(template))
    (project / ANSWERS).write_text(text, encoding="utf-8")
    commit(project, "Follow the template elsewhere")
    return copy
