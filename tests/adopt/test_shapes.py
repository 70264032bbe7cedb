"""Every shape of repository gets the plan that its maintainer expects, and nothing is lost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from hooks.adopt import BRANCH, make_plan, show, write
from hooks.adoption.files import KEPT
from hooks.adoption.repository import Repository
from tests.adopt.repository import of_files, options
from tests.adopt.shapes import SHAPES
from tests.support.copier_runs import git

pytestmark = pytest.mark.usefixtures("known_machine")
FAST = ("scripts", "jax-library", "transformers", "conda-export")
OF_THE_INDEX = ("`--loosen numpy`", "the exact pins have wheels for it")
"""What only a plan that asks the package index can say: benchmarks/adoption.py looks for it."""


@pytest.mark.parametrize(
    "name",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in SHAPES],
)
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
