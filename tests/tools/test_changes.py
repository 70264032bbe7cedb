"""What `make try` understands, and where it writes it: in a copy, never in the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from template.tools import changes
from template.tools.backends import Target
from template.tools.errors import ToolError

CPU = Target("linux-x86_64", "cpu")
LAYERS = ("20-train", "30-prod", "40-dev")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with three layers whose folder is elsewhere."""
    root = tmp_path / "project"
    monkeypatch.setattr(changes, "layers", lambda: LAYERS)
    monkeypatch.setattr(changes, "ROOT", root)
    monkeypatch.setattr(changes, "REQUIREMENTS", root / "requirements")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project, in which numpy and pip-tools are locked."""
    top = tmp_path / "copy" / "requirements"
    (top / "locks" / CPU.name).mkdir(parents=True)
    lock = "numpy==2.4.6 \\\n    --hash=sha256:00\npip-tools==7.5.2\n"
    (top / "locks" / CPU.name / "20-train.txt").write_text(lock, encoding="utf-8")
    (top / "overrides.txt").write_text("# ours\n", encoding="utf-8")
    (top / "20-train.in").write_text("-r stack/20-train.in\n", encoding="utf-8")
    (top / "40-dev.in").write_text("-r stack/40-dev.in\nPip_Tools>=7  # why\n", encoding="utf-8")
    return tmp_path / "copy"


def requirements(copy: Path) -> dict[str, list[str]]:
    top = copy / "requirements"
    files = (path for path in top.iterdir() if path.is_file())
    return {path.name: path.read_text(encoding="utf-8").splitlines() for path in files}


def applied(text: str, copy: Path, layer: str | None = None) -> dict[str, list[str]]:
    """Return the lines that came into the files of requirements, by file."""
    before = requirements(copy)
    changes.apply(changes.read(text, layer), copy, CPU)
    after = requirements(copy)
    new = {
        name: [line for line in after[name] if line not in before.get(name, [])] for name in after
    }
    return {name: lines for name, lines in new.items() if lines}


def test_another_version_of_what_is_locked_is_an_override(copy: Path) -> None:
    assert applied("numpy==2.4.4", copy) == {"overrides.txt": ["numpy==2.4.4"]}
    assert applied("NumPy>=2,<3", copy) == {"overrides.txt": ["NumPy>=2,<3"]}
    assert requirements(copy)["overrides.txt"] == ["# ours", "NumPy>=2,<3"]


def test_a_line_of_the_team_is_replaced_where_it_stands(copy: Path) -> None:
    assert applied("pip-tools==7.5.1", copy) == {"40-dev.in": ["pip-tools==7.5.1"]}
    assert requirements(copy)["40-dev.in"] == ["-r stack/40-dev.in", "pip-tools==7.5.1"]


def test_a_new_package_goes_into_a_layer(copy: Path) -> None:
    assert applied("tomli-w", copy) == {"20-train.in": ["tomli-w"]}
    assert applied("rich>=14", copy, "30-prod") == {"30-prod.in": ["rich>=14"]}


def test_several_changes_at_once(copy: Path) -> None:
    found = applied("numpy==2.4.4 'rich[jupyter]' upgrade order:40-dev,30-prod,20-train", copy)
    assert found == {
        "overrides.txt": ["numpy==2.4.4"],
        "20-train.in": ["rich[jupyter]"],
        "order.txt": ["40-dev", "30-prod", "20-train"],
    }
    assert changes.read("upgrade numpy==2.4.4").upgrade


def test_a_folder_of_locks_is_taken_as_it_is(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "30-prod.txt").write_text("rich==14.0.0\n", encoding="utf-8")
    wanted = changes.read(str(other))
    assert not wanted.resolves
    changes.apply(wanted, copy, CPU)
    locks = copy / "requirements" / "locks" / CPU.name
    assert [path.name for path in locks.iterdir()] == ["30-prod.txt"]


@pytest.mark.parametrize(
    ("text", "layer", "sentence"),
    [
        ("", None, "nothing can be made of"),
        ("==2", None, "nothing can be made of"),
        ("-e .", None, "nothing can be made of"),
        ("order:a,b order:b,a", None, "nothing can be made of"),
        ("git:no-such-branch", None, "git knows no commit 'no-such-branch'"),
        ("rich", "no-layer", "there is no layer no-layer; choose one of 20-train, 30-prod, 40-dev"),
    ],
)
def test_what_is_not_understood(
    text: str, layer: str | None, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "ROOT", Path(__file__).parent)
    with pytest.raises(ToolError, match=sentence):
        changes.read(text, layer)


def test_a_locked_package_needs_a_version(copy: Path) -> None:
    with pytest.raises(ToolError, match="numpy is locked already; name the version"):
        changes.apply(changes.read("numpy"), copy, CPU)
