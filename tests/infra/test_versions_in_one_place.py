"""A version is changed in one place, in ``stack/``, and every rendered file follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from maintain.hardware_page import SERVED
from maintain.stack.data import load_actions, load_builds, load_images, load_release, load_runners
from maintain.stack.pins import by_name, parse_pins
from tests.support.catalog import builds, rows
from tests.support.copier_runs import (
    NEWEST,
    ROOT,
    Answers,
    git,
    release,
    render,
    stage,
    texts_of,
)

ANSWERS: Mapping[str, Answers] = {
    "github": {"backends": ["cuda", "rocm", "xpu", "mps"]},
    "gitlab": {"ci": "gitlab", "inference": "native"},
}
GPUS: Answers = {"backends": ["cuda", "rocm"], "ci": "gitlab"}
PINNED = (
    "constraints.txt",
    "toolchain.txt",
    "copier.txt",
    "audit.txt",
    "notebooks.txt",
    "poetry.txt",
)
OF_ENVKEEP = "requirements/stack/envkeep.txt"
"""What envkeep needs has the versions of this repository's own lock."""

UNLIKELY = "98.7.6"
MANY_PYTHONS = {"requirements/stack/catalog.json", "docs/hardware.md", "docs/environment.md"}
"""Files that tell of every Python that torch has wheels for, or of how to name another one."""


def pin_of(package: str) -> str:
    """Return the version of a package that the stack pins."""
    pins = by_name(parse_pins((ROOT / "stack" / "constraints.txt").read_text(encoding="utf-8")))
    return str(pins[package][0].version)


def values(stack: Path) -> dict[str, str]:
    """Return versions, digests and commits of the stack, each with another in its place.

    Taken are those that mean one thing wherever they stand: not a version such as 1.0 that
    several packages have.
    """
    found = {load_release(stack).torch: UNLIKELY}
    for action in load_actions(stack):
        found[action.commit] = action.commit[::-1]
        found[action.version] = f"v{UNLIKELY}"
    for runner in load_runners(stack):
        found[runner.label] = f"system-{UNLIKELY}"
    for image in load_images(stack):
        found[image.digest] = f"sha256:{image.digest[:-65:-1]}"
        found[image.reference] = f"{image.reference}-{UNLIKELY}"
    for build in load_builds(stack):
        found.update({floor: f"9{floor}" for floor in build.driver.values() if "." in floor})
    for name in PINNED:
        for pin in parse_pins((stack / name).read_text(encoding="utf-8")):
            found[f"{pin.name}=={pin.version}"] = f"{pin.name}==9{pin.version}"
    return {old: new for old, new in found.items() if old}


CUDA = next(row for row in builds() if row["backend"] == "cuda")
SLIM = next(row for row in rows("images") if row["python"] == "3.12")
ONE_VERSION: Mapping[str, tuple[str, Mapping[str, str], set[str]]] = {
    "a tool": (
        "constraints.txt",
        {f"ruff=={pin_of('ruff')}": f"ruff=={UNLIKELY}"},
        {"requirements/stack/constraints.txt"},
    ),
    "a build of CUDA and its driver": (
        "builds.yml",
        {
            value: f"{value}99"
            for value in (
                *(CUDA["build"], CUDA["title"], *CUDA["conda_libraries"]),
                *CUDA["driver"].values(),
            )
        },
        {
            *("Dockerfile", "environment.yml"),
            *("requirements/stack/project.toml", "requirements/stack/catalog.json"),
            *("docs/hardware.md", "docs/environment.md", "requirements/stack/constraints-cuda.txt"),
        },
    ),
    "a base image": (
        "images.yml",
        {SLIM["reference"]: f"{SLIM['reference']}-{UNLIKELY}"},
        {"Dockerfile", ".gitlab-ci.yml"},
    ),
}
"""The one file of the stack that is changed, what in it, and the files of a project that follow."""


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return a text with every value changed where it stands as a whole word."""
    longest_first = sorted(changes, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    found = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-]|\.\d)")
    return found.sub(lambda match: changes[match.group()], text)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_file_follows_the_stack(name: str, tmp_path: Path) -> None:
    template = stage(tmp_path / "template")
    before = texts_of(render(template, tmp_path / "before", ANSWERS[name]))
    changes = values(template / "stack")
    for file in (template / "stack").rglob("*.*"):
        file.write_text(replaced(file.read_text(encoding="utf-8"), changes), encoding="utf-8")
    release(template, "999.1.0")
    after = texts_of(render(template, tmp_path / "after", ANSWERS[name]))
    assert after.keys() == before.keys()
    for path in after.keys() - {".copier-answers.yml", OF_ENVKEEP}:
        assert after[path] == replaced(before[path], changes), path
    assert load_release(template / "stack").torch in "".join(after.values())
    seen = "".join(before.values())
    assert len([old for old in changes if old in seen]) > 50


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a staged template, whose stack tests change and put back."""
    return stage(tmp_path_factory.mktemp("changing") / "template")


@pytest.fixture(scope="module")
def unchanged(changing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the files of a project before any change."""
    project = tmp_path_factory.mktemp("unchanged") / "project"
    return comparable(render(changing, project, GPUS, version=NEWEST))


def rendered_with(template: Path, version: str, project: Path, answers: Answers) -> dict[str, str]:
    """Release what was changed in a template, render it, and put the template back."""
    release(template, version)
    texts = comparable(render(template, project, answers, version=version))
    git(template, "checkout", "--quiet", NEWEST)
    return texts


@pytest.mark.parametrize("changed", ONE_VERSION)
def test_a_version_stands_in_one_file_of_the_stack(
    changed: str, changing: Path, unchanged: dict[str, str], tmp_path: Path
) -> None:
    name, changes, following = ONE_VERSION[changed]
    stack = changing / "stack"
    # What scripts/refresh_stack.py and scripts/hardware_page.py write of a build bears its name.
    resolved = [path for old in changes for path in (stack / "constraints").glob(f"{old}.txt")]
    for file in (stack / name, stack / SERVED.name, *resolved):
        text = file.read_text(encoding="utf-8")
        file.write_text(replaced(text, changes), encoding="utf-8")
        file.rename(file.with_name(replaced(file.name, changes)))
    version = f"999.1.{list(ONE_VERSION).index(changed)}"
    after = rendered_with(changing, version, tmp_path / "after", GPUS)
    assert {path for path, text in after.items() if text != unchanged[path]} == following
    for path in following:
        assert after[path] == replaced(unchanged[path], changes), path


def comparable(project: Path) -> dict[str, str]:
    """Return the texts of a project, without the answers, which have the release's name."""
    texts = texts_of(project)
    del texts[".copier-answers.yml"]
    return texts


def test_a_newer_python_moves_the_default_in_every_file(changing: Path, tmp_path: Path) -> None:
    """With the wheels of one Python more, the default is one minor later, everywhere."""
    answers = {"ci": "gitlab"}
    later = {**answers, "python_version": "3.13"}
    expected = comparable(render(changing, tmp_path / "before", later, version=NEWEST))
    pythons = changing / "stack" / "pythons.yml"
    row = '- {version: "3.15", source: "a test", checked: "2026-11-21"}\n- version:'
    text = pythons.read_text(encoding="utf-8")
    pythons.write_text(text.replace("- version:", row, 1), encoding="utf-8")
    found = rendered_with(changing, "999.2.0", tmp_path / "after", answers)
    assert found.keys() == expected.keys()
    assert {path for path in found if found[path] != expected[path]} <= MANY_PYTHONS
    assert found[".python-version"] == "3.13\n"


def test_the_python_of_a_project_is_an_answer_that_every_file_follows(
    template: Path, tmp_path: Path
) -> None:
    found = {}
    for python in ("3.12", "3.13"):
        answers = {"ci": "gitlab", "python_version": python}
        found[python] = texts_of(render(template, tmp_path / python, answers))
    whole = re.compile(r"(?<![\d.])3\.12(?!\d)")
    files = found["3.13"]
    mentioning = {path for path, text in files.items() if whole.search(text)}
    markers = {path for path in files if path.startswith("requirements/stack/")}
    assert mentioning <= MANY_PYTHONS | markers | {path for path in files if path.endswith(".py")}
    changed = {path for path, text in found["3.12"].items() if files[path] != text}
    assert {".python-version", "pyproject.toml", ".gitlab-ci.yml", "README.md"} <= changed
