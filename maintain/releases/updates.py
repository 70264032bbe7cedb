"""Prove that projects of every release update to the template as it stands.

A case is a release and answers to it. The project is copied and updated by Copier's command line,
untrusted and without questions, as people and services do it; nothing but git may be started.
Afterwards no answer may have changed but as ``questions/changes.yml`` says, nothing may be in
conflict, every file that an update writes must be as in a fresh copy, and all others as they were.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier._main import Worker
from copier._user_data import Question
from pathspec import PathSpec

from maintain.ownership.render import COPIER_FILE
from maintain.releases.answer_changes import Change, Outlook, outlook
from maintain.releases.record import ReleaseError
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import (
    Answers,
    FileState,
    commit,
    conflicts,
    files_of,
    programs_that_copier_starts,
    render,
)

EXAMPLES: Answers = {
    "project_name": "Another name",
    "package_name": "another_package",
    "project_description": 'Another "description"',
    "author_name": "Another team",
    "author_email": "team@example.org",
    "repository_url": "https://example.org/team/project",
    "torch_index": "/srv/wheels",
}
"""An answer to each question that takes any text."""

TAG = re.compile(r"\{%.*?%\}")
UPDATE = "_copier_operation"


@dataclass(frozen=True)
class Case:
    """A release, and the answers to it that differ from its defaults."""

    version: str
    answers: Answers

    def __str__(self) -> str:
        """Return the case in words."""
        said = ", ".join(f"{name}={value}" for name, value in self.answers.items())
        return f"release {self.version} with {said or 'its defaults'}"


@dataclass(frozen=True)
class Asked:
    """A question that a release asks.

    Attributes:
        answer: Its answer in the case at hand.
        choices: What can be answered; empty if any text can.
        several: Whether several choices can be answered at once.
    """

    answer: Any
    choices: tuple[Any, ...]
    several: bool

    def others(self) -> Iterator[Any]:
        """Yield every single choice that is not the answer, as an answer."""
        for choice in self.choices:
            answer = [choice] if self.several else choice
            if answer != self.answer:
                yield answer


def cases(template: Path, version: str) -> list[Case]:
    """Return the answer sets, every single choice of a release, and one with all texts changed.

    Raises:
        ReleaseError: ``EXAMPLES`` has no answer to a question that takes any text.
    """
    asked = _asked(template, Case(version, {}))
    texts = {name: EXAMPLES.get(name) for name, row in asked.items() if not row.choices}
    without = [name for name, text in texts.items() if text is None]
    if without:
        raise ReleaseError(f"EXAMPLES in {Path(__file__).name} lacks {', '.join(without)}.")
    answers = [
        *ANSWER_SETS.values(),
        texts,
        *_single_choices(template, version, {}, asked, asked.keys()),
    ]
    unique = [each for number, each in enumerate(answers) if each not in answers[:number]]
    return [Case(version, each) for each in unique]


def findings(template: Path, case: Case, changes: Sequence[Change], folder: Path) -> list[str]:
    """Return what is wrong with the update of a case's project, one sentence each.

    Args:
        template: A staged template, whose newest release is updated to.
        case: The release and answers of the project.
        changes: The changes of answers that are meant.
        folder: An empty folder for the projects.
    """
    project = folder / "project"
    try:
        release = ["--vcs-ref", case.version]
        started = _copier("copy", case.answers, *release, str(template), str(project))
    except AssertionError as error:
        return [f"{case} does not render: {_last_line(error)}"]
    commit(project, "First copy")
    stored, before = stored_answers(project), files_of(project)
    meant = outlook(changes, case.version, stored)
    # A release ignores an answer to a question that it does not have; the update can give it.
    later = {name: value for name, value in case.answers.items() if name not in stored}
    try:
        started |= _copier("update", later, str(project))
    except AssertionError as error:
        return [f"{case}: {each}" for each in _refusal(meant, before, project, error)]
    fresh = render(template, folder / "fresh", stored_answers(project))
    wrong = [
        *(f"Copier started {program}." for program in started - {"git"}),
        *(f"{path} is in conflict." for path in conflicts(project)),
        *_lost_answers(meant, stored_answers(project)),
        *_strange_files(before, files_of(project), files_of(fresh), kept_by_updates(template)),
    ]
    return [f"{case}: {each}" for each in wrong]


def stored_answers(project: Path) -> dict[str, Any]:
    """Return the answers that a project keeps, without Copier's own entries."""
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in stored.items() if not name.startswith("_")}


def kept_by_updates(template: Path) -> PathSpec[Any]:
    """Return what an update neither writes nor deletes, by the template's settings."""
    settings = yaml.safe_load((template / COPIER_FILE).read_text(encoding="utf-8"))
    excluded = [line for line in settings["_exclude"] if UPDATE in line or not TAG.search(line)]
    lines = [*excluded, *settings.get("_skip_if_exists", [])]
    return PathSpec.from_lines("gitignore", [TAG.sub("", line) for line in lines])


def _single_choices(
    template: Path, version: str, given: Answers, asked: Mapping[str, Asked], seen: Set[str]
) -> Iterator[Answers]:
    """Yield every choice that is not its question's default, one at a time.

    A choice can bring further questions; their choices follow, each together with it.
    """
    for name, row in asked.items():
        for other in row.others():
            answers = {**given, name: other}
            try:
                now = _asked(template, Case(version, answers))
            except ValueError:  # the release refuses it beside the other answers
                continue
            yield answers
            new = {each: question for each, question in now.items() if each not in seen}
            yield from _single_choices(template, version, answers, new, seen | now.keys())


def _asked(template: Path, case: Case) -> dict[str, Asked]:
    """Return the questions that a release asks when it gets a case's answers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Worker(
            src_path=str(template),
            dst_path=Path(folder) / "project",
            data=dict(case.answers),
            defaults=True,
            quiet=True,
            pretend=True,
            vcs_ref=case.version,
        ) as worker,
    ):
        worker.run_copy()
        made = {
            name: Question(
                answers=worker.answers,
                context=worker._render_context(),
                jinja_env=worker.jinja_env,
                settings=worker.settings,
                var_name=name,
                **details,
            )
            for name, details in worker.template.questions_data.items()
        }
        answers = worker.answers.combined
        return {
            name: Asked(answers[name], _choices_of(question), question.multiselect)
            for name, question in made.items()
            if question.get_when() and question.get_ask()
        }


def _choices_of(question: Question) -> tuple[Any, ...]:
    if question.get_type_name() == "bool":
        return (False, True)
    offered = (choice for choice in question._formatted_choices if not choice.disabled)
    return tuple(question.cast_answer(choice.value) for choice in offered)


def _copier(command: str, answers: Answers, *arguments: str) -> set[str]:
    """Run Copier's command line and return the programs that it started."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        yaml.safe_dump(dict(answers), file, allow_unicode=True)
        file.flush()
        given = ["--defaults", "--quiet", "--data-file", file.name]
        return set(programs_that_copier_starts(command, *given, *arguments))


def _last_line(error: AssertionError) -> str:
    return str(error).strip().splitlines()[-1]


def _refusal(
    meant: Outlook, before: Mapping[str, FileState], project: Path, error: AssertionError
) -> Iterator[str]:
    """Yield what is wrong with an update that stopped."""
    if not meant.refused:
        yield f"the update stops: {_last_line(error)}"
    if files_of(project) != before:
        yield "the update stopped half-way."


def _lost_answers(meant: Outlook, found: Answers) -> Iterator[str]:
    """Yield which answers are not what they are meant to be."""
    if meant.refused:
        yield "the update went through, though a change of the answers refuses it."
    for name, answer in meant.answers.items():
        if found.get(name) != answer:
            yield (
                f"the answer {name}={answer} became {found.get(name, 'nothing')} without a word: "
                "keep it, or write what becomes of it into questions/changes.yml."
            )


def _strange_files(
    before: Mapping[str, FileState],
    found: Mapping[str, FileState],
    fresh: Mapping[str, FileState],
    kept: PathSpec[Any],
) -> Iterator[str]:
    """Yield which files are neither as in a fresh copy nor kept as they were."""
    for path in sorted({*found, *fresh}):
        as_it_was = kept.match_file(path) and found.get(path) == before.get(path)
        if found.get(path) != fresh.get(path) and not as_it_was:
            yield f"{path} is not as in a fresh copy."
