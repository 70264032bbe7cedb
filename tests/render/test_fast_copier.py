"""The accelerator of the render tests changes nothing but the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.render.cells import BY_NAME
from tests.support.copier_runs import NEWEST, files_of, render
from tests.support.fast_copier import FastCopier


@pytest.mark.parametrize("name", ["defaults", "native", "no-training", "pytorch-openvino"])
def test_output_is_the_same_in_bytes_and_modes(name: str, template: Path, tmp_path: Path) -> None:
    answers = BY_NAME[name].answers
    plain = render(template, tmp_path / "plain", answers, version=NEWEST)
    fast = FastCopier()
    with fast.active():
        render(template, tmp_path / "first", {"package_name": "other"}, version=NEWEST)
        quick = render(template, tmp_path / "second", answers, version=NEWEST)
    assert files_of(quick) == files_of(plain)
    fast.close()


def test_copier_is_as_before_afterwards(template: Path, tmp_path: Path) -> None:
    fast = FastCopier()
    with fast.active():
        render(template, tmp_path / "fast", version=NEWEST)
    fast.close()
    render(template, tmp_path / "plain", version=NEWEST)
    assert files_of(tmp_path / "fast") == files_of(tmp_path / "plain")
