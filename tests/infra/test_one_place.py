"""A version is changed in one place, in ``stack/``, and every rendered file follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.stack_data import load_actions, load_builds, load_images, load_release, load_runners
from scripts.stack_pins import parse_pins
from tests.support.copier_runs import Answers, files_of, release, render, stage

ANSWERS: Mapping[str, Answers] = {
    "github": {"backends": ["cuda", "rocm", "xpu", "mps"]},
    "gitlab": {"ci": "gitlab", "inference": "native"},
}
PINNED = ("constraints.txt", "toolchain.txt", "copier.txt", "audit.txt", "notebooks.txt")
UNLIKELY = "98.7.6"
MANY_PYTHONS = {"tools/catalog.json", "docs/hardware.md", "docs/environment.md"}
"""Files that tell of every Python that torch has wheels for, or of how to name another one."""


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


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return a text with every value changed where it stands as a whole word."""
    longest_first = sorted(changes, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    found = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-]|\.\d)")
    return found.sub(lambda match: changes[match.group()], text)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_file_follows_the_stack(name: str, tmp_path: Path) -> None:
    template = stage(tmp_path / "template")
    before = files_of(render(template, tmp_path / "before", ANSWERS[name]))
    changes = values(template / "stack")
    for file in (template / "stack").rglob("*.*"):
        file.write_text(replaced(file.read_text(encoding="utf-8"), changes), encoding="utf-8")
    release(template, "999.1.0")
    after = files_of(render(template, tmp_path / "after", ANSWERS[name]))
    assert after.keys() == before.keys()
    del after[".copier-answers.yml"]
    unlike = {path: text.content.decode() for path, text in after.items()}
    for path, text in unlike.items():
        assert text == replaced(before[path].content.decode(), changes), path
    assert load_release(template / "stack").torch in "".join(unlike.values())
    seen = "".join(state.content.decode() for state in before.values())
    assert len([old for old in changes if old in seen]) > 50


def test_the_python_of_a_project_is_an_answer_that_every_file_follows(
    template: Path, tmp_path: Path
) -> None:
    found = {}
    for python in ("3.12", "3.13"):
        answers = {"ci": "gitlab", "python_version": python}
        found[python] = files_of(render(template, tmp_path / python, answers))
    whole = re.compile(r"(?<![\d.])3\.12(?!\d)")
    files = {path: state.content.decode() for path, state in found["3.13"].items()}
    mentioning = {path for path, text in files.items() if whole.search(text)}
    markers = {path for path in files if path.startswith("requirements/stack/")}
    assert mentioning <= MANY_PYTHONS | markers | {path for path in files if path.endswith(".py")}
    changed = {path for path, state in found["3.12"].items() if found["3.13"][path] != state}
    assert {".python-version", "pyproject.toml", ".gitlab-ci.yml", "README.md"} <= changed
