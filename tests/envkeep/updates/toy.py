"""A template of a few files; its projects have the real launcher, and run the work tree's engine.

Copier renders it in a fraction of the time of the real one; what the command does is the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.copier_runs import ROOT, commit, git, release, render
from tests.support.engine import SOURCE

COPIER = Path(sys.executable).with_name("copier")
FENCE = "# ---\n# Yours from here\n# ---\n"
LINES = "".join(f"line {number}\n" for number in range(1, 31))
SETTINGS = """\
_min_copier_version: "9.19.1"
_subdirectory: template
_envops: {keep_trailing_newline: true}
_exclude:
  - "{% if _copier_operation == 'update' %}/README.md{% endif %}"
name: {type: str, default: toy}
"""
OWNERS = {
    "paths": [
        {"path": "README.md", "owner": "yours"},
        {"path": "pyproject.toml", "owner": "shared"},
        {"path": ".gitignore", "owner": "shared"},
        {"path": ".env", "owner": "template"},
        {"path": "Makefile", "owner": "template"},
        {"path": ".pre-commit-config.yaml", "owner": "template"},
        {"path": ".copier-answers.yml", "owner": "template"},
        *({"path": path, "owner": "template"} for path in ("docs/", "keep.py", "requirements/")),
    ],
    "retired": [],
}
FACTS = 'package_name = "toy"\nstack_release = "{release}"\nbackends = []\nbuilds = {{}}\n'
CATALOG: dict[str, list[str]] = {
    name: [] for name in ("platforms", "backends", "builds", "gpus", "companions")
}
FIRST = {
    "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    ".gitignore.jinja": f".cache/\n.venvs/\n.env\n__pycache__/\n{FENCE}",
    ".env": "TOKEN=\n",
    "Makefile": "test:  ## run the tests\n",
    "README.md": "# Toy\n",
    "pyproject.toml": f'[project]\nname = "toy"\nversion = "1"\n{FENCE}',
    "docs/both.md": LINES,
    "docs/clash.md": LINES,
    "docs/deleted.md": LINES,
    "docs/dropped.md": LINES,
    "docs/linked.md": LINES,
    "docs/logo.bin": "\0first\0\n",
    "docs/old-name.md": LINES,
    "docs/renamed.md": LINES,
    "docs/script.md": LINES,
    "docs/steady.md": LINES,
    "requirements/stack/constraints.txt": "hop==1.4\nleap==1.0 ; x < '3'\nleap==2.0\nstay==1.0\n",
    "requirements/stack/catalog.json": json.dumps(CATALOG) + "\n",
    "requirements/stack/owners.json": json.dumps(OWNERS) + "\n",
    "requirements/stack/project.toml": FACTS.format(release="2026.01"),
}
NEWER = "line 2 of the template\n"
SECOND = {
    **FIRST,
    ".env": "TOKEN=\nNEW=\n",
    ".pre-commit-config.yaml": "repos: []\n",
    "Makefile": "test:  ## run the tests\ntry: test  ## try a change\n",
    "README.md": "# Toy, revised\n",
    "pyproject.toml": f'[project]\nname = "toy"\nversion = "1"\nnew = true\n{FENCE}',
    "docs/added.md": "New.\n",
    "docs/new-name.md": LINES,
    "docs/script.md": LINES.replace("line 2\n", NEWER),
    "requirements/stack/constraints.txt": "hop==1.5\nleap==3.0\nstay==1.0\nspring==0.1\n",
    "requirements/stack/project.toml": FACTS.format(release="2026.02"),
} | {
    path: LINES.replace("line 2\n", NEWER)
    for path in ("docs/both.md", "docs/clash.md", "docs/deleted.md", "docs/renamed.md")
}
GONE = ("docs/dropped.md", "docs/old-name.md")
CHANGELOG = "# Changelog\n\n## 2.0.0 - 2026-02-01\n\n- What is new.\n\n## 1.0.0\n\n- The first.\n"


def make_template(folder: Path) -> Path:
    """Make the template with its releases 1.0.0 and 2.0.0."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    write(folder, {"copier.yml": SETTINGS, "CHANGELOG.md": CHANGELOG})
    write(folder / "template", FIRST)
    release(folder, "1.0.0")
    write(folder / "template", SECOND)
    for path in GONE:
        (folder / "template" / path).unlink()
    release(folder, "2.0.0")
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files of a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Toy:
    """A project made from the toy template."""

    folder: Path

    @classmethod
    def copied(cls, template: Path, folder: Path, version: str = "1.0.0") -> Toy:
        """Copy a release, put the real launcher beside it and commit."""
        render(template, folder, version=version)
        shutil.copy(ROOT / "template" / "keep.py", folder)
        commit(folder, "The copy")
        return cls(folder)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that a file must have."""
        text = self.read(path)
        assert old in text, path
        write(self.folder, {path: text.replace(old, new, 1)})

    def read(self, path: str) -> str:
        """Read a file of the project."""
        return (self.folder / path).read_text(encoding="utf-8")

    def commit(self, message: str = "Our work") -> None:
        """Commit everything that git does not ignore."""
        commit(self.folder, message)

    def update(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command and return how it ended, whatever its exit code."""
        return subprocess.run(
            [sys.executable, "keep.py", "update", "--in-place", *arguments],
            cwd=self.folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def records(self) -> Path:
        """Return the folder that the one update wrote."""
        (folder,) = (self.folder / ".cache" / "updates").iterdir()
        return folder

    def status(self) -> str:
        """Return what git says of the project, without what it ignores."""
        return git(self.folder, "status", "--porcelain", "--untracked-files=all")


def environment(**variables: str) -> dict[str, str]:
    """Return the variables of a run: the work tree's engine and Copier, unless others are given."""
    own = {"ENVKEEP": str(SOURCE), "COPIER": str(COPIER), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **own, **variables}


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the sentence of a command that had to refuse."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    sentence = done.stderr[done.stderr.rindex("error: ") :].strip()
    assert sentence.endswith(".")
    return sentence
