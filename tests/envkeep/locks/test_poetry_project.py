"""What Poetry is told of the layers: groups, the group of pins, sources; and what it refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from envkeep.errors import CommandError, ToolError
from envkeep.locks import groups, poetry_lock
from envkeep.locks.groups import environment_of, holds, marker_of
from envkeep.locks.poetry_lock import POETRY, PoetryLock
from envkeep.locks.poetry_project import PoetryProject
from envkeep.project.target import Target
from envkeep.staging.group_changes import take_changes
from tests.envkeep.locks.grouped import CPU, CUDA, MAC, OWN, edit, locked
from tests.support.catalog import torch_version

TORCH = torch_version()
ROCM = Target("linux-x86_64", "rocm")


def tables(*targets: Target) -> dict[str, Any]:
    """Return the tables for some targets, parsed."""
    return tomllib.loads(PoetryProject(targets).text())


def test_without_a_gpu_no_requirement_needs_a_marker_of_its_own(folder: Path) -> None:
    found = tables(CPU)
    assert found["dependency-groups"]["cpu"] == [f"torch=={TORCH}+cpu"]
    assert found["dependency-groups"]["prod-cpu"] == ["onnxruntime"]
    assert "project" not in found
    poetry = found["tool"]["poetry"]
    assert poetry["group"]["pins"]["optional"]
    assert poetry["group"]["cpu"]["dependencies"] == {"torch": {"source": "pytorch-cpu"}}
    (source,) = poetry["source"]
    assert source["url"] == "https://wheels.example/whl/cpu"
    assert source["priority"] == "explicit"


def test_an_extra_chooses_between_the_builds(folder: Path) -> None:
    found = tables(CPU, CUDA)
    assert found["project"] == {"optional-dependencies": {"cuda": []}}
    lines = found["dependency-groups"]
    (cpu,), (_, cuda) = lines["cpu"], sorted(lines["cuda"])
    assert lines["prod-cpu"] == ["onnxruntime ; extra != 'cuda'"]
    assert lines["prod-cuda"] == ["onnxruntime-gpu ; sys_platform == \"linux\" and extra == 'cuda'"]
    linux = environment_of("linux-x86_64", "3.12")
    for extra, wanted in (("", cpu), ("cuda", cuda)):
        assert [each for each in (cpu, cuda) if holds(each, {**linux, "extra": extra})] == [wanted]
    sources = found["tool"]["poetry"]["group"]["cuda"]["dependencies"]
    assert sources == {"torch": {"source": "pytorch-cuda", "markers": "extra == 'cuda'"}}
    assert PoetryProject((CPU, CUDA)).extras("cuda") == ["cuda"]
    assert PoetryProject((CPU, CUDA)).extras("cpu") == []


def test_a_build_without_a_label_excludes_those_with_one_and_comes_from_pypi(folder: Path) -> None:
    found = tables(CPU, MAC)
    labelled, bare = found["dependency-groups"]["cpu"]
    assert labelled == f"torch=={TORCH}+cpu ; sys_platform != 'darwin'"
    assert bare.startswith(f"torch>={TORCH},<")
    assert bare.endswith(f",!={TORCH}+cpu ; sys_platform == 'darwin'")
    sources = found["tool"]["poetry"]["group"]["cpu"]["dependencies"]
    assert sources == {"torch": {"source": "pytorch-cpu", "markers": "sys_platform != 'darwin'"}}


def test_the_pins_are_the_versions_of_the_locks_and_no_others(folder: Path) -> None:
    locked(folder, CPU, train="numpy==2.5\nmine==1\n", prod="wide==1\n")
    locked(folder, MAC, train="numpy==2.5\nmine==1\n", prod="wide==2\n")
    locked(folder, CUDA, train="numpy==2.5\nmine==2\ntorch==2+cu\n")
    pins = tables(CPU, MAC, CUDA)["tool"]["poetry"]["group"]["pins"]["dependencies"]
    linux, mac = (marker_of(each.platform) for each in (CPU, MAC))
    assert pins == {
        "numpy": "==2.5",
        "wide": [
            {"version": "==1", "markers": linux},
            {"version": "==2", "markers": mac},
        ],
        "mine": [
            {"version": "==1", "markers": f"{mac} and extra != 'cuda'"},
            {"version": "==1", "markers": f"{linux} and extra != 'cuda'"},
            {"version": "==2", "markers": f"{linux} and extra == 'cuda'"},
        ],
    }


def test_a_mirror_of_ones_own_may_stand_above_and_no_other_table(folder: Path) -> None:
    project = PoetryProject((CPU,))
    mirror = '[[tool.poetry.source]]\nname = "mirror"\nurl = "https://m.example"\n'
    once = project.replaced_in(OWN + mirror, project.text())
    assert once == project.replaced_in(once, project.text())
    assert project.without(once).rstrip() == (OWN + mirror).rstrip()
    names = [each["name"] for each in tomllib.loads(once)["tool"]["poetry"]["source"]]
    assert names == ["mirror", "pytorch-cpu"]
    own = '[project.optional-dependencies]\nplots = ["x"]\n'
    project.replaced_in(OWN + own, project.text())
    with pytest.raises(ToolError, match=r"\[project.optional-dependencies\] of its own"):
        project.replaced_in(OWN + own, PoetryProject((CPU, CUDA)).text())
    with pytest.raises(ToolError, match=r"\[tool.poetry\] of its own"):
        project.replaced_in(OWN + "[tool.poetry]\npackage-mode = false\n", project.text())


@pytest.fixture
def made(folder: Path) -> Path:
    """Return pyproject.toml of a project that was locked for the CPU."""
    locked(folder, CPU)
    project = PoetryProject((CPU,))
    groups.PYPROJECT.write_text(project.replaced_in(OWN, project.text()), encoding="utf-8")
    return groups.PYPROJECT


def test_what_poetry_added_goes_into_the_requirements_as_pip_writes_it(
    made: Path, folder: Path
) -> None:
    edit(made, '    "pytest",\n', '    "pytest",\n    "tomli-w (>=1.2.0,<2.0.0)",\n')
    edit(made, 'version = "1"\n', 'version = "1"\ndependencies = [\n    "x[y] (>=1)"\n]\n')
    take_changes(POETRY)
    assert (folder / "40-dev.in").read_text(
        "utf-8"
    ) == "-r stack/40-dev.in\ntomli-w<2.0.0,>=1.2.0\n"
    assert (folder / "20-train.in").read_text("utf-8").endswith("\nx[y]>=1\n")
    assert 'version = "1"\ndependencies = []\n' in made.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('    "pytest",\n', "", r"asks for pytest in .*git checkout pyproject.toml poetry.lock"),
        ("train = [", 'docs = ["sphinx"]\ntrain = [', r"docs .*`poetry add --group NAME"),
        ("[tool.poetry]", '[tool.poetry.dependencies]\nx = "^1"\n[tool.poetry]', r"x stands in"),
        (
            "[tool.poetry]",
            '[tool.poetry.group.dev.dependencies]\nx = { source = "y" }\n[tool.poetry]',
            r"x has settings in",
        ),
        (
            "[[tool.poetry.source]]",
            '[[tool.poetry.source]]\nname = "y"\n[[tool.poetry.source]]',
            r"the source y stands among what `make lock` makes",
        ),
    ],
)
def test_what_no_layer_can_have_is_refused_in_one_sentence(
    made: Path, old: str, new: str, words: str
) -> None:
    edit(made, old, new)
    with pytest.raises(ToolError, match=words):
        take_changes(POETRY)


def test_another_version_in_poetrys_lock_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(folder, CPU, train="numpy==2.5\n", prod="numpy==2.5\n")
    answers = {True: ['numpy==2.5 ; python_version == "3.12"'], False: ["numpy==2.5"]}
    monkeypatch.setattr(PoetryLock, "exported", lambda *given: answers["train" in given[-1]])
    assert POETRY.problems(PoetryProject((CPU,)), folder) == []
    answers[False] = ["numpy==2.4"]
    assert POETRY.problems(PoetryProject((CPU,)), folder) == [
        "linux-x86_64-cpu, prod: numpy==2.4 is only in poetry.lock",
        "linux-x86_64-cpu, prod: numpy==2.5 is only in the layers",
    ]


def test_nothing_is_written_where_poetry_resolves_to_something_else(
    made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made.read_text(encoding="utf-8")
    monkeypatch.setattr(poetry_lock.TOOLS.__class__, "tool", lambda _, name: Path(name))
    monkeypatch.setattr(poetry_lock, "variables", dict)
    monkeypatch.setattr(poetry_lock, "run", lambda *_, **__: None)
    monkeypatch.setattr(PoetryLock, "exported", lambda *_: ["numba==1"])
    top = folder.parent / "new" / "requirements" / "locks"
    top.mkdir(parents=True)
    with pytest.raises(ToolError, match=r"Poetry does not resolve .* numba==1 is only in poetry"):
        POETRY.write(top)

    def fail(*_: object, **__: object) -> None:
        raise CommandError("no")

    monkeypatch.setattr(poetry_lock, "run", fail)
    with pytest.raises(ToolError, match=r"poetry.lock cannot be made"):
        POETRY.write(top)
    assert made.read_text(encoding="utf-8") == before


def test_several_gpus_and_a_folder_of_wheels_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    POETRY.refuse()
    monkeypatch.setattr(poetry_lock, "project_index", lambda _: ("/wheels", True))
    with pytest.raises(ToolError, match=r"torch_index names a folder"):
        POETRY.refuse()
    monkeypatch.setattr(poetry_lock, "declared", lambda: ("cpu", "cuda", "rocm"))
    with pytest.raises(ToolError, match=r"one GPU backend, and this project has cuda, rocm"):
        POETRY.refuse()


ROW = '[[index]]\nname = "acme"\nurl = "https://acme.example/simple"\npackages = ["acme-*"]\n'


def test_locked_packages_with_an_index_of_their_own_have_its_source(folder: Path) -> None:
    locked(folder, CPU, train="acme-core==1.2\n", prod="acme-app==1.0\n")
    edit(folder / "20-train.in", "mine[extra]", "acme-app\nmine[extra]")
    (folder / "indexes.toml").write_text(ROW, encoding="utf-8")
    poetry = tables(CPU)["tool"]["poetry"]
    pins = poetry["group"]["pins"]["dependencies"]
    assert pins["acme-core"] == {"version": "==1.2", "source": "acme"}
    assert poetry["group"]["train"]["dependencies"] == {"acme-app": {"source": "acme"}}
    source = {each["name"]: each for each in poetry["source"]}["acme"]
    assert (source["url"], source["priority"]) == ("https://acme.example/simple", "explicit")


def test_what_was_tied_may_be_tied_no_more(folder: Path) -> None:
    locked(folder, CPU, train="acme-core==1.2\n")
    (folder / "indexes.toml").write_text(ROW, encoding="utf-8")
    text = f"{OWN}\n{PoetryProject((CPU,)).text()}"
    (folder / "indexes.toml").unlink()
    assert POETRY.foreign_source(text, tomllib.loads(text)) == ""
