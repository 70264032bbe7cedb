"""What makes Copier faster in the tests' own process changes nothing but the time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from copier._main import Worker

from tests.render.cells import BY_NAME
from tests.support.copier_runs import (
    Answers,
    commit,
    conflicts,
    copier,
    copier_here,
    files_of,
    render,
    update,
)
from tests.support.fast_copier import FastCopier


def plain(template: Path, project: Path, answers: Answers, *more: str) -> Path:
    """Copy with Copier's command line in a process of its own."""
    data = project.with_suffix(".json")
    data.write_text(json.dumps(answers), encoding="utf-8")
    given = ["--defaults", "--overwrite", "--quiet", f"--data-file={data}", *more]
    done = copier("copy", *given, str(template), str(project))
    assert done.returncode == 0, done.stderr
    return project


@pytest.mark.parametrize(
    "name",
    [
        "defaults",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("native", "no-training", "pytorch-openvino")
        ),
    ],
)
def test_output_is_the_same_in_bytes_and_modes(name: str, template: Path, tmp_path: Path) -> None:
    answers = BY_NAME[name].answers
    render(template, tmp_path / "first", {"package_name": "other"})
    quick = render(template, tmp_path / "quick", answers)
    assert files_of(quick) == files_of(plain(template, tmp_path / "plain", answers))


def test_an_update_is_the_same_in_bytes_and_modes(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "quick", version="0.1.0")
    assert files_of(project) == files_of(
        plain(template, tmp_path / "copied", {}, "--vcs-ref=0.1.0")
    )
    commit(project, "First copy")
    shutil.copytree(project, tmp_path / "plain", symlinks=True)
    update(project)
    done = copier("update", "--defaults", "--quiet", str(tmp_path / "plain"))
    assert done.returncode == 0, done.stderr
    assert files_of(project) == files_of(tmp_path / "plain")
    assert conflicts(project) == conflicts(tmp_path / "plain")


def test_what_the_command_line_says_here_is_what_it_says_in_a_process_of_its_own(
    template: Path, tmp_path: Path
) -> None:
    arguments = ["copy", "--defaults", "--data=license=GPL", str(template), str(tmp_path / "x")]
    here, there = copier_here(*arguments, shared=True), copier(*arguments)
    assert here.returncode == there.returncode == 1
    assert here.stderr.splitlines()[-1] == there.stderr.splitlines()[-1]


def test_copier_is_as_before_afterwards(template: Path, tmp_path: Path) -> None:
    before = dict(vars(Worker))
    with FastCopier().active():
        assert dict(vars(Worker)) != before
    assert dict(vars(Worker)) == before
    update_needs = vars(Worker)["template"]
    render(template, tmp_path / "project")
    assert vars(Worker)["template"] is update_needs
