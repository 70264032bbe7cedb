"""The wheels in the template are those of the sources and of the lock."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from maintain.wheel import STACK, build, dependencies
from tests.launcher.launched import hashes
from tests.support.copier_runs import ROOT

WHEELS = ROOT / STACK / "wheels"
REBUILD = "the wheel in the template is not that of the sources: run `make wheel`"


def contents(wheel: Path) -> dict[str, bytes]:
    """Return what a wheel holds by name; the record of its files in any order."""
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    for name in found:
        if name.endswith(".dist-info/RECORD"):
            found[name] = b"\n".join(sorted(found[name].splitlines()))
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the sources as they are."""
    return build(ROOT, tmp_path_factory.mktemp("built"))


def test_the_wheel_in_the_template_is_that_of_the_sources(built: Path) -> None:
    committed = sorted(path.name for path in WHEELS.glob("envkeep-*.whl"))
    assert committed == [built.name], REBUILD
    ours, theirs = contents(built), contents(WHEELS / built.name)
    names = ours.keys() | theirs.keys()
    different = sorted(name for name in names if ours.get(name) != theirs.get(name))
    assert not different, f"{REBUILD}; {len(different)} files differ, first {different[0]}"


def test_the_wheels_of_what_it_needs_are_those_of_the_lock() -> None:
    needed = list(dependencies(ROOT))
    there = {path.name for path in WHEELS.iterdir() if not path.name.startswith("envkeep-")}
    assert there == {each.wheel for each in needed}
    assert all(each.is_in(WHEELS) for each in needed), "run `make wheel`"


def test_the_hashes_in_the_template_are_those_of_the_wheels() -> None:
    text = (ROOT / STACK / "envkeep.txt").read_text(encoding="utf-8")
    assert text.partition("\n")[2] == hashes(WHEELS.iterdir()), "run `make wheel`"


def test_caches_beside_the_sources_are_not_in_it(built: Path, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy2(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "src/envkeep/lint/.ruff_cache").mkdir(exist_ok=True)
    (tmp_path / "src/envkeep/lint/.ruff_cache/CACHEDIR.TAG").write_text("a cache\n")
    wheel = build(tmp_path, tmp_path)
    assert contents(wheel).keys() == contents(built).keys()
    assert not [name for name in contents(wheel) if "/." in name]


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Wherever they lie, whenever they were checked out, and whoever may read them."""
    shutil.copytree(ROOT / "src", tmp_path / "src")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for path in (tmp_path / "src").rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o600)
    assert build(tmp_path, tmp_path).read_bytes() == built.read_bytes()
