"""What a line of a requirements file says, whichever of its forms it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.project import requirements
from envkeep.project.requirements import Line


@pytest.mark.parametrize(
    ("text", "exact", "names_version"),
    [
        ("numpy", "", False),
        ("numpy ; python_version < '3.13'", "", False),
        ("numpy==2.4", "2.4", True),
        ("numpy == 2.4+cpu ; sys_platform == 'linux'", "2.4+cpu", True),
        ("numpy===2.4", "2.4", True),
        ("numpy==2.4.*", "", True),
        ("numpy>=2,<3", "", True),
        ("numpy[extra]==2.4 --hash=sha256:0", "2.4", True),
        ("numpy @ https://example.org/numpy.whl", "", True),
        ("pytz==2004d", "2004d", True),
        ("numpy=2.4", "", False),
        ("./numpy", "", False),
    ],
)
def test_which_version_a_line_names(text: str, exact: str, names_version: bool) -> None:
    line = Line("numpy", text)
    assert (line.exact_version, line.names_version) == (exact, names_version)


@pytest.mark.parametrize("line", ["numpy", "numpy ; python_version < '3.13'"])
def test_an_override_without_a_version_is_refused(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "overrides.txt").write_text(f"# Ours.\n{line}  # why\n")
    monkeypatch.setattr(requirements, "OVERRIDES", tmp_path / "overrides.txt")
    with pytest.raises(ToolError, match="numpy without a version; write numpy==VERSION"):
        requirements.overrides()


def test_a_file_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    (tmp_path / "own.in").write_text(
        "\ufeff# Ours.\n-c other.txt\nMy_Package.Name>=1  # why\nx @ https://e.org/x.zip#sha256=0\n"
    )
    names = [line.name for line in requirements.read_requirements(tmp_path / "own.in")]
    assert names == ["my-package-name", "x"]
