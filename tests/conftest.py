"""What all tests share: no settings of this machine, and the template released as it stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# envkeep works on one project for each process; here that is the template itself.
os.environ["ENVKEEP_PROJECT"] = str(Path(__file__).resolve().parent.parent / "template")

from tests.support.copier_runs import SHARED, stage
from tests.support.fast_copier import read_once
from tests.support.inherited_variables import INHERITED_VARIABLES
from tests.support.shared import made_once

GIT_SETTINGS = """\
[user]
    name = Template tests
    email = tests@example.org
[init]
    defaultBranch = main
[safe]
    directory = *
"""


@pytest.fixture(scope="session", autouse=True)
def settings_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Shield git and Copier, in this process and in those it starts, from personal settings."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "gitconfig").write_text(GIT_SETTINGS, encoding="utf-8")
    (folder / "copier.yml").write_text("{}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
        patched.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patched.setenv("COPIER_SETTINGS_PATH", str(folder / "copier.yml"))
        # Projects' own pytests clean up behind others of the same user, and would meet each other.
        patched.setenv("PYTEST_DEBUG_TEMPROOT", str(folder))
        for name in INHERITED_VARIABLES:
            patched.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def fast_in_this_process() -> Iterator[None]:
    """Let Copier read and compile once here what it would read and compile each time."""
    with read_once():
        yield
    SHARED.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone in which the work tree is the newest release; nobody may change it."""
    return made_once(tmp_path_factory, "template", stage)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand on the groups of tests that pytest-xdist wrote into their names.

    Its release 3.8.0 writes them where pytest 9.2 no longer reads them (its issue 1386), and groups
    that share a fixture of minutes would make it in every process.
    """
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped:
            item._id = type(item.id).parse(grouped)  # type: ignore[attr-defined]
