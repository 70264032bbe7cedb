"""Compiled modules are shared between environments, and never those of another source."""

from __future__ import annotations

import os
import py_compile
import shutil
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from envkeep.environments import bytecode

MODULE = "lib/package/module.py"


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """Return an environment with a compiled module."""
    module = tmp_path / "present" / MODULE
    module.parent.mkdir(parents=True)
    module.write_text("VALUE = 1\n")
    py_compile.compile(str(module))
    return tmp_path / "present"


def compiled(environment: Path) -> Path:
    return Path(cache_from_source(str(environment / MODULE)))


def placed(present: Path, *, linked: bool) -> Path:
    """Return a new environment with the same module."""
    new = present.with_name("new")
    (new / MODULE).parent.mkdir(parents=True)
    (os.link if linked else shutil.copy2)(present / MODULE, new / MODULE)
    return new


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "copied"])
def test_a_module_that_both_have_is_compiled_once(present: Path, linked: bool) -> None:
    new = placed(present, linked=linked)
    bytecode.share(present, new)
    assert compiled(new).read_bytes() == compiled(present).read_bytes()


def test_another_source_of_the_same_size_and_time_is_compiled_anew(present: Path) -> None:
    new = placed(present, linked=False)
    times = (new / MODULE).stat()
    (new / MODULE).write_text("VALUE = 2\n")
    os.utime(new / MODULE, ns=(times.st_atime_ns, times.st_mtime_ns))
    bytecode.share(present, new)
    assert not compiled(new).exists()


def test_what_was_removed_is_not_brought_back(present: Path) -> None:
    new = placed(present, linked=True)
    (new / MODULE).unlink()
    bytecode.share(present, new)
    assert list(new.rglob("*.pyc")) == []


def test_it_works_where_no_links_can_be_made(
    present: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = placed(present, linked=False)

    def refused(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refused)
    bytecode.share(present, new)
    assert compiled(new).is_file()


def test_the_own_form_that_pytest_writes_is_left_out(present: Path) -> None:
    new = placed(present, linked=True)
    own = compiled(present).with_name("module.cpython-311-pytest-9.0.0.pyc")
    compiled(present).rename(own)
    bytecode.share(present, new)
    assert list(new.rglob("*.pyc")) == []
