"""How versions and requirements are read from each kind of file, and how files are joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks.adoption import requirement_files
from hooks.adoption.answers import propose
from hooks.adoption.conda import versions_of
from hooks.adoption.packages import package_lists
from hooks.adoption.repository import has_all_lines
from hooks.adoption.stack import load
from hooks.adoption.survey import survey
from hooks.adoption.wanted import Findings, from_poetry, poetry_versions
from hooks.machine_answers import detect
from tests.adopt.repository import of_files as repository
from tests.support.copier_runs import git


@pytest.mark.parametrize(
    ("poetry", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^2", ">=2,<3"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.*", "==1.2.*"),
        ("1.2.3", "==1.2.3"),
        (">=1, <2", ">=1,<2"),
        ("*", ""),
        ("~=3.11.0", "~=3.11.0"),
    ],
)
def test_poetrys_versions(poetry: str, specifier: str) -> None:
    assert poetry_versions(poetry) == specifier


@pytest.mark.parametrize(
    ("conda", "specifier"),
    [
        ("=1.26.4", "==1.26.4"),
        ("=3.10", "==3.10.*"),
        ("==2.5", "==2.5"),
        ("=1.2.3=py310_0", "==1.2.3"),
        (">=1.2,<2", ">=1.2,<2"),
        ("1.2.3", "==1.2.3"),
        ("", ""),
    ],
)
def test_condas_versions(conda: str, specifier: str) -> None:
    assert versions_of(conda) == specifier


def test_includes_are_read_in_their_places_and_once(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\nb==2 \\\n  --hash=sha256:0\n-e .\n",
        "requirements/base.txt": "a==1  # why\n-c ../constraints.txt\nc\n",
        "requirements/dev.in": "d\n",
        "requirements/dev.txt": "d==4\ne==5\n",
        "constraints.txt": "c==3\n",
    }
    findings = Findings()
    requirement_files.read(repository(tmp_path, files), findings)
    found = {each.name: (each.exact, each.use) for each in findings.once_each()}
    assert list(found) == ["a", "c", "b", "d"]
    assert found == {"a": ("1", ""), "c": ("3", ""), "b": ("2", ""), "d": ("4", "develop")}
    assert findings.skipped == []


def test_options_and_repositories_are_named_not_dropped(tmp_path: Path) -> None:
    text = "--no-binary :all:\n-i https://mirror.example.org/simple\n-e git+https://x.org/y.git\n./local\n"
    findings = Findings()
    requirement_files.read(repository(tmp_path, {"requirements.txt": text}), findings)
    assert [name for name, _ in findings.skipped] == [
        "--no-binary :all:",
        "-e git+https://x.org/y.git",
        "./local",
    ]
    assert findings.indexes == [("https://mirror.example.org/simple", "requirements.txt")]


def test_poetrys_markers_become_markers() -> None:
    findings = Findings()
    wanted = [
        {"version": "^1.0", "python": "<3.12", "extras": ["x"]},
        {"version": "^2.0", "platform": "linux"},
    ]
    from_poetry("a", wanted, "pyproject.toml", "run", findings)
    assert [str(each.requirement) for each in findings.wanted] == [
        'a[x]<2,>=1.0; python_full_version < "3.12"',
        'a<3,>=2.0; sys_platform == "linux"',
    ]


def test_setup_py_is_read_and_what_it_computes_is_named(tmp_path: Path) -> None:
    text = (
        "import os\nfrom setuptools import setup\n"
        "setup(name='a-b', install_requires=open('r').read().split(), python_requires='>=3.12')\n"
    )
    found = survey(repository(tmp_path, {"setup.py": text, "a_b/__init__.py": ""}))
    assert found.distribution == "a-b"
    assert found.package.name == "a_b"
    assert found.findings.pythons == [(">=3.12", "setup.py or setup.cfg")]
    assert found.findings.skipped == [
        (
            "install_requires",
            "setup.py computes it, so it could not be read; copy its lines to a requirements file",
        )
    ]


def test_condas_builds_of_torch_are_torch(tmp_path: Path) -> None:
    specs = [row.conda[0].split()[0].split("=")[0] for row in load().builds if row.conda]
    assert specs
    for number, name in enumerate(dict.fromkeys([*specs, "pytorch"])):
        text = f"dependencies:\n  - {name}=2.5.1\n  - opencv>=4\n"
        found = survey(repository(tmp_path / str(number), {"environment.yml": text})).findings
        assert [str(each.requirement) for each in found.wanted] == [
            "torch==2.5.1",
            "opencv-python>=4",
        ]


def test_a_title_under_a_rule_is_found(tmp_path: Path) -> None:
    assert survey(repository(tmp_path, {"README.rst": "Name\n====\n"})).title == "Name"


def test_lines_count_as_often_as_they_stand() -> None:
    assert has_all_lines(b"a\n\nb\r\n", b"b\n  a\nc\n")
    assert not has_all_lines(b"a\na\n", b"a\n")


def test_lists_of_packages_are_normalised_and_leave_torch_to_the_catalog() -> None:
    lists = package_lists()
    kinds = ("lint", "dev", "prod")
    names = [name for kind in kinds for name in lists[kind]]
    assert len(names) == len(set(names))
    assert all(name == name.lower().replace("_", "-") for name in names)
    assert not [name for name in names if load().is_torch_family(name)]


@pytest.mark.parametrize(
    ("path", "given", "answers"),
    [
        ("README.md", {}, {}),
        ("Dockerfile", {}, {"docker": "false"}),
        ("docker-compose.yml", {}, {"docker": "false"}),
        (".devcontainer/devcontainer.json", {}, {"devcontainer": "false"}),
        ("docs/Dockerfile", {}, {}),
        ("Dockerfile", {"docker": "true"}, {}),
    ],
)
def test_containers_of_its_own_stay(
    path: str, given: dict[str, str], answers: dict[str, str], tmp_path: Path
) -> None:
    found = survey(repository(tmp_path, {path: "", "requirements.txt": "numpy\n"}))
    proposed = propose(found, load(), detect(), given)
    assert proposed.answers.items() >= answers.items()
    assert proposed.answers.keys() & {"docker", "devcontainer"} == answers.keys()
    assert all(path in proposed.reasons[name] for name in answers)


@pytest.mark.parametrize(
    ("path", "origin", "given", "answer"),
    [
        ("README.md", "", {}, None),
        (".github/workflows/test.yml", "", {}, "none"),
        (".gitlab-ci.yml", "", {}, "none"),
        (".github/dependabot.yml", "", {}, None),
        ("README.md", "git@gitlab.example.org:team/project.git", {}, "gitlab"),
        ("README.md", "git@gitlab.example.org:team/project.git", {"profile": "minimal"}, None),
        (".gitlab-ci.yml", "", {"ci": "github"}, None),
    ],
)
def test_a_service_of_its_own_stays(
    path: str, origin: str, given: dict[str, str], answer: str | None, tmp_path: Path
) -> None:
    found = repository(tmp_path, {path: "", "requirements.txt": "numpy\n"})
    if origin:
        git(tmp_path, "remote", "add", "origin", origin)
    proposed = propose(survey(found), load(), detect(), given)
    assert proposed.answers.get("ci") == answer
