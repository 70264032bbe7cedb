"""Every release ever made still renders, and a project made from it updates to the work tree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from maintain import ROOT
from maintain.ownership.render import COPIER_FILE
from maintain.releases.answer_changes import Change, load_changes
from maintain.releases.publish import check_earlier_releases
from maintain.releases.record import load
from maintain.releases.updates import EXAMPLES, Case, cases, findings, kept_by_updates
from tests.render.questions import Questions, answers_of
from tests.support.copier_runs import (
    NEWEST,
    commit,
    conflicts,
    release,
    render,
    stage,
    update,
)

RELEASES = [release.version for release in load()]
SLOW = pytest.mark.slow
EDITS = {
    "README.md": "\nOur own words.\n",
    "requirements/40-dev.in": "tomli-w\n",
    "requirements/overrides.txt": "iniconfig==2.1.0\n",
    "local.mk": "\nours:  ## our target\n\t@echo ours\n",
    "pyproject.toml": "\n[tool.coverage.run]\nbranch = true\n",
    ".gitignore": "/scratch/\n",
}
OLD = "998.0.0"
CHANGES = load_changes()


@pytest.mark.slow
def test_a_project_left_alone_becomes_as_a_fresh_copy(template: Path, tmp_path: Path) -> None:
    assert findings(template, Case(RELEASES[-1], {}), CHANGES, tmp_path) == []


@pytest.mark.slow
def test_every_answer_to_every_release_is_kept_and_every_project_updates() -> None:
    check_earlier_releases(ROOT)


@pytest.mark.slow
def test_every_choice_of_the_work_tree_is_tried(template: Path) -> None:
    found = [case.answers for case in cases(template, NEWEST)]
    for name, choices in Questions.of(template).choices.items():
        tried = [answers[name] for answers in found if name in answers]
        assert len({*tried} | {*choices}) == len(choices)
        assert len({*tried}) >= len(choices) - 1, "but for the default, all"
    assert any("cuda_build" in answers for answers in found)


def test_each_question_that_takes_any_text_has_an_example(template: Path) -> None:
    asked = Questions.of(template).asked
    texts = {name for name, row in asked.items() if "choices" not in row and row["type"] != "bool"}
    assert EXAMPLES.keys() == texts


@pytest.mark.parametrize(
    "version", [*(pytest.param(each, marks=SLOW) for each in RELEASES[:-1]), RELEASES[-1]]
)
def test_an_edited_project_updates_without_a_conflict(
    version: str, template: Path, tmp_path: Path
) -> None:
    project = render(template, tmp_path / "project", version=version)
    commit(project, "First copy")
    for path, text in EDITS.items():
        with (project / path).open("a", encoding="utf-8") as file:
            file.write(text)
    commit(project, "Our work")
    update(project)
    assert conflicts(project) == []
    for path, text in EDITS.items():
        assert (project / path).read_text(encoding="utf-8").endswith(text), path


def test_a_package_keeps_its_name_when_the_name_becomes_reserved(tmp_path: Path) -> None:
    """A newer stack has a package of that name; Copier would drop the answer without a word."""
    template = stage(tmp_path / "template", OLD)
    project = render(template, tmp_path / "project", {"package_name": "digits"}, version=OLD)
    commit(project, "First copy")
    names = template / "stack" / "reserved_names.yml"
    names.write_text(f'{names.read_text(encoding="utf-8")}  - "digits"\n', encoding="utf-8")
    release(template, NEWEST)
    update(project)
    assert answers_of(project)["package_name"] == "digits"
    assert (project / "src" / "digits").is_dir()


def test_the_teams_files_are_kept_and_the_templates_are_not(template: Path) -> None:
    kept = kept_by_updates(template)
    for path in ("README.md", "configs/train.yaml", "src/package/config.py"):
        assert kept.match_file(path)
    for path in ("Makefile", "keep.py", "pyproject.toml", ".copier-answers.yml"):
        assert not kept.match_file(path)


def without_a_licence(template: Path) -> None:
    path = template / "questions" / "10-project.yml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.endswith("BSD-3-Clause\n")))


def with_another_licence_for_it(template: Path) -> None:
    without_a_licence(template)
    path = template / "questions" / "10-project.yml"
    text = path.read_text(encoding="utf-8")
    mapped = "{{ {'BSD-3-Clause': 'Apache-2.0'}.get(license | default(''), 'MIT') }}"
    path.write_text(text.replace("  default: MIT\n", f'  default: "{mapped}"\n'))


def with_a_python_less(template: Path) -> None:
    path = template / "questions" / "00-stack.yml"
    text = path.read_text(encoding="utf-8")
    assert ", stack_pythons[3]]" in text
    path.write_text(text.replace(", stack_pythons[3]]", "]"), encoding="utf-8")


def with_a_flag_that_old_releases_lack(template: Path) -> None:
    path = template / COPIER_FILE
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["_exclude"].append("{% if flags.later %}/Makefile{% endif %}")
    flags = settings["flags"]
    flags["default"] = flags["default"].replace(
        "'always': true,", "'always': true, 'later': false,"
    )
    path.write_text(yaml.safe_dump(settings, width=1000, sort_keys=False), encoding="utf-8")


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[Path], None]], Path]:
    """Return a function that makes releases of a changed template after release OLD."""

    def make(change: Callable[[Path], None]) -> Path:
        template = stage(tmp_path / "changed", OLD)
        change(template)
        release(template, NEWEST)
        return template

    return make


BSD = {"license": "BSD-3-Clause"}
BSD_CHANGE = Change(Version(OLD), "license", "BSD-3-Clause", "becomes", "Apache-2.0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "answers", "version", "changes", "said"),
    [
        (without_a_licence, BSD, OLD, [], "license=BSD-3-Clause became MIT without a word"),
        (with_another_licence_for_it, BSD, OLD, [], "became Apache-2.0 without a word"),
        (with_another_licence_for_it, BSD, OLD, [BSD_CHANGE], None),
        (with_a_python_less, {"python_version": "3.11"}, "0.1.0", CHANGES, "the update stops: "),
        (with_a_flag_that_old_releases_lack, {}, "0.1.0", CHANGES, "has no attribute 'later'"),
    ],
    ids=["choice-gone", "unrecorded", "recorded", "refused", "flag"],
)
def test_what_a_release_would_lose_is_found(
    change: Callable[[Path], None],
    answers: dict[str, Any],
    version: str,
    changes: list[Change],
    said: str | None,
    changed: Callable[[Callable[[Path], None]], Path],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "projects"
    found = findings(changed(change), Case(version, answers), changes, folder)
    assert len(found) == (0 if said is None else 1)
    assert said is None or said in found[0]


@pytest.mark.slow
def test_a_file_that_an_update_does_not_bring_is_found(tmp_path: Path) -> None:
    """`_skip_if_exists` on a file of the template: its users would never get its changes."""
    template = stage(tmp_path / "template", OLD)
    makefile = template / "template" / "Makefile.jinja"
    path = template / "copier.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}---\n_skip_if_exists: [/Makefile]\n", encoding="utf-8")
    makefile.write_text(makefile.read_text(encoding="utf-8") + "# new\n", encoding="utf-8")
    release(template, NEWEST)
    (found,) = findings(template, Case(OLD, {}), [], tmp_path / "projects")
    assert "Makefile is not as in a fresh copy" in found
