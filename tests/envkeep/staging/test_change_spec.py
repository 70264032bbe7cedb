"""What `make try` understands, and where it writes it: in a copy, never in the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.project.target import Target
from envkeep.staging import change_spec

CPU = Target("linux-x86_64", "cpu")
LAYERS = ("20-train", "30-prod", "40-dev")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with three layers whose folder is elsewhere."""
    root = tmp_path / "project"
    monkeypatch.setattr(change_spec, "layers", lambda: LAYERS)
    monkeypatch.setattr(change_spec, "ROOT", root)
    monkeypatch.setattr(change_spec, "REQUIREMENTS", root / "requirements")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project, in which numpy and pip-tools are locked.

    The stack release pins numpy and two packages that the project does not have.
    """
    top = tmp_path / "copy" / "requirements"
    (top / "locks" / CPU.name).mkdir(parents=True)
    lock = "numpy==2.4.6 \\\n    --hash=sha256:00\npip-tools==7.5.2\n"
    (top / "locks" / CPU.name / "20-train.txt").write_text(lock, encoding="utf-8")
    (top / "overrides.txt").write_text("# ours\n", encoding="utf-8")
    (top / "stack").mkdir()
    pins = "numpy==2.4.6\npandas==3.1.1\nrich==15.0.0 ; python_version < '3.14'\n"
    (top / "stack" / "constraints.txt").write_text(pins, encoding="utf-8")
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
    change_spec.apply(change_spec.read(text, layer), copy, CPU)
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
    assert applied("tabulate>=0.9", copy, "30-prod") == {"30-prod.in": ["tabulate>=0.9"]}


def test_several_changes_at_once(copy: Path) -> None:
    found = applied("numpy==2.4.4 'rich[jupyter]' upgrade order:40-dev,30-prod,20-train", copy)
    assert found == {
        "overrides.txt": ["numpy==2.4.4"],
        "20-train.in": ["rich[jupyter]"],
        "order.txt": ["40-dev", "30-prod", "20-train"],
    }
    assert change_spec.read("upgrade numpy==2.4.4").upgrade


def test_a_folder_of_locks_is_taken_as_it_is(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "30-prod.txt").write_text("rich==14.0.0\n", encoding="utf-8")
    wanted = change_spec.read(str(other))
    assert not wanted.resolves
    change_spec.apply(wanted, copy, CPU)
    locks = copy / "requirements" / "locks" / CPU.name
    assert [path.name for path in locks.iterdir()] == ["30-prod.txt"]


@pytest.mark.parametrize(
    ("text", "layer", "sentence"),
    [
        ("", None, "no change is named: name one change"),
        ("==2", None, "cannot understand"),
        ("numpy==2 'rich", None, "a quotation mark is missing"),
        ("order:a,b order:b,a", None, "cannot understand"),
        ("git:no-such-branch", None, "git knows no commit 'no-such-branch'"),
        ("rich", "no-layer", "there is no layer no-layer; choose one of 20-train, 30-prod, 40-dev"),
    ],
)
def test_what_is_not_understood(
    text: str, layer: str | None, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_spec, "ROOT", Path(__file__).parent)
    with pytest.raises(ToolError, match=sentence):
        change_spec.read(text, layer)


@pytest.mark.parametrize(
    ("text", "layer", "override"),
    [
        ("pandas==2.3.3", "pandas", "pandas==2.3.3"),
        ("pandas pandas==2.3.3", "pandas", "pandas==2.3.3"),
        ("Pandas>=2,<3", "Pandas", "Pandas>=2,<3"),
        ("rich[jupyter]==14", "rich[jupyter]", "rich==14"),
        (
            "pandas<3 ; python_version < '3.13'",
            'pandas ; python_version < "3.13"',
            'pandas<3 ; python_version < "3.13"',
        ),
        (
            "pandas @ https://host/pandas-2.3.3-cp312-cp312-linux_x86_64.whl",
            "pandas",
            "pandas @ https://host/pandas-2.3.3-cp312-cp312-linux_x86_64.whl",
        ),
    ],
)
def test_the_version_of_a_new_package_that_the_stack_pins_is_an_override(
    text: str, layer: str, override: str, copy: Path
) -> None:
    assert applied(text, copy) == {"20-train.in": [layer], "overrides.txt": [override]}


def test_a_new_package_of_the_stack_without_a_version_is_no_override(copy: Path) -> None:
    assert applied("pandas", copy) == {"20-train.in": ["pandas"]}


def test_a_line_of_the_team_gives_its_version_to_the_overrides_where_the_stack_pins(
    copy: Path,
) -> None:
    (copy / "requirements" / "40-dev.in").write_text("pandas[excel]>=3  # why\n", encoding="utf-8")
    assert applied("pandas==2.3.3", copy) == {
        "40-dev.in": ["pandas[excel]"],
        "overrides.txt": ["pandas==2.3.3"],
    }


def test_what_stands_beside_the_version_in_a_line_of_the_team_stays(copy: Path) -> None:
    line = "Pip_Tools[coverage]>=7 ; python_version < '3.14'"
    (copy / "requirements" / "40-dev.in").write_text(f"{line}\n", encoding="utf-8")
    assert applied("pip-tools==7.5.1", copy) == {
        "40-dev.in": ["pip-tools[coverage]==7.5.1 ; python_version < '3.14'"]
    }


def test_extras_of_what_is_locked_go_into_a_layer(copy: Path) -> None:
    assert applied("numpy[typing]", copy) == {"20-train.in": ["numpy[typing]"]}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("numpy == 2.4.6", ["numpy==2.4.6"]),
        ("numpy ==2.4.6", ["numpy==2.4.6"]),
        ("numpy>= 2, <3", ["numpy>=2,<3"]),
        ("numpy=2.4.6", ["numpy==2.4.6"]),
        ("numpy@2.4.6", ["numpy==2.4.6"]),
        ("numpy @ 2.4.6", ["numpy==2.4.6"]),
        ("numpy~=2.4.0 tomli-w != 1.1", ["numpy~=2.4.0", "tomli-w!=1.1"]),
        ("rich [jupyter] >= 14", ["rich[jupyter]>=14"]),
        ("demo==1.4.0rc3 upgrade demo2==1!2.*", ["demo==1.4.0rc3", "demo2==1!2.*"]),
        ("demo @ https://host/d-1.zip", ["demo @ https://host/d-1.zip"]),
        ("demo@https://host/d-1.whl", ["demo @ https://host/d-1.whl"]),
        ("https://host/a/my_demo-1-py3-none-any.whl", None),
        (
            f"demo @ https://host/d-1.whl?sig={'a' * 500}",
            [f"demo @ https://host/d-1.whl?sig={'a' * 500}"],
        ),
        (
            "demo ; (python_version < 3.13 or os_name == nt) and sys_platform != 'darwin'",
            [
                'demo ; (python_version < "3.13" or os_name == "nt") and sys_platform != "darwin"',
            ],
        ),
        (
            "demo ; python_version<'3.13' and sys_platform == linux or extra not in 'x' rich",
            [
                'demo ; python_version < "3.13" and sys_platform == "linux" or extra not in "x"',
                "rich",
            ],
        ),
    ],
)
def test_the_forms_that_people_type(text: str, lines: list[str] | None) -> None:
    found = [wanted.whole for wanted in change_spec.read(text).requirements]
    assert found == (lines or [f"my-demo @ {text}"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("numpy 2.4.6", '"2.4.6" is a version without a package: write numpy==2.4.6'),
        ("rich,tomli-w", "with blanks between several packages"),
        ("numpy>>2", "names no version: compare by ==, >="),
        ("numpy@latest", "names no version: compare by =="),
        ("git+https://host/o/r", "is a repository, whose files have no hash"),
        ("demo @ git+https://host/o/r@main", "is a repository, whose files have no hash"),
        ("https://host/o/r.git", "is a repository, whose files have no hash"),
        ("git@host:o/r.git", "is a repository, whose files have no hash"),
        (".", "is a folder, which has no hash: name a released version"),
        ("./tests", "is a folder, which has no hash"),
        ("demo @ ./tests", "is a folder, which has no hash"),
        ("/a/demo-1-py3-none-any.whl", "is a file of this machine alone"),
        ("demo-1-py3-none-any.whl", "is a file of this machine alone"),
        ("https://host/demo.zip", "does not say which package it is: write NAME @ https://host"),
        ("demo @ https://host/o/r", "is not the address of a wheel or an archive"),
        ("-e .", '"-e" is an option and no package'),
        ("-r requirements.txt", '"-r" is an option and no package'),
        ("--index-url https://host/simple demo", "by PIP_INDEX_URL"),
        ("demo ; python", "is no marker"),
        ("demo ; pyhton_version < 3.13", "is no marker"),
        ("https://host/demo.whl", "does not say which package it is: write NAME @ https://host"),
    ],
)
def test_why_another_form_cannot_be_tried(text: str, sentence: str) -> None:
    with pytest.raises(ToolError, match=re.escape(sentence)) as error:
        change_spec.read(text)
    assert str(error.value).endswith(".")


def test_no_password_is_told() -> None:
    with pytest.raises(ToolError) as error:
        change_spec.read("demo @ https://me:secret@host/o/r")  # pragma: allowlist secret
    assert "secret" not in str(error.value)
    address = "demo @ https://me:secret@host/d-1.whl"  # pragma: allowlist secret
    wanted = change_spec.read(address)
    assert "secret" not in wanted.text
    assert wanted.requirements[0].whole == address


def test_a_locked_package_needs_a_version(copy: Path) -> None:
    with pytest.raises(ToolError, match="numpy is locked already; name the version"):
        change_spec.apply(change_spec.read("numpy"), copy, CPU)


@pytest.mark.parametrize(
    "command",
    [
        "pip install",
        "$ pip3 install",
        "!pip install",
        "%pip install",
        "python3 -m pip install",
        "uv pip install",
        "uv add",
        "poetry add",
        "pdm add",
        "pipenv install",
    ],
)
def test_a_pasted_command_asks_for_its_packages_alone(command: str) -> None:
    found = change_spec.read(f"{command} demo==1.0 other")
    assert [each.whole for each in found.requirements] == ["demo==1.0", "other"]


def test_a_command_of_conda_is_no_change() -> None:
    with pytest.raises(ToolError, match="conda's packages are not those of the index"):
        change_spec.read("conda install -c conda-forge demo")
