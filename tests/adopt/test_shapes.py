"""Every shape of repository gets the plan that its maintainer expects, and nothing is lost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from hooks import adopt
from hooks.adopt import make_plan, write
from hooks.adoption.files import KEPT
from hooks.adoption.plan import BRANCH
from hooks.adoption.report import show
from hooks.adoption.repository import Repository, has_all_lines
from tests.adopt.conftest import FOUND
from tests.adopt.repository import Adopted, followed, of_files, options
from tests.adopt.shapes import SHAPES
from tests.support.copier_runs import commit, conflicts, git, update
from tests.support.fast_copier import FastCopier

FAST = ("scripts", "jax-library", "transformers", "conda-export")
OF_THE_INDEX = ("`--loosen numpy`", "the exact pins have wheels for it")
"""What only a plan that asks the package index can say: benchmarks/adoption.py looks for it."""


@pytest.mark.parametrize(
    "name",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in SHAPES],
)
@pytest.mark.usefixtures("known_machine")
def test_the_plan_is_as_expected(name: str, template: Path, tmp_path: Path) -> None:
    shape = SHAPES[name]
    folder = tmp_path / "project"
    repository = of_files(folder, shape.files)
    planned = make_plan(repository, {}, options(folder, template, *shape.options))
    printed = io.StringIO()
    show(Console(file=printed, width=1000, highlight=False), planned)
    write(planned)
    assert planned.answers["training"] == shape.training
    assert sorted(pin.wanted.name for pin in planned.requirements.pins) == shape.asked.split()
    for words in shape.said:
        assert words in printed.getvalue() or words in OF_THE_INDEX
    after = repository.tree_of(BRANCH)
    for path in repository.tree.keys() - {"pyproject.toml"}:
        assert repository.tree[path] in (after.get(path), after.get(f"{KEPT}/{path}"))
    assert git(folder, "status", "--porcelain") == ""
    assert Repository.at(folder).head == repository.head


@pytest.mark.parametrize(
    "name",
    [name if name == FAST[0] else pytest.param(name, marks=pytest.mark.slow) for name in SHAPES],
)
def test_a_second_update_loses_nothing_either(
    name: str,
    template: Path,
    next_release: Path,
    copies: FastCopier,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shape = SHAPES[name]
    folder = tmp_path / "project"
    repository = of_files(folder, shape.files)
    monkeypatch.setattr(adopt, "detect", lambda: FOUND)
    with copies.active():
        write(make_plan(repository, {}, options(folder, template, *shape.options)))
    made = Adopted(folder, template)
    made.switch()
    project = followed(made, next_release, tmp_path / "followed").folder
    for _ in range(2):
        update(project)
        assert conflicts(project) == []
        commit(project, "Update")
    found = Repository.at(project)
    after = found.tree
    for path in repository.tree:
        kept = path if path in after else f"{KEPT}/{path}"
        if path == "pyproject.toml":
            assert has_all_lines(made.text(path).encode(), found.content(after[path]))
        else:
            assert repository.tree[path] in (after[kept], after.get(f"{KEPT}/{path}"))
