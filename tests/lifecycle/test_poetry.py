"""A project with Poetry: what its users type works, and what it changes ends in the same locks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project, error_sentence, pins_of, succeeded
from tests.support.copier_runs import commit, render, update
from tests.support.loopback import overlaying
from tests.support.poetry_source import add_source, take_source
from tests.support.stub_wheels import StubWheel
from tests.support.torch_index import write_overlay

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("poetry")]


class PoetryUser(Project):
    """A project, and somebody who types Poetry's commands in it."""

    def poetry(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the pinned Poetry in the project's folder, whatever its exit code."""
        return self.other_poetry(self.folder, self.program, *arguments, **variables)

    @property
    def program(self) -> Path:
        """The pinned Poetry."""
        return next((self.folder / ".venvs").glob("poetry-*")) / "bin" / "poetry"

    @staticmethod
    def other_poetry(
        folder: Path, program: Path, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a Poetry in a folder."""
        settled = {"POETRY_NO_INTERACTION": "1", "POETRY_VIRTUALENVS_USE_POETRY_PYTHON": "true"}
        return subprocess.run(
            [str(program), *arguments],
            cwd=folder,
            env={**ENVIRONMENT, **settled, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def lock(self) -> None:
        """Run `make lock`; Poetry finds its lock fresh afterwards."""
        succeeded(self.tools("lock"))
        succeeded(self.poetry("check", "--lock"))

    def changed(self) -> set[str]:
        """Return the files that differ from the last commit."""
        return {line[3:] for line in self.git("status", "--porcelain").splitlines()}

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return (self.folder / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> PoetryUser:
    """Return a project with Poetry after `make setup`, committed."""
    folder = tmp_path_factory.mktemp("poetry") / "project"
    chosen = {**answers, "training": "none", "package_manager": "poetry"}
    project = PoetryUser(render(template, folder, chosen))
    add_source(project.folder)
    succeeded(project.tools("setup"))
    commit(project.folder, "Locked")
    return project


@pytest.fixture
def project(made: PoetryUser) -> PoetryUser:
    """Return the project as it was committed."""
    made.git("checkout", "--quiet", "--", ".")
    made.git("clean", "--quiet", "-fd")
    succeeded(made.tools("install"))
    return made


def test_what_was_made_is_what_poetry_would_make(project: PoetryUser) -> None:
    succeeded(project.poetry("check", "--lock"))
    before = project.active()
    done = succeeded(project.poetry("install", "--no-root"))
    assert "No dependencies to install or update" in done.stdout
    assert ".venv is up to date" in succeeded(project.tools("install")).stdout
    assert project.active() == before
    assert project.changed() == set()
    assert "Locking again gives the same" in succeeded(project.tools("lock-check")).stdout


def test_a_clone_works_by_poetry_alone(project: PoetryUser, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", project.folder, clone], check=True)
    mine = {"POETRY_VIRTUALENVS_PATH": str(tmp_path / "environments")}
    succeeded(PoetryUser.other_poetry(clone, project.program, "install", **mine))
    run = ("run", "python", "-m", "pytest", "-q", "-m", "smoke")
    done = PoetryUser.other_poetry(clone, project.program, *run, **mine)
    assert "passed" in succeeded(done).stdout


def test_an_environment_of_ones_own_leaves_the_active_one_alone(
    project: PoetryUser, tmp_path: Path
) -> None:
    before, folder = project.active(), tmp_path / "mine"
    subprocess.run([project.program.parent / "python", "-m", "venv", folder], check=True)
    mine = {"VIRTUAL_ENV": str(folder), "PATH": f"{folder}/bin:{ENVIRONMENT['PATH']}"}
    succeeded(project.poetry("sync", "--only", "prod,prod-cpu", "--no-root", **mine))
    pip = [folder / "bin" / "python", "-m", "pip", "list", "--format=freeze"]
    listed = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    found = {name: version for name, version in pins_of(listed).items() if name != "pip"}
    assert found == pins_of(project.lock_texts()["30-prod"])
    assert project.active() == before


def test_what_is_added_and_removed_by_poetry_ends_in_the_layers(project: PoetryUser) -> None:
    before = {name: project.read(name) for name in ("pyproject.toml", "poetry.lock")}
    locks = project.lock_texts()
    succeeded(project.poetry("add", "--lock", "--group", "dev", "tomli-w"))
    succeeded(project.poetry("add", "--lock", "sniffio"))
    project.lock()
    assert "tomli-w" in pins_of(project.lock_texts()["40-dev"])
    assert "sniffio" in pins_of(project.lock_texts()["30-prod"])
    assert "dependencies = []\n" in project.read("pyproject.toml")
    succeeded(project.tools("install"))
    assert "sniffio" in project.packages()
    succeeded(project.poetry("remove", "--lock", "--group", "dev", "tomli-w"))
    succeeded(project.poetry("remove", "--lock", "--group", "prod", "sniffio"))
    project.lock()
    assert project.lock_texts() == locks
    assert {name: project.read(name) for name in before} == before


def test_a_plain_add_update_and_remove_end_in_new_environments(project: PoetryUser) -> None:
    before, packages = project.active(), project.packages()
    succeeded(project.poetry("add", "--group", "dev", "sniffio"))
    assert "sniffio" in project.packages()
    project.lock()
    succeeded(project.tools("install"))
    with_it = project.active()
    assert with_it != before
    assert "sniffio" in project.packages()
    succeeded(project.poetry("update"))
    project.lock()
    succeeded(project.poetry("remove", "--group", "dev", "sniffio"))
    project.lock()
    succeeded(project.tools("install"))
    assert project.changed() == set()
    assert project.active() not in (before, with_it), "Poetry wrote into the one that was there"
    assert project.packages() == packages


def test_a_version_for_later_patches_of_python_is_one_sentence_with_a_way_out(
    project: PoetryUser, tmp_path: Path
) -> None:
    python = project.read(".python-version").strip()
    write_overlay(tmp_path, [StubWheel("for-later-patches", "1.0", python=f">={python}.1")])
    project.append("requirements/40-dev.in", "for-later-patches\n")
    path = project.folder / "pyproject.toml"
    with overlaying(tmp_path) as index:
        take_source(project.folder)
        add_source(project.folder, index)
        sentence = error_sentence(project.tools("lock", PIP_INDEX_URL=index))
        assert f"for-later-patches 1.0 is for Python >={python}.1" in sentence
        wanted = f'requires-python = "=={python}.*,>={python}.1"'
        assert f"write `{wanted}` there" in sentence
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f'requires-python = "=={python}.*"', wanted), "utf-8")
        succeeded(project.tools("lock", PIP_INDEX_URL=index))
        succeeded(project.poetry("check", "--lock"))


def test_what_is_edited_by_hand_ends_in_the_layers_and_an_update_moves_nothing(
    project: PoetryUser,
) -> None:
    succeeded(project.poetry("update", "--lock"))
    assert project.changed() == set()
    project.append("requirements/40-dev.in", "tomli-w\n")
    project.lock()
    text = project.read("pyproject.toml")
    assert '    "tomli-w",\n' in text
    edited = text.replace("lint = [\n", 'lint = [\n    "sniffio>=1",\n', 1)
    (project.folder / "pyproject.toml").write_text(edited, encoding="utf-8")
    project.lock()
    assert project.read("requirements/50-lint.in").endswith("\nsniffio>=1\n")
    assert 'name = "sniffio"' in project.read("poetry.lock")


def test_a_pin_holds_until_an_override_takes_it_out(project: PoetryUser) -> None:
    pinned = pins_of(project.lock_texts()["40-dev"])["iniconfig"]
    older = f"iniconfig<{pinned}"
    refused = project.poetry("add", "--lock", "--group", "dev", older)
    assert refused.returncode != 0
    assert f"iniconfig (=={pinned})" in refused.stderr
    assert project.changed() == set()
    project.append("requirements/overrides.txt", f"{older}\n")
    project.lock()
    assert pins_of(project.lock_texts()["40-dev"])["iniconfig"] != pinned


def test_what_poetry_cannot_give_a_layer_is_one_sentence(project: PoetryUser) -> None:
    succeeded(project.poetry("remove", "--lock", "--group", "dev", "pytest"))
    assert "the template asks for pytest" in error_sentence(project.tools("lock"))
    project.git("checkout", "--quiet", "--", ".")
    succeeded(project.poetry("add", "--lock", "--group", "docs", "sniffio"))
    assert "the group docs in pyproject.toml" in error_sentence(project.tools("lock"))
    project.git("checkout", "--quiet", "--", ".")
    source = ("--source", "mirror")
    succeeded(project.poetry("add", "--lock", "--group", "dev", *source, "sniffio"))
    assert "sniffio has settings in" in error_sentence(project.tools("lock"))


def test_a_tampered_hash_is_refused(project: PoetryUser, tmp_path: Path) -> None:
    path = project.folder / "poetry.lock"
    text = path.read_text(encoding="utf-8")
    version = pins_of(project.lock_texts()["30-prod"])["psutil"]
    start = text.index('name = "psutil"\n')
    changed = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", text[start:])
    path.write_text(text[:start] + changed, encoding="utf-8")
    folder = tmp_path / "mine"
    subprocess.run([project.program.parent / "python", "-m", "venv", folder], check=True)
    mine = {"VIRTUAL_ENV": str(folder), "PATH": f"{folder}/bin:{ENVIRONMENT['PATH']}"}
    done = project.poetry("install", "--only", "prod", "--no-root", **mine)
    assert done.returncode != 0
    assert f"psutil ({version}) did not match any known checksums" in done.stdout
    assert not [*folder.glob("lib/*/site-packages/psutil")]


def test_a_change_is_tried_promoted_and_taken_back(project: PoetryUser) -> None:
    before = project.active()
    succeeded(project.tools("try", "sniffio", "--quick"))
    assert project.changed() == set()
    said = succeeded(project.tools("promote")).stdout
    assert "wrote poetry.lock" in said
    assert "wrote pyproject.toml" in said
    succeeded(project.poetry("check", "--lock"))
    assert "sniffio" in project.packages()
    assert project.active() != before
    succeeded(project.tools("rollback"))
    assert project.active() == before


def test_the_package_manager_changes_and_no_lock_does(project: PoetryUser, tmp_path: Path) -> None:
    other = PoetryUser(shutil.copytree(project.folder, tmp_path / "copy", symlinks=True))
    before = other.lock_texts()
    made = {name: other.read(name) for name in ("pyproject.toml", "poetry.lock")}
    for manager in ("pip-tools", "uv"):
        update(other.folder, {"package_manager": manager})
        take_source(other.folder)
        succeeded(other.tools("lock", "--fast"))
        assert other.lock_texts() == before
        assert not (other.folder / "poetry.lock").exists()
        assert "[tool.poetry.group" not in other.read("pyproject.toml")
        assert (other.folder / "uv.lock").exists() == (manager == "uv")
        commit(other.folder, manager)
    update(other.folder, {"package_manager": "poetry"})
    add_source(other.folder)
    succeeded(other.tools("lock"))
    assert other.lock_texts() == before
    assert not (other.folder / "uv.lock").exists()
    assert {name: other.read(name) for name in made} == made
