"""`copier update` in an edited project, down to tests that pass with the new versions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintain.wheel import write_wheel
from tests.lifecycle.projects import Checkpoint, Project, new_project, pins_of, succeeded
from tests.support.copier_runs import conflicts, files_of, release, stage

NEXT = "999.1.0"

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("training")]

OWN_MODEL = '''\
"""Our own network in place of the example's."""

from __future__ import annotations

import torch
from torch import nn


class OwnNet(nn.Module):
    """One convolution and two linear layers."""

    def __init__(self, width: int = 16, dropout: float = 0.2) -> None:
        """Builds the layers for `width` channels."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 2 * width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * width * 4 * 4, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the logits (N, 10) of images (N, 1, 8, 8)."""
        return {"logits": self.layers(image)}
'''


OWN_PACKAGE = '''\
"""Our models; a folder in place of the example's module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .own_net import OwnNet

Tensors = Mapping[str, torch.Tensor]


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Return a new model."""
    return OwnNet(**options)


def loss(outputs: Tensors, targets: Tensors) -> torch.Tensor:
    """Return the mean cross-entropy in nats."""
    return nn.functional.cross_entropy(outputs["logits"], targets["label"])
'''


def edit_as_owners_do(project: Project) -> None:
    """Change what belongs to the team, in every way that an update could harm."""
    package = f"src/{project.package}"
    write(project, "README.md", "# Our own words\n\nNothing of the first README is left.\n")
    project.append("requirements/20-train.in", "tomlkit\n")
    project.append(
        "requirements/overrides.txt", "iniconfig==2.1.0  # newer ones break our plugin\n"
    )
    project.append("local.mk", "\nhello:  ## say hello\n\t@echo hello from the team\n")
    project.append(".gitignore", "/scratch/\n")
    project.append("pyproject.toml", "\n[tool.coverage.run]\nbranch = true\n")
    project.git("rm", "--quiet", f"{package}/model.py")
    (project.folder / package / "model").mkdir()
    write(project, f"{package}/model/own_net.py", OWN_MODEL)
    write(project, f"{package}/model/__init__.py", OWN_PACKAGE)
    replace(
        project,
        "tests/training/test_example.py",
        '["val_accuracy"] >= 0.98',
        '["val_accuracy"] > 0.9',
    )
    write(project, f"{package}/answer.py", '"""The answer."""\n\nANSWER = 42\n')
    write(
        project,
        "tests/test_answer.py",
        f"from {project.package}.answer import ANSWER\n\n\ndef test_answer() -> None:\n"
        "    assert ANSWER == 42\n",
    )
    replace(project, "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')


def write(project: Project, path: str, text: str) -> None:
    """Write a file of the project."""
    (project.folder / path).write_text(text, encoding="utf-8")


def replace(project: Project, path: str, old: str, new: str) -> None:
    """Replace a text that must stand in a file."""
    before = (project.folder / path).read_text(encoding="utf-8")
    assert old in before, path
    write(project, path, before.replace(old, new))


def next_release(template: Path) -> None:
    """Make a staged template a later release: pins moved, files of all owners changed."""
    change(template, "stack/constraints.txt", r"^rich==.*$", "rich==14.3.3")
    change(template, "stack/constraints.txt", r"^iniconfig==.*$", "iniconfig==2.3.0")
    change(
        template,
        "template/Makefile.jinja",
        r"^# Project$",
        "# Project\nnew-target:  ## from the next release\n\t@echo new\n",
    )
    change(template, "template/.gitignore.jinja", r"^\.cache/$", ".cache/\n.newcache/")
    change(
        template,
        "template/docs/environment.md.jinja",
        r"^# The environment$",
        "# The environment, revised",
    )
    change(
        template,
        "src/envkeep/__init__.py",
        r'^"""Keep the',
        '"""Still keep the',
    )
    write_wheel(template)
    change(
        template,
        "template/pyproject.toml.jinja",
        r"^\[build-system\]$",
        "# A word on the build.\n[build-system]",
    )
    change(template, "template/README.md.jinja", r"^## Start$", "## Begin")
    change(template, "template/local.mk", r"^# Yours", "# All yours")
    change(template, "template/requirements/20-train.in", r"^# Yours", "# All yours")
    change(
        template,
        "template/{{pytorch}}/src/{{package_name}}/model.py",
        r"Two convolutions",
        "2 convolutions",
    )
    (template / "template" / "docs" / "new-page.md").write_text("# A new page\n", encoding="utf-8")


def change(template: Path, path: str, pattern: str, text: str) -> None:
    """Change the one place of a template's file that matches."""
    file = template / path
    changed, count = re.subn(pattern, text, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, (path, pattern, count)
    file.write_text(changed, encoding="utf-8")


@dataclass(frozen=True)
class Update:
    """A project after its update, and the bytes of its files before."""

    project: Project
    before: dict[str, bytes]

    def now(self, path: str) -> str:
        """Return the text of a file after the update."""
        return (self.project.folder / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def update(
    trained_project: Checkpoint, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Update:
    """Copy a release, lock, edit, and update to a later release with Copier's command line."""
    folder = tmp_path_factory.mktemp("update")
    template = stage(folder / "template")
    project = new_project(template, folder / "project", answers)
    shutil.copytree(trained_project.project.locks.parent, project.folder / "requirements" / "locks")
    project.git("init", "--quiet")
    project.commit("Copy of a release")
    edit_as_owners_do(project)
    project.commit("Our own work")
    before = {path: state.content for path, state in files_of(project.folder).items()}
    next_release(template)
    release(template, NEXT)
    copier_update(project)
    return Update(project, before)


def copier_update(project: Project) -> None:
    """Update as people do, without --trust."""
    succeeded(
        subprocess.run(
            [sys.executable, "-m", "copier", "update", "--defaults", "--conflict", "inline"],
            cwd=project.folder,
            capture_output=True,
            text=True,
            check=False,
        )
    )


def test_nothing_is_in_conflict(update: Update) -> None:
    assert conflicts(update.project.folder) == []
    for path, state in files_of(update.project.folder).items():
        assert not re.search(rb"^(<<<<<<<|>>>>>>>)", state.content, re.MULTILINE), path


def test_files_of_the_owner_are_untouched(update: Update) -> None:
    package = f"src/{update.project.package}"
    now = {path: state.content for path, state in files_of(update.project.folder).items()}
    own = [
        path
        for path in update.before
        if path.startswith(("tests/", "configs/", "requirements/locks/", f"{package}/model/"))
    ]
    own += ["README.md", "local.mk", "requirements/20-train.in", "requirements/overrides.txt"]
    own += [f"{package}/answer.py", f"{package}/cli.py", f"{package}/config.py", "LICENSE"]
    for path in own:
        assert now[path] == update.before[path], path
    assert f"{package}/model.py" not in now


def test_lines_of_both_sides_are_in_the_shared_files(update: Update) -> None:
    assert ".newcache/" in update.now(".gitignore")
    assert update.now(".gitignore").endswith("/scratch/\n")
    pyproject = update.now("pyproject.toml")
    assert "# A word on the build." in pyproject
    assert 'version = "0.2.0"' in pyproject
    assert pyproject.endswith("[tool.coverage.run]\nbranch = true\n")


def test_files_of_the_template_are_new(update: Update) -> None:
    assert "new-target:" in update.now("Makefile")
    assert "# The environment, revised" in update.now("docs/environment.md")
    (wheel,) = update.project.folder.glob("requirements/stack/wheels/envkeep-*.whl")
    assert b"Still keep the" in zipfile.ZipFile(wheel).read("envkeep/__init__.py")
    assert update.now("docs/new-page.md") == "# A new page\n"
    assert f"_commit: {NEXT}" in update.now(".copier-answers.yml")


def test_the_project_works_with_the_new_versions_and_its_own(update: Update) -> None:
    project = update.project
    assert "older than the requirements" in succeeded(project.tools("status")).stdout
    old = pins_of(project.lock_texts()["20-train"])
    for target in ("lock", "install", "lint"):
        project.make(target)
    new = pins_of(project.lock_texts()["20-train"])
    assert old["rich"] != new["rich"] == "14.3.3"
    assert "tomlkit" in new
    assert {name for name in old if old[name] != new.get(name)} == {"rich"}
    assert project.packages()["iniconfig"] == "2.1.0"
    assert re.search(r"\d+ passed", project.make("test").stdout)
    assert "hello from the team" in project.make("hello").stdout
    assert "new" in project.make("new-target").stdout
