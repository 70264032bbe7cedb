"""Give an existing repository the template's environment, on a branch of its own.

    python hooks/adopt.py PATH [--yes] [--data NAME=ANSWER ...] [--dry-run] [--no-lock]
                          [--as-of DAY] [--carry PART] [--environment PART] [--loosen NAME]
                          [--leave-out NAME]

It reads what is there and runs none of it, proposes answers, shows what would become of every file
and every pin, and writes the result as two commits on a new branch. The work tree and the branch
that is checked out stay as they are. Nothing is lost: it proves that before it makes the branch.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

try:
    import questionary
    import yaml
    from packaging.utils import canonicalize_name
    from rich.console import Console

    from envkeep.project.git import TreeEntry
    from hooks.adoption import index, stack, trial
    from hooks.adoption.answers import Proposal, propose
    from hooks.adoption.files import KEPT, FilePlan, clashes_in_make, has_docs, plan
    from hooks.adoption.layers import computes_with_torch, sort
    from hooks.adoption.plan import BRANCH, Plan
    from hooks.adoption.report import next_steps, show
    from hooks.adoption.repository import Repository, lost
    from hooks.adoption.survey import Survey, Wishes, survey
    from hooks.adoption.wanted import DEVELOP, without_password
    from hooks.command_line import add_options, ended, folder, say
    from hooks.errors import HookError
    from hooks.machine_answers import detect
    from hooks.new_project import parse_answers
    from hooks.rendering import Request, check_answers, render
except ModuleNotFoundError as error:
    sys.exit(f"error: {error.name} is not installed: run `make venv`, then use .venv/bin/python.")

ANSWERS = ".copier-answers.yml"
ADOPTED = "adopted"
OWN_BUILD = "own_build"
OWN_DOCS = "own_docs"
MOVES = "Move files out of the way of the project template"
ADOPTS = "Adopt the project template"
LAST_COMMIT = "last-commit"


def main(argv: Sequence[str] | None = None) -> int:
    """Adopt a repository; an error that the user can fix becomes one sentence."""
    arguments = parser().parse_args(argv)
    console = Console(highlight=False)
    return ended(lambda: adopt(arguments, console), lambda: "the repository is as it was.")


def adopt(arguments: argparse.Namespace, console: Console) -> int:
    """Plan, show, ask, and make the branch.

    Raises:
        HookError: The repository cannot be adopted as it is; it is left as it was.
    """
    given = parse_answers(arguments.data)
    check_answers(given)
    repository = Repository.at(arguments.path)
    check_adoptable(repository)
    if not (arguments.yes or arguments.dry_run or sys.stdin.isatty()):
        raise HookError("there is no terminal to ask on: add --yes to accept the plan.")
    planned = make_plan(repository, given, arguments)
    show(console, planned)
    if arguments.dry_run:
        say(console, "Nothing was written.")
        return 0
    if not arguments.yes and not questionary.confirm("Make the branch?").unsafe_ask():
        say(console, "Nothing was written.")
        return 0
    write(planned)
    for line in next_steps(planned):
        say(console, line)
    return 0


def check_adoptable(repository: Repository) -> None:
    """Refuse a repository that is a project of the template, or is being adopted.

    Raises:
        HookError: The repository follows a template, or has the branch of an adoption.
    """
    if ANSWERS in repository.tree:
        raise HookError(_already_follows(repository))
    if repository.has_branch(BRANCH):
        raise HookError(
            f"the branch {BRANCH} exists: merge it, or delete it (`git branch -D {BRANCH}`) "
            "to begin again."
        )
    clash = next((path for path in repository.tree if path.startswith(f"{KEPT}/")), None)
    if clash:
        raise HookError(f"{clash} is in the way: rename the folder {KEPT}, commit, adopt again.")
    repository.check_author()


def _already_follows(repository: Repository) -> str:
    """Say what a repository that follows some template can do."""
    text = repository.text(ANSWERS) or ""
    if "keep.py" in repository.tree or f"\n{ADOPTED}:" in text:
        return (
            f"{repository.folder} follows a template already ({ANSWERS}): "
            "`make update` there brings the newest release."
        )
    found = re.search(r"^_src_path:\s*(?P<source>\S+)", text, re.MULTILINE)
    other = f" {without_password(found['source'])}" if found else ""
    return (
        f"{repository.folder} follows another template{other} ({ANSWERS}), and Copier keeps one "
        f"such file: to follow this one instead, `git mv {ANSWERS} .copier-answers.other.yml`, "
        "commit, and adopt again."
    )


def make_plan(
    repository: Repository, given: Mapping[str, str], arguments: argparse.Namespace
) -> Plan:
    """Read the repository, propose answers, render beside it and compare.

    Raises:
        HookError: A file cannot be read, Copier refused an answer, or a file gets no place.
    """
    found = survey(repository, _wishes(arguments))
    proposal = propose(found, stack.load(), detect(), given)
    answers = {**proposal.answers, **given}
    if not computes_with_torch(answers):
        for name in ("backends", "cuda_build", "rocm_build", "torch_index"):
            answers.pop(name, None)
    indirect = found.findings.indirect()
    if arguments.as_of:
        day = _day(found, arguments.as_of)
        indirect = _versions_of(day, found, answers["python_version"])
    with tempfile.TemporaryDirectory(prefix="adopt-") as folder:
        rendered = Path(folder) / "project"
        everything = {**answers, ADOPTED: "true"}
        if found.own_build:
            everything[OWN_BUILD] = "true"
        if has_docs(repository):
            everything[OWN_DOCS] = "true"
        notes = render(Request(arguments.source, rendered, everything, ref=arguments.vcs_ref))
        if ADOPTED not in yaml.safe_load((rendered / ANSWERS).read_text(encoding="utf-8")):
            raise HookError(
                "this release of the template cannot adopt: name a newer one by --vcs-ref."
            )
        planned = _planned(found, proposal, answers, indirect, rendered)
        planned = replace(planned, notes=tuple(notes))
        if arguments.no_lock:
            return planned
        tried = _tried(planned)
        if tried.trial and tried.trial.is_conflict and not arguments.as_of:
            tried = _with_own_versions(tried, rendered) or tried
        return tried


def _planned(
    found: Survey,
    proposal: Proposal,
    answers: Mapping[str, str],
    indirect: Mapping[str, str],
    rendered: Path,
) -> Plan:
    own = canonicalize_name(found.distribution)
    requirements = sort(found.findings.once_each(), stack.load(), answers, own, indirect)
    files = plan(found, rendered, requirements, trains=answers["training"] != "none")
    clashes = tuple(clashes_in_make(found, rendered))
    return Plan(found, answers, proposal, requirements, files, (), clashes)


def _tried(planned: Plan) -> Plan:
    """Try whether it locks; what lets it lock is taken into overrides.txt."""
    written = planned.files.written
    tried = trial.lock(written, planned.answers["python_version"])
    written[trial.OVERRIDES] = tried.overrides or written[trial.OVERRIDES]
    return replace(planned, trial=tried)


def _with_own_versions(planned: Plan, rendered: Path) -> Plan | None:
    """Plan again with versions that go together for the repository alone, whatever the stack pins.

    Returns:
        The plan, None if that does not lock either.
    """
    found = planned.found
    before = dict(found.findings.locked)
    try:
        indirect = _own_versions(found, planned.answers)
    except HookError:
        found.findings.locked = before
        return None
    again = replace(
        _planned(found, planned.proposal, planned.answers, indirect, rendered), notes=planned.notes
    )
    tried = _tried(again)
    if tried.trial is None or tried.trial.reason:
        found.findings.locked = before
        return None
    note = (
        "what the repository asks for does not go together with the stack release: overrides.txt "
        "has versions of its own for that."
    )
    return replace(tried, notes=(*planned.notes, note))


def _wishes(arguments: argparse.Namespace) -> Wishes:
    return Wishes(
        carry=arguments.carry,
        environments=arguments.environment,
        loosen=arguments.loosen,
        leave_out=arguments.leave_out,
        asks_index=not arguments.no_lock,
    )


def _day(found: Survey, said: str) -> date:
    """Return the day that --as-of names.

    Raises:
        HookError: It is none.
    """
    text = found.repository.last_day() if said == LAST_COMMIT else said
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HookError(f"--as-of {said}: write a day as YYYY-MM-DD, or {LAST_COMMIT}.") from error


def _own_versions(found: Survey, answers: Mapping[str, str]) -> dict[str, str]:
    """Pin what goes together with the stack's torch today, whatever else the stack pins.

    Raises:
        HookError: Nothing fits together.
    """
    data, python = stack.load(), answers["python_version"]
    for each in found.findings.once_each():
        if data.is_torch_family(each.name):
            found.findings.locked.setdefault(each.name, data.pinned(python)[each.name])
    return _versions_of(datetime.now(tz=UTC).date(), found, python)


def _versions_of(day: date, found: Survey, python: str) -> dict[str, str]:
    """Pin what the repository does not pin as it was on a day; return what is needed indirectly.

    Raises:
        HookError: Nothing of that day fits together.
    """
    findings = found.findings
    wanted = [each for each in findings.once_each() if each.use != DEVELOP]
    versions = index.versions_as_of(wanted, day, python)
    asked = {each.name for each in wanted}
    for name in asked & versions.keys():
        findings.locked.setdefault(name, versions[name])
    return {name: version for name, version in versions.items() if name not in asked}


def write(planned: Plan) -> None:
    """Make both commits, prove that nothing is lost, and only then make the branch.

    Raises:
        HookError: Something would be lost; there is no branch then.
    """
    repository = planned.found.repository
    change = planned.files.change
    parent = repository.head
    if change.moves:
        parent = repository.commit(change.tree, parent, MOVES)
    written = _stored(repository, planned.files)
    change.tree.update(written)
    commit = repository.commit(change.tree, parent, ADOPTS)
    missing = lost(repository, commit, change, KEPT)
    if missing:
        raise HookError(
            f"the branch was not made, as it would lose {', '.join(missing)}: this is a defect of "
            "the adoption, please report it.",
            exit_code=1,
        )
    repository.make_branch(BRANCH, commit)


def _stored(repository: Repository, files: FilePlan) -> dict[str, TreeEntry]:
    return {
        path: repository.store(content, executable=path in files.executable)
        for path, content in files.written.items()
    }


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    found = argparse.ArgumentParser(
        description="Give an existing repository the template's environment, on a new branch."
    )
    found.add_argument("path", metavar="PATH", type=folder, help="top of the git repository")
    found.add_argument("--yes", action="store_true", help="ask nothing, accept the plan")
    found.add_argument("--dry-run", action="store_true", help="show the plan and stop")
    found.add_argument(
        "--no-lock", action="store_true", help="do not try whether it locks, ask no package index"
    )
    found.add_argument(
        "--as-of",
        metavar="DAY",
        default="",
        help=f"take what is not pinned as it was on a day (YYYY-MM-DD or {LAST_COMMIT})",
    )
    for option, value, what in (
        ("--carry", "PART", "take an optional part or a file too"),
        ("--environment", "PART", "give an optional part an environment of its own"),
        ("--loosen", "NAME", "do not take a package's exact version"),
        ("--leave-out", "NAME", "do not take a package"),
    ):
        found.add_argument(option, metavar=value, action="append", default=[], help=what)
    add_options(found)
    return found


if __name__ == "__main__":
    sys.exit(main())
