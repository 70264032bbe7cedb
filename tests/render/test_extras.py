"""Extras: each is explained, and an update does not leave one without what it needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.render.conftest import Projects
from tests.support.catalog import ROOT, rows
from tests.support.copier_runs import commit, copier_here, files_of


def test_every_extra_is_explained(projects: Projects) -> None:
    guide = (ROOT / "docs" / "how-to" / "extras.md").read_text(encoding="utf-8")
    for row in rows("extras"):
        assert f"\n| `{row['extra']}` |" in guide
        answers = {"training": row["training"][0], "extras": [row["extra"]]}
        page = (projects(answers) / "docs" / "extras.md").read_text(encoding="utf-8")
        assert page.count("\n## ") == 1, "a section for this extra and for no other"


def test_an_update_that_takes_away_what_an_extra_needs_is_refused(
    projects: Projects, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects({"extras": ["jupyterlab", "datascience"]}), project)
    commit(project, "First copy")
    before = files_of(project)
    done = copier_here("update", "--defaults", "--data", "training=none", str(project))
    assert done.returncode != 0
    assert "datascience looks at recorded trainings, and training is none: leave" in done.stderr
    assert files_of(project) == before
