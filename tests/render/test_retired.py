"""Paths that only earlier releases rendered are known, and an update keeps those that are yours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from maintain.releases.record import load
from scripts.ownership import main
from tests.render.conftest import Projects
from tests.render.template_files import TemplateFiles
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import commit, conflicts, files_of, release, render, stage, update
from tests.support.fast_copier import FastCopier

RELEASES = [each.version for each in load()]


@pytest.fixture(scope="module")
def current(projects: Projects) -> set[str]:
    """Every path that the work tree renders."""
    return {path for answers in ANSWER_SETS.values() for path in files_of(projects(answers))}


@pytest.fixture(scope="module", params=RELEASES)
def earlier(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[set[str]]:
    """Every path that a release renders."""
    fast, folder = FastCopier(), tmp_path_factory.mktemp("earlier")
    found: set[str] = set()
    for name, answers in ANSWER_SETS.items():
        with fast.active():
            project = render(template, folder / name, answers, version=request.param)
        found |= files_of(project).keys()
    yield found
    fast.close()


def test_what_a_release_rendered_is_rendered_or_retired(
    earlier: set[str], current: set[str], template_files: TemplateFiles
) -> None:
    table = template_files.table
    known = [*table.retired, *(row for row in table.paths if row.is_former)]
    for path in sorted(earlier - current):
        assert any(row.means(path) for row in known), (
            f"{path} is no longer rendered: add `- {{path: {path}, owner: ..., release: ...}}` to "
            "ownership/retired.yml with the owner that its row in paths.yml named and the next "
            "release, take that row out, run `python scripts/ownership.py`"
        )


def test_no_path_comes_back_as_another_kind(earlier: set[str], current: set[str]) -> None:
    """Copier stops half-way where a file becomes a folder, or a folder a file."""
    for files, others in ((earlier, current), (current, earlier)):
        folders = {str(parent) for path in others for parent in PurePosixPath(path).parents}
        assert not files & folders


def test_nothing_that_is_rendered_is_retired(
    current: set[str], template_files: TemplateFiles
) -> None:
    for row in template_files.table.retired:
        assert not [path for path in current if row.means(path)], f"{row.path} is rendered again"


@pytest.mark.slow
def test_an_update_keeps_what_is_yours_of_it(tmp_path: Path) -> None:
    template = stage(tmp_path / "template", "998.0.0")
    seed, table = template / "template" / "docs" / "seed.md", template / "ownership"
    seed.write_text("# Seed\n", encoding="utf-8")
    row = "- {path: docs/seed.md, owner: yours}\n"
    (table / "paths.yml").write_text((table / "paths.yml").read_text("utf-8") + row, "utf-8")
    assert main([], template) == 0
    release(template, "998.1.0")
    project = render(template, tmp_path / "project")
    (project / "docs" / "seed.md").write_text("# Ours\n", encoding="utf-8")
    commit(project, "Our work")
    seed.unlink()
    (template / "template" / "docs" / "checks.md").unlink()
    paths = (table / "paths.yml").read_text(encoding="utf-8")
    (table / "paths.yml").write_text(paths.removesuffix(row), encoding="utf-8")
    rows = '- {path: docs/seed.md, owner: yours, release: "999.0.0"}\n'
    retired = (table / "retired.yml").read_text(encoding="utf-8")
    (table / "retired.yml").write_text(retired + rows, encoding="utf-8")
    assert main([], template) == 0
    release(template, "999.0.0")
    update(project)
    assert conflicts(project) == []
    assert (project / "docs" / "seed.md").read_text(encoding="utf-8") == "# Ours\n"
    assert not (project / "docs" / "checks.md").exists()
