"""A project with packages of a company: locked, installed, saved and made again without network.

One of them has the name of a package that PyPI has in a higher version. And the company's index has
a package of PyPI's, in a higher version too. Neither is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.projects import NEEDS_NAMESPACES, Project, error_sentence, pins_of, succeeded
from tests.support.copier_runs import render
from tests.support.loopback import serving
from tests.support.stub_wheels import StubWheel
from tests.support.torch_index import write_overlay

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("indexes")]

OF_COMPANY = {"acme-app": "1.0", "cowsay": "0.1"}
WHEELS = (
    StubWheel(
        "acme-app", "1.0", requires=("cowsay", "idna"), modules=(("acme_app.py", "ONE = 1\n"),)
    ),
    StubWheel("cowsay", "0.1", modules=(("cowsay.py", "OURS = True\n"),)),
    StubWheel("idna", "99.0"),
)
WHOLE = "import acme_app, cowsay; print(cowsay.OURS)"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the company's index."""
    folder = tmp_path_factory.mktemp("company")
    write_overlay(folder, WHEELS)
    with serving(folder) as address:
        yield address


def made(
    template: Path, answers: dict[str, str], folder: Path, company: str, **more: str
) -> Project:
    """Return a project that asks for a package of the company's."""
    project = Project(folder)
    render(template, folder, {**answers, "training": "none", **more})
    rows = ["[[index]]", 'name = "acme"', f'url = "{company}"', 'packages = ["acme-*", "cowsay"]']
    project.append("requirements/indexes.toml", "\n".join([*rows, ""]))
    project.append("requirements/30-prod.in", "acme-app\n")
    project.git("init", "--quiet")
    return project


def locked(project: Project) -> dict[str, str]:
    """Return the versions of production, of which no text may name an index."""
    texts = project.lock_texts()
    assert not [name for name, text in texts.items() if "://" in text]
    return pins_of(texts["30-prod"])


@pytest.fixture(scope="module")
def project(
    template: Path,
    answers: dict[str, str],
    company: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """Return the project after it was locked by uv."""
    folder = tmp_path_factory.mktemp("tied") / "project"
    found = made(template, answers, folder, company, package_manager="pip-tools")
    succeeded(found.tools("lock", "--fast"))
    found.commit("Lock")
    return found


def test_both_resolvers_take_each_name_from_its_index(project: Project) -> None:
    by_uv = project.lock_texts()
    pins = locked(project)
    assert {name: pins[name] for name in OF_COMPANY} == OF_COMPANY
    assert pins["idna"] != "99.0"
    for path in project.locks.glob("*.txt"):
        path.unlink()
    said = succeeded(project.tools("lock", PIP_EXTRA_INDEX_URL="http://127.0.0.1:9/")).stdout
    assert "pip's extra-index-url" in said
    assert project.lock_texts() == by_uv


@NEEDS_NAMESPACES
def test_it_is_installed_saved_and_made_again_without_network(
    project: Project, tmp_path: Path
) -> None:
    succeeded(project.tools("install"))
    assert project.python("-c", WHOLE) == "True\n"
    succeeded(project.tools("save", str(tmp_path / "saved")))
    project.git("clone", "--quiet", str(project.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    succeeded(clone.tools_without_network("restore", str(tmp_path / "saved")))
    assert clone.python("-c", WHOLE) == "True\n"
    succeeded(project.tools("sbom"))
    (found,) = (project.folder / ".cache" / "sbom").glob("*.json")
    rows = {each["name"]: each for each in json.loads(found.read_text())["components"]}
    assert "?repository_url=http://127.0.0.1:" in rows["cowsay"]["purl"]
    assert "?" not in rows["idna"]["purl"]


def test_pip_installs_it_too(project: Project) -> None:
    succeeded(project.tools("install", INSTALLER="pip"))
    assert project.packages() | OF_COMPANY == project.packages()


def test_once_it_is_tied_no_more_another_file_is_locked(project: Project) -> None:
    file = project.folder / "requirements" / "indexes.toml"
    tied = file.read_text()
    file.write_text(tied.replace(', "cowsay"', ""))
    succeeded(project.tools("lock", "--fast", "--changed"))
    assert locked(project)["cowsay"] != OF_COMPANY["cowsay"]
    file.write_text(tied)
    succeeded(project.tools("lock-upgrade", "--fast"))
    assert locked(project)["cowsay"] == OF_COMPANY["cowsay"]


def test_an_index_in_the_requirements_is_refused_and_nothing_changes(project: Project) -> None:
    file = project.folder / "requirements" / "30-prod.in"
    before, texts = file.read_text(), project.lock_texts()
    option = "--extra-index-url https://bob:s3cret@corp.example/simple"  # pragma: allowlist secret
    file.write_text(f"{option}\n{before}")
    done = project.tools("lock", "--fast")
    file.write_text(before)
    said = error_sentence(done)
    assert "requirements/30-prod.in, line 1: " in said
    assert '`url = "https://corp.example/simple"`' in said
    assert "s3cret" not in done.stdout + done.stderr
    assert project.lock_texts() == texts


@pytest.mark.parametrize("manager", ["uv", "poetry"])
def test_the_lock_of_a_package_manager_has_the_same_files(
    manager: str, template: Path, answers: dict[str, str], company: str, tmp_path: Path
) -> None:
    project = made(template, answers, tmp_path / "project", company, package_manager=manager)
    own = {"POETRY_CACHE_DIR": str(tmp_path / "poetry")}  # Poetry's goes by the name of an index
    succeeded(project.tools("lock", **own))
    pins = locked(project)
    assert {name: pins[name] for name in OF_COMPANY} == OF_COMPANY
    text = (project.folder / f"{manager}.lock").read_text()
    ours = project.lock_texts()["30-prod"].partition("cowsay==0.1")[2].partition("sha256:")[2][:64]
    assert ours in text
    succeeded(project.tools("lock-check", **own))
    file = project.folder / "requirements" / "indexes.toml"
    file.write_text(file.read_text().replace(', "cowsay"', ""))
    succeeded(project.tools("lock", **own))
    assert ours not in (project.folder / f"{manager}.lock").read_text()
