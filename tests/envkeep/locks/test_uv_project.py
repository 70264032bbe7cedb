"""What uv is told of the layers: groups, pins, conflicts, indexes, and what it changed itself."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from envkeep.errors import ToolError
from envkeep.locks import groups
from envkeep.locks.lock_set import Locks
from envkeep.locks.uv_lock import UV, UvLock
from envkeep.locks.uv_project import UvProject
from envkeep.project.target import Target
from envkeep.staging.group_changes import take_changes
from tests.envkeep.locks.grouped import CPU, CUDA, FILES, MAC, OWN, PLAIN, edit, locked
from tests.support.catalog import checked_builds, torch_version


def tables(*targets: Target) -> dict[str, Any]:
    """Return the tables for some targets, parsed."""
    return tomllib.loads(UvProject(targets).text())


def test_each_layer_is_a_group_and_each_backend_has_its_own(folder: Path) -> None:
    found = tables(CPU, CUDA)["dependency-groups"]
    where = groups.marker_of("linux-x86_64")
    versions = {row.backend: row for row in checked_builds() if row.build in ("cpu", PLAIN)}
    label = {name: row.wheels["linux-x86_64"].local_version for name, row in versions.items()}
    assert found == {
        "cpu": [f"torch=={torch_version()}{label['cpu']} ; {where}"],
        "cuda": [f"torch=={torch_version()}{label['cuda']} ; {where}", "cupy"],
        "train": ['mine[extra]>=1 ; python_version >= "3.11"', "numpy", "rich>=13"],
        "prod": ["numpy"],
        "prod-cpu": ["onnxruntime"],
        "prod-cuda": ['onnxruntime-gpu ; sys_platform == "linux"'],
        "dev": ["pytest"],
    }


def test_backends_exclude_each_other_and_have_their_own_index(folder: Path) -> None:
    uv = tables(CPU, CUDA)["tool"]["uv"]
    pairs = [{each["group"] for each in pair} for pair in uv["conflicts"]]
    assert {"cpu", "cuda"} in pairs
    assert {"cpu", "prod-cuda"} in pairs
    assert {"cuda", "prod-cpu"} in pairs
    assert {"prod-cpu", "prod-cuda"} in pairs
    assert len(pairs) == 4
    assert uv["sources"]["torch"] == [
        {"index": "pytorch-cpu", "group": "cpu"},
        {"index": "pytorch-cuda", "group": "cuda"},
    ]
    assert all(each["explicit"] for each in uv["index"])
    assert next(each["url"] for each in uv["index"]) == "https://wheels.example/whl/cpu"
    assert "cuda" not in uv["default-groups"]
    assert {"cpu", "prod-cpu", "train", "prod", "dev"} == {*uv["default-groups"]}


def test_one_backend_needs_no_conflict(folder: Path) -> None:
    uv = tables(CPU)["tool"]["uv"]
    assert "conflicts" not in uv
    assert uv["sources"]["torch"] == [{"index": "pytorch-cpu"}]


def test_what_one_platform_lacks_is_limited_to_the_others(folder: Path) -> None:
    found = tables(CPU, MAC, CUDA)["dependency-groups"]
    assert len(found["cpu"]) == 2
    (cupy,) = (each for each in found["cuda"] if each.startswith("cupy"))
    marker = Marker(cupy.partition(" ; ")[2])
    assert marker.evaluate(groups.environment_of("linux-x86_64", "3.12"))
    assert not marker.evaluate(groups.environment_of("macos-arm64", "3.12"))


def test_pins_are_constraints_and_an_override_takes_its_pin_out(folder: Path) -> None:
    pins = tables(CPU, CUDA)["tool"]["uv"]["constraint-dependencies"]
    assert pins == ["cupy==14.0", "numpy==2.5", *FILES["stack/constraints.txt"].splitlines()[1:]]
    (folder / "overrides.txt").write_text("rich<15  # ours\n", encoding="utf-8")
    pins = tables(CPU, CUDA)["tool"]["uv"]["constraint-dependencies"]
    assert pins == ["cupy==14.0", "numpy==2.5", "rich<15"]


def test_the_tables_replace_those_before_and_no_others(folder: Path) -> None:
    block = UvProject((CPU,)).text()
    once = UvProject((CPU,)).replaced_in(OWN, block)
    assert once == UvProject((CPU,)).replaced_in(once, block)
    assert UvProject.without(once).rstrip() == OWN.rstrip()
    for own in ("[tool.uv]\npackage = false\n", "[dependency-groups]\ndev = []\n"):
        with pytest.raises(ToolError, match=r"has a table .* of its own"):
            UvProject((CPU,)).replaced_in(OWN + own, block)


@pytest.fixture
def made(folder: Path) -> Path:
    """Return pyproject.toml of a project that was locked for the CPU."""
    locked(folder, CPU)
    path = groups.PYPROJECT
    project = UvProject((CPU,))
    path.write_text(project.replaced_in(OWN, project.text()), encoding="utf-8")
    return path


def test_what_uv_added_and_removed_goes_into_the_requirements(made: Path, folder: Path) -> None:
    before = (folder / "20-train.in").read_text(encoding="utf-8")
    take_changes(UV)
    assert (folder / "20-train.in").read_text(encoding="utf-8") == before
    edit(made, '    "pytest",\n', '    "pytest",\n    "tomli-w>=1.2",\n')
    edit(made, '    "mine[extra]>=1 ; python_version >= \\"3.11\\"",\n', "")
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\n", encoding="utf-8")
    take_changes(UV)
    assert (folder / "40-dev.in").read_text(encoding="utf-8").endswith("40-dev.in\ntomli-w>=1.2\n")
    assert (folder / "20-train.in").read_text(encoding="utf-8") == "-r stack/20-train.in\n"
    now = groups.groups_hash(UvProject((CPU,)).groups)
    assert now == groups.groups_hash(tomllib.loads(made.read_text())["dependency-groups"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('    "pytest",\n', "", r"the template asks for pytest in .*40-dev\.in.*git checkout"),
        ("train = [", 'docs = ["sphinx"]\ntrain = [', r"the group docs .* is not one of a layer"),
        ("prod-cpu = [", 'prod-cpu = [\n    "x",', r"the group prod-cpu .*is not one of a layer"),
        (
            "dev = [",
            'dev = [\n    { include-group = "prod" },',
            r"the group dev .* includes another",
        ),
        ('"torch" = [', 'mine = { git = "https://x" }\n"torch" = [', r"mine comes from a reposi"),
    ],
)
def test_what_cannot_stand_in_a_layer_is_refused_in_one_sentence(
    made: Path, old: str, new: str, words: str
) -> None:
    edit(made, old, new)
    with pytest.raises(ToolError, match=words):
        take_changes(UV)


def test_changes_on_both_sides_are_refused(made: Path, folder: Path) -> None:
    edit(made, '    "pytest",\n', '    "pytest",\n    "tomli-w",\n')
    (folder / "20-train.in").write_text("-r stack/20-train.in\nother\n", encoding="utf-8")
    with pytest.raises(ToolError, match=r"both requirements/ and the groups .* were changed"):
        take_changes(UV)


def test_the_same_change_on_both_sides_is_none(made: Path, folder: Path) -> None:
    edit(made, '    "pytest",\n', '    "pytest",\n    "tomli-w",\n')
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\ntomli-w\n", encoding="utf-8")
    take_changes(UV)
    assert (folder / "40-dev.in").read_text(encoding="utf-8") == "-r stack/40-dev.in\ntomli-w\n"


def test_another_version_in_uvs_lock_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(folder, CPU, train="numpy==2.5\nrich==15.0\n", prod="numpy==2.5\n", dev="pytest==9\n")
    everything = ["numpy==2.5", "rich==15.0", "pytest==9", "winonly==1 ; sys_platform == 'win32'"]
    answers = {True: everything, False: ["numpy==2.5"]}
    monkeypatch.setattr(UvLock, "exported", lambda *given: answers["train" in given[-1]])
    assert UV.problems(UvProject((CPU,)), folder) == []
    answers[False] = ["numpy==2.4", "numba==1"]
    assert UV.problems(UvProject((CPU,)), folder) == [
        "linux-x86_64-cpu, prod: numba==1 is only in uv.lock",
        "linux-x86_64-cpu, prod: numpy==2.4 is only in uv.lock",
        "linux-x86_64-cpu, prod: numpy==2.5 is only in the layers",
    ]


def test_the_first_resolution_gets_every_locked_version(folder: Path) -> None:
    locked(folder, CPU, train="numpy==2.5\nmine==1\n", prod="other==1\nwide==1\n")
    locked(folder, MAC, train="numpy==2.5\nmine==1\n", prod="other==1\nwide==2\n")
    locked(folder, CUDA, train="numpy==2.5\nmine==2\ntorch==2+cu\n", prod="other==1\n")
    pins, apart = UvProject((CPU, MAC, CUDA)).pins()
    linux, mac = (groups.marker_of(each.platform) for each in (CPU, MAC))
    assert pins == ["numpy==2.5", "other==1", f"wide==1 ; {linux}", f"wide==2 ; {mac}"]
    assert apart["cpu"] == [f"mine==1 ; {linux}", f"mine==1 ; {mac}"]
    assert apart["cuda"] == [f"mine==2 ; {linux}"]
    assert Locks(CPU).file("20-train").exists()


def test_nothing_is_written_where_one_change_is_refused(made: Path, folder: Path) -> None:
    edit(made, '    "pytest",\n', '    "pytest",\n    "tomli-w",\n')
    edit(made, "train = [", 'docs = ["sphinx"]\ntrain = [')
    with pytest.raises(ToolError, match="the group docs"):
        take_changes(UV)
    assert not (folder / "40-dev.in").exists()


def test_a_group_and_the_projects_own_dependencies_may_change_together(
    made: Path, folder: Path
) -> None:
    edit(made, '    "pytest",\n', '    "pytest",\n    "tomli-w",\n')
    edit(made, 'version = "1"\n', 'version = "1"\ndependencies = ["sniffio[x]>=1"]\n')
    take_changes(UV)
    assert (folder / "40-dev.in").read_text("utf-8") == "-r stack/40-dev.in\ntomli-w\n"
    assert (folder / "20-train.in").read_text(encoding="utf-8").endswith("\nsniffio[x]>=1\n")
    assert 'version = "1"\ndependencies = []\n' in made.read_text(encoding="utf-8")


ROW = '[[index]]\nname = "acme"\nurl = "https://acme.example/simple"\npackages = ["acme-*"]\n'


def test_locked_packages_with_an_index_of_their_own_are_asked_for_and_tied(folder: Path) -> None:
    locked(folder, CPU, train="acme-core==1.2\n", prod="acme-app==1.0\nnumpy==2.5\n")
    assert "tied" not in tables(CPU)["dependency-groups"]
    (folder / "indexes.toml").write_text(ROW, encoding="utf-8")
    found = tables(CPU)
    assert found["dependency-groups"]["tied"] == ["acme-app", "acme-core"]
    assert "tied" not in found["tool"]["uv"]["default-groups"]
    sources = found["tool"]["uv"]["sources"]
    assert sources["acme-core"] == sources["acme-app"] == {"index": "acme"}
    assert "numpy" not in sources
    index = {each["name"]: each for each in found["tool"]["uv"]["index"]}["acme"]
    assert (index["url"], index["explicit"]) == ("https://acme.example/simple", True)


def test_an_index_for_some_backends_of_a_package_of_all_is_refused(folder: Path) -> None:
    (folder / "indexes.toml").write_text(f'{ROW}backends = ["cuda"]\n', encoding="utf-8")
    locked(folder, CPU, train="numpy==2.5\n")
    locked(folder, CUDA, train="acme-core==1.2\n")
    assert tables(CPU, CUDA)["dependency-groups"]["tied"] == ["acme-core"]
    locked(folder, CPU, train="acme-core==1.2\n")
    with pytest.raises(ToolError, match="ties acme-core for some alone: take `backends` out"):
        tables(CPU, CUDA)


def test_an_index_that_uv_add_wrote_goes_into_the_file_of_indexes(folder: Path) -> None:
    text = f'{OWN}[tool.uv.sources]\nacme-core = {{ index = "acme" }}\n'
    said = UV.foreign_source(text, tomllib.loads(text))
    assert "acme-core is tied to an index by [tool.uv.sources]" in said
    assert "indexes.toml" in said
