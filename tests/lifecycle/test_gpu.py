"""The way of a project on the GPU of this machine; skipped where there is none."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lifecycle.projects import PLATFORM_LOCKS, Project, succeeded
from tests.support.copier_runs import render
from tests.support.tested_on import record_tested_on

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("gpu")]
DETECTED = {"BACKEND": ""}


def test_a_project_trains_on_the_gpu_that_it_found(
    template: Path,
    answers: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    if "backends" not in answers:
        pytest.skip("no GPU is here that a build of torch at hand is for")
    project = Project(render(template, tmp_path / "project", answers))
    succeeded(project.tools("setup", **DETECTED))
    folders = (project.folder / PLATFORM_LOCKS).iterdir()
    (locks,) = [path for path in folders if not path.name.endswith("-cpu")]
    report = json.loads(succeeded(project.tools("doctor", "--json", **DETECTED)).stdout)
    assert report["target"] == locks.name
    found = {finding["check"]: finding["status"] for finding in report["findings"]}
    assert found["torch-build"] == found["torch-device"] == "ok"
    for command in ("data", "train"):
        succeeded(project.tools(command, **DETECTED))
    assert project.command("evaluate")["accuracy"] >= 0.98
    platform, _, backend = locks.name.rpartition("-")
    facts = tomllib.loads((project.folder / "requirements" / "stack" / "project.toml").read_text())
    record_tested_on(
        record_property,
        build=facts["builds"][backend],
        platform=platform,
        python=(project.folder / ".python-version").read_text().strip(),
        torch=project.packages()["torch"],
        result="run",
    )
