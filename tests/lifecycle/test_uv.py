"""A project with uv: what its users type works, and what it changes ends in the same locks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project, error_sentence, pins_of, succeeded
from tests.support.copier_runs import commit, render, update
from tests.support.loopback import overlaying
from tests.support.stub_wheels import StubWheel
from tests.support.torch_index import write_overlay

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("uv")]

WRITTEN = ("pyproject.toml", "uv.lock", "requirements")


class UvUser(Project):
    """A project, and somebody who types uv's commands in it."""

    def uv(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the pinned uv in the project's folder, whatever its exit code."""
        program = next((self.folder / ".venvs").glob("toolchain-*")) / "bin" / "uv"
        return self.other_uv(self.folder, program, *arguments, **variables)

    @staticmethod
    def other_uv(
        folder: Path, program: Path, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a uv in a folder."""
        return subprocess.run(
            [str(program), *arguments],
            cwd=folder,
            env={**ENVIRONMENT, "UV_PYTHON_DOWNLOADS": "never", **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def lock(self) -> None:
        """Run `make lock`; uv finds its lock fresh afterwards."""
        succeeded(self.tools("lock"))
        succeeded(self.uv("lock", "--check"))

    def changed(self) -> set[str]:
        """Return the files that differ from the last commit."""
        return {line[3:] for line in self.git("status", "--porcelain").splitlines()}


@pytest.fixture(scope="module")
def made(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> UvUser:
    """Return a project with uv after `make setup`, committed."""
    folder = tmp_path_factory.mktemp("uv") / "project"
    chosen = {**answers, "training": "none", "package_manager": "uv"}
    project = UvUser(render(template, folder, chosen))
    succeeded(project.tools("setup"))
    commit(project.folder, "Locked")
    return project


@pytest.fixture
def project(made: UvUser) -> UvUser:
    """Return the project as it was committed."""
    made.git("checkout", "--quiet", "--", ".")
    made.git("clean", "--quiet", "-fd")
    succeeded(made.tools("install"))
    return made


def test_what_was_made_is_what_uv_would_make(project: UvUser) -> None:
    succeeded(project.uv("lock", "--check"))
    before = project.active()
    done = succeeded(project.uv("sync"))
    assert "Installed" not in done.stderr
    assert "Uninstalled" not in done.stderr
    assert ".venv is up to date" in succeeded(project.tools("install")).stdout
    assert project.active() == before
    assert project.changed() == set()
    assert "Locking again gives the same" in succeeded(project.tools("lock-check")).stdout


def test_a_clone_works_by_uv_alone(project: UvUser, tmp_path: Path) -> None:
    program = next((project.folder / ".venvs").glob("toolchain-*")) / "bin" / "uv"
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", project.folder, clone], check=True)
    succeeded(UvUser.other_uv(clone, program, "sync", "--locked"))
    run = ("run", "--locked", "python", "-m", "pytest", "-q", "-m", "smoke")
    assert "passed" in succeeded(UvUser.other_uv(clone, program, *run)).stdout
    assert "mv .venv" in error_sentence(Project(clone).tools("install"))


def test_an_environment_of_ones_own_leaves_the_active_one_alone(project: UvUser) -> None:
    before = project.active()
    groups = ("--only-group", "prod", "--only-group", "prod-cpu")
    mine = {"UV_PROJECT_ENVIRONMENT": ".venvs/mine"}
    succeeded(project.uv("sync", "--frozen", *groups, **mine))
    try:
        listed = succeeded(project.uv("pip", "freeze", "--python", ".venvs/mine")).stdout
        assert pins_of(listed) == pins_of(project.lock_texts()["30-prod"])
        assert project.active() == before
    finally:
        shutil.rmtree(project.folder / ".venvs" / "mine")


def test_what_is_added_and_removed_by_uv_ends_in_the_layers(project: UvUser) -> None:
    before = {name: _read(project, name) for name in ("pyproject.toml", "uv.lock")}
    locks = project.lock_texts()
    succeeded(project.uv("add", "--no-sync", "--group", "dev", "tomli-w"))
    succeeded(project.uv("add", "--no-sync", "sniffio"))
    project.lock()
    assert "tomli-w" in pins_of(project.lock_texts()["40-dev"])
    assert "sniffio" in pins_of(project.lock_texts()["30-prod"])
    assert re.search(r"(?m)^tomli-w>=", _read(project, "requirements/40-dev.in"))
    assert not re.search(r"(?m)^dependencies = \[\s*\"", _read(project, "pyproject.toml"))
    succeeded(project.tools("install"))
    assert "sniffio" in project.packages()
    succeeded(project.uv("remove", "--no-sync", "--group", "dev", "tomli-w"))
    succeeded(project.uv("remove", "--no-sync", "--group", "prod", "sniffio"))
    project.lock()
    assert project.lock_texts() == locks
    assert _read(project, "uv.lock") == before["uv.lock"]


def test_a_plain_add_and_remove_end_in_new_environments(project: UvUser) -> None:
    before, packages = project.active(), project.packages()
    succeeded(project.uv("add", "--group", "dev", "sniffio"))
    assert "sniffio" in project.packages()
    project.lock()
    succeeded(project.tools("install"))
    with_it = project.active()
    assert with_it != before
    assert "sniffio" in project.packages()
    succeeded(project.uv("remove", "--group", "dev", "sniffio"))
    project.lock()
    succeeded(project.tools("install"))
    assert project.changed() == set()
    assert project.active() not in (before, with_it), "uv wrote into the one that was there"
    assert project.packages() == packages


def test_one_group_alone_has_what_its_layer_and_the_earlier_locks_have(project: UvUser) -> None:
    mine = {"UV_PROJECT_ENVIRONMENT": ".venvs/mine"}
    locks = project.lock_texts()
    try:
        for options in (("--no-default-groups",), ()):
            succeeded(project.uv("sync", "--locked", *options, "--group", "lint", **mine))
            listed = succeeded(project.uv("pip", "freeze", "--python", ".venvs/mine")).stdout
            everything = pins_of("".join(locks.values()))
            assert pins_of(listed).items() <= everything.items()
            assert pins_of(locks["50-lint"])["ruff"] == pins_of(listed)["ruff"]
            assert ("numpy" in pins_of(listed)) == (not options)
        refused = project.uv("sync", "--locked", "--group", "no-such-group", **mine)
        assert "`no-such-group` is not defined" in refused.stderr
        assert project.changed() == set()
    finally:
        shutil.rmtree(project.folder / ".venvs" / "mine", ignore_errors=True)


def test_what_is_edited_by_hand_ends_in_the_layers_and_an_upgrade_moves_nothing(
    project: UvUser,
) -> None:
    succeeded(project.uv("lock", "--upgrade"))
    project.lock()
    assert project.changed() == set()
    edit(project, "\nlint = [\n", '\nlint = [\n    "sniffio>=1",\n')
    edit(project, "\nrequires-python = ", '\ndependencies = ["tomli-w"]\nrequires-python = ')
    project.lock()
    assert _read(project, "requirements/50-lint.in").endswith("\nsniffio>=1\n")
    assert _read(project, "requirements/30-prod.in").endswith("\ntomli-w\n")
    assert "\ndependencies = []\n" in _read(project, "pyproject.toml")
    assert 'name = "sniffio"' in _read(project, "uv.lock")
    project.git("checkout", "--quiet", "--", ".")
    pin = re.search(r"(?m)^    \"numpy==.*$", _read(project, "pyproject.toml"))
    assert pin
    edit(project, pin[0], '    "numpy==1.0",')
    project.lock()
    assert project.changed() == set(), "the pins are made from the stack release"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("==3.99.5", "does not admit Python"),
        (">=3.8", "admits other Pythons than"),
        ("three", "`three`, which is no range"),
    ],
)
def test_other_pythons_are_one_sentence(project: UvUser, asked: str, said: str) -> None:
    start = re.search(r'(?m)^requires-python = ".*"$', _read(project, "pyproject.toml"))
    assert start
    edit(project, start[0], f'requires-python = "{asked}"')
    assert said in error_sentence(project.tools("lock"))
    assert project.changed() == {"pyproject.toml"}


def test_a_version_for_later_patches_of_python_is_one_sentence_with_a_way_out(
    project: UvUser, tmp_path: Path
) -> None:
    python = _read(project, ".python-version").strip()
    write_overlay(tmp_path, [StubWheel("for-later-patches", "1.0", python=f">={python}.1")])
    project.append("requirements/40-dev.in", "for-later-patches\n")
    with overlaying(tmp_path) as index:
        mine = {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index}
        for command in ("lock", "lock-all"):
            sentence = error_sentence(project.tools(command, **mine))
            assert f"for-later-patches 1.0 is for Python >={python}.1" in sentence
            wanted = f'requires-python = "=={python}.*,>={python}.1"'
            assert f"write `{wanted}` there" in sentence
            assert project.changed() == {"requirements/40-dev.in"}
        edit(project, f'requires-python = "=={python}.*"', wanted)
        for command in ("lock", "lock-all"):
            succeeded(project.tools(command, **mine))
            succeeded(project.uv("lock", "--check", **mine))


def test_a_pin_holds_until_an_override_takes_it_out(project: UvUser) -> None:
    pinned = pins_of(project.lock_texts()["40-dev"])["iniconfig"]
    older = f"iniconfig<{pinned}"
    refused = project.uv("add", "--no-sync", "--group", "dev", older)
    assert refused.returncode != 0
    assert "unsatisfiable" in refused.stderr
    assert project.changed() == set()
    project.append("requirements/overrides.txt", f"{older}\n")
    project.lock()
    assert pins_of(project.lock_texts()["40-dev"])["iniconfig"] != pinned


def test_what_uv_cannot_give_a_layer_is_one_sentence(project: UvUser) -> None:
    succeeded(project.uv("remove", "--no-sync", "--group", "dev", "pytest"))
    sentence = error_sentence(project.tools("lock"))
    assert "the template asks for pytest" in sentence
    project.git("checkout", "--quiet", "--", ".")
    succeeded(project.uv("add", "--no-sync", "--group", "docs", "sniffio"))
    assert "the group docs in pyproject.toml" in error_sentence(project.tools("lock"))


def test_a_name_that_nobody_has_can_be_corrected(project: UvUser) -> None:
    path = project.folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    wrong, right = (text.replace("\ndev = [", f'\ndev = [\n    "{name}",') for name in
                    ("no-such-sniffio", "sniffio"))  # fmt: skip
    path.write_text(wrong, encoding="utf-8")
    assert "no package no-such-sniffio" in error_sentence(project.tools("lock"))
    assert project.git("status", "--porcelain").split() == ["M", "pyproject.toml"]
    path.write_text(right, encoding="utf-8")
    succeeded(project.tools("lock"))
    assert "sniffio" in (project.folder / "requirements/40-dev.in").read_text(encoding="utf-8")


def test_a_tampered_hash_is_refused(project: UvUser) -> None:
    path = project.folder / "uv.lock"
    text = path.read_text(encoding="utf-8")
    start = text.index('name = "psutil"\n')
    changed = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", text[start:])
    path.write_text(text[:start] + changed, encoding="utf-8")
    fresh = {"UV_PROJECT_ENVIRONMENT": ".venvs/mine"}
    done = project.uv("sync", "--frozen", "--only-group", "prod", **fresh)
    shutil.rmtree(project.folder / ".venvs" / "mine", ignore_errors=True)
    assert done.returncode != 0
    assert "ash mismatch" in done.stderr


def test_a_change_is_tried_promoted_and_taken_back(project: UvUser) -> None:
    before = project.active()
    succeeded(project.tools("try", "sniffio", "--quick"))
    assert project.changed() == set()
    said = succeeded(project.tools("promote")).stdout
    assert "wrote uv.lock" in said
    assert "wrote pyproject.toml" in said
    succeeded(project.uv("lock", "--check"))
    assert "sniffio" in project.packages()
    assert project.active() != before
    succeeded(project.tools("rollback"))
    assert project.active() == before


def test_the_package_manager_changes_and_no_lock_does(project: UvUser, tmp_path: Path) -> None:
    other = Project(shutil.copytree(project.folder, tmp_path / "copy", symlinks=True))
    before = other.lock_texts()
    uvs = {name: _read(other, name) for name in ("pyproject.toml", "uv.lock")}
    update(other.folder, {"package_manager": "pip-tools"})
    succeeded(other.tools("lock", "--fast"))
    assert other.lock_texts() == before
    assert not (other.folder / "uv.lock").exists()
    assert "[tool.uv]" not in _read(other, "pyproject.toml")
    other.commit("pip-tools")
    update(other.folder, {"package_manager": "uv"})
    succeeded(other.tools("lock"))
    assert other.lock_texts() == before
    assert {name: _read(other, name) for name in uvs} == uvs


def edit(project: UvUser, old: str, new: str) -> None:
    """Change a text in pyproject.toml once, by hand."""
    text = _read(project, "pyproject.toml")
    assert old in text
    path = project.folder / "pyproject.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _read(project: Project, path: str) -> str:
    return (project.folder / path).read_text(encoding="utf-8")
