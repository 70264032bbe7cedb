"""What of the project decides whether a new environment is good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from template.tools.installing import SMOKE_TEST

SETTINGS = """\
[tool.pytest.ini_options]
filterwarnings = ["error"]
markers = ["smoke: quick"]
"""
TEST = """\
import pytest

@pytest.mark.smoke
def test_it():
    pass
"""
HOOK = """\
import warnings

import pytest

def pytest_sessionfinish():
    warnings.warn(pytest.PytestWarning({said!r}))
"""


@pytest.mark.parametrize(
    ("said", "good"),
    [
        # What pytest says where it and another pytest of this user clean up at the same time.
        ("(rm_rf) error removing /tmp/garbage\n<class 'OSError'>: Directory not empty", True),
        ("something else is wrong", False),
    ],
)
def test_another_pytest_at_the_same_time_is_no_failure(
    said: str, good: bool, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(HOOK.format(said=said), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *SMOKE_TEST], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode == 0) == good
