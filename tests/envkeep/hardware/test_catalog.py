"""Which GPUs a build serves: one rule in the tools, and the same in the template's questions."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.hardware.machine import Machine
from tests.support.catalog import Row, rows
from tests.support.copier_runs import ROOT

PLATFORM = "linux-x86_64"
SERVED = ROOT / "stack" / "served_generations.yml"


def build_for(*targets: str) -> Row:
    return {"gpu_targets": {PLATFORM: list(targets)}}


@pytest.mark.parametrize(
    ("targets", "gpu", "served"),
    [
        (["8.0"], "8.6", True),
        (["8.6"], "8.9", True),
        (["8.6"], "8.0", False),
        (["8.6"], "9.0", False),
        (["9.0"], "8.9", False),
        (["10.0", "12.0"], "12.1", True),
        (["10.0"], "12.0", False),
        (["10.0+PTX"], "12.0", True),
        (["12.0+PTX"], "10.0", False),
        (["gfx90a"], "gfx90a", True),
        (["gfx900"], "gfx90a", False),
        ([], "8.6", False),
    ],
)
def test_a_gpu_runs_code_of_its_own_major_and_not_newer(
    targets: list[str], gpu: str, served: bool
) -> None:
    assert catalog.gpu_served(build_for(*targets), PLATFORM, gpu) is served


@pytest.mark.parametrize("build", rows("builds"), ids=lambda row: row["build"])
def test_the_questions_follow_the_same_rule(build: Row) -> None:
    of_questions = yaml.safe_load(SERVED.read_text(encoding="utf-8"))[build["build"]]
    platforms = build["gpu_targets"]
    for gpus in rows("gpus"):
        if gpus["backend"] == build["backend"]:
            served = any(gpus in catalog.served_architectures(build, each) for each in platforms)
            assert (gpus["generation"] in of_questions) is served, gpus["generation"]
            dropped = all(gpus in catalog.dropped_architectures(build, each) for each in platforms)
            assert dropped is not served or not platforms


@pytest.mark.parametrize(
    ("driver", "floor", "served"),
    [
        ("580.65.06", "580", True),
        ("579.99", "580", False),
        ("525.60.13", "525.60.13", True),
        ("525.60.11", "525.60.13", False),
        ("1000.1", "580", True),
        (None, "580", False),
    ],
)
def test_drivers_are_compared_number_by_number(
    driver: str | None, floor: str, served: bool
) -> None:
    build = {"driver": {"linux": floor}}
    machine = Machine("linux", "x86_64", nvidia_driver=driver)
    assert catalog.driver_serves(build, machine) is served


def test_a_build_without_a_floor_takes_every_driver() -> None:
    assert catalog.driver_serves({"driver": {}}, Machine("linux", "x86_64"))


def test_a_damaged_catalog_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    (tmp_path / "catalog.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(catalog, "CATALOG", tmp_path / "catalog.json")
    catalog._content.cache_clear()
    with pytest.raises(ToolError, match=r"catalog\.json cannot be read .* restore it with"):
        catalog.build("cpu")
