"""A project with uv has its page and its check; every other project is as before."""

from __future__ import annotations

import re

import yaml

from tests.render.conftest import Projects
from tests.support.catalog import ROOT
from tests.support.copier_runs import files_of

UV = {"package_manager": "uv"}
ANSWERS = ".copier-answers.yml"
TOLD = {
    ANSWERS,
    "README.md",
    ".github/workflows/checks.yml",
    "docs/environment.md",
    "docs/uv.md",
    "requirements/stack/owners.json",
    "requirements/stack/project.toml",
}


def test_nothing_else_changes(projects: Projects) -> None:
    plain, by_uv = (files_of(projects(answers)) for answers in ({}, UV))
    changed = {path for path in {*plain, *by_uv} if plain.get(path) != by_uv.get(path)}
    assert changed <= TOLD
    assert changed - {"requirements/stack/owners.json"} == TOLD - {"requirements/stack/owners.json"}


def test_the_workflow_takes_the_pinned_uv(projects: Projects) -> None:
    text = (projects(UV) / ".github/workflows/checks.yml").read_text("utf-8")
    toolchain = (ROOT / "stack" / "toolchain.txt").read_text(encoding="utf-8")
    found = re.search(r"(?m)^uv==(\S+)", toolchain)
    assert found is not None
    steps = yaml.safe_load(text)["jobs"]["locks"]["steps"]
    (setup,) = (each for each in steps if "setup-uv@" in each.get("uses", ""))
    assert setup["with"] == {"version": found[1]}
    assert steps.index(setup) < [each.get("run") for each in steps].index("uv lock --check")
    plain = (projects({}) / ".github/workflows/checks.yml").read_text("utf-8")
    assert "setup-uv" not in plain


def test_the_page_names_the_groups_of_the_backends(projects: Projects) -> None:
    page = (projects({**UV, "backends": ["cpu", "cuda"]}) / "docs" / "uv.md").read_text("utf-8")
    assert "--no-group cpu --no-group prod-cpu --group cuda --group prod-cuda" in page
    alone = (projects({**UV, "training": "none"}) / "docs" / "uv.md").read_text("utf-8")
    assert "--group cuda" not in alone
    assert "20-train" not in alone
