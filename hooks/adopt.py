"""Give an existing repository the template's environment, on a branch of its own.

    python hooks/adopt.py PATH [--yes] [--data NAME=ANSWER ...] [--dry-run] [--no-lock]
                          [--as-of last-commit] [--carry PART] [--loosen NAME] [--leave-out NAME]

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
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

try:
    import questionary
    import yaml
    from packaging.utils import canonicalize_name
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from envkeep.project.git import TreeEntry
    from hooks.adoption import index, stack, trial
    from hooks.adoption.answers import Proposal, propose
    from hooks.adoption.files import ADDED, INDEXES, KEPT, MOVED, FilePlan, clashes_in_make, plan
    from hooks.adoption.layers import TORCH, Sorted, computes_with_torch, sort
    from hooks.adoption.pyproject_merge import has_own_build
    from hooks.adoption.pyproject_read import without_password
    from hooks.adoption.repository import Repository, lost
    from hooks.adoption.stack import Stack
    from hooks.adoption.survey import SCRIPTS, Survey, Wishes, survey
    from hooks.adoption.trial import Trial
    from hooks.adoption.wanted import DEVELOP
    from hooks.command_line import add_options, ended, folder, say
    from hooks.errors import HookError
    from hooks.machine_answers import detect
    from hooks.new_project import parse_answers
    from hooks.rendering import Request, check_answers, render
except ModuleNotFoundError as error:
    sys.exit(f"error: {error.name} is not installed: run `make venv`, then use .venv/bin/python.")

BRANCH = "adopt-ai-project-template"
ANSWERS = ".copier-answers.yml"
ADOPTED = "adopted"
OWN_BUILD = "own_build"
MOVES = "Move files out of the way of the project template"
ADOPTS = "Adopt the project template"
SECTIONS = (
    *("Found", "Answers", "Files", "Requirements", "Optional", "Not carried over", "Locks", "Open"),
)
LAST_COMMIT = "last-commit"
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Plan:
    """The plan of an adoption: every change to the repository.

    Attributes:
        found: What the repository says.
        answers: The project's answers.
        proposal: How they were proposed.
        requirements: The packages in their layers.
        files: The files.
        notes: What Copier said.
        overrides_of_make: Targets and variables of make that both sides have.
        trial: Whether it locks, None if that was not tried.
    """

    found: Survey
    answers: Mapping[str, str]
    proposal: Proposal
    requirements: Sorted
    files: FilePlan
    notes: tuple[str, ...]
    overrides_of_make: tuple[str, ...]
    trial: Trial | None = None


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
    data = stack.load()
    proposal = propose(found, data, detect(), given)
    answers = {**proposal.answers, **given}
    if not computes_with_torch(answers):
        for name in ("backends", "cuda_build", "rocm_build", "torch_index"):
            answers.pop(name, None)
    indirect = found.findings.indirect()
    if arguments.as_of:
        day = _day(found, arguments.as_of)
        indirect = _versions_of_then(found, answers, data, day)
    with tempfile.TemporaryDirectory(prefix="adopt-") as folder:
        rendered = Path(folder) / "project"
        everything = {**answers, ADOPTED: "true"}
        if has_own_build(found):
            everything[OWN_BUILD] = "true"
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
        indirect = _versions_of_then(found, planned.answers, stack.load(), date.today())
    except HookError:
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


def _today() -> date:
    return datetime.now(tz=UTC).date()


def _versions_of_then(
    found: Survey, answers: Mapping[str, str], data: Stack, day: date
) -> dict[str, str]:
    """Pin what the repository does not pin as it was on a day; return what is needed indirectly.

    Torch is the stack's, unless it was not there yet.

    Raises:
        HookError: Nothing of that day fits together.
    """
    findings = found.findings
    wanted = [each for each in findings.once_each() if each.use != DEVELOP]
    if day == date.today():
        for each in wanted:
            if data.is_torch_family(each.name):
                version = data.pinned(answers["python_version"])[each.name]
                findings.locked.setdefault(each.name, version)
        wanted = [each for each in findings.once_each() if each.use != DEVELOP]
    versions = index.versions_as_of(wanted, day, answers["python_version"])
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


def show(console: Console, planned: Plan) -> None:
    """Print the plan, as tables on a terminal and as plain lines elsewhere."""
    for title, rows in zip(SECTIONS, _sections(planned), strict=True):
        if not rows:
            continue
        if not console.is_terminal:
            say(console, f"{title}:")
            width = max(len(row[0]) for row in rows)
            for name, verdict, detail in rows:
                say(console, f"  {name:<{width}}  {verdict}{': ' if detail else ''}{detail}")
            continue
        table = Table(title=title, title_justify="left", show_header=False)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)


def next_steps(planned: Plan) -> list[str]:
    """Return what to do next, for people."""
    repository = planned.found.repository
    before = repository.branch() or repository.head[:12]
    lines = [f"The branch {BRANCH} is made; {before} and your files are as they were.", "Compare:"]
    if planned.found.test_command:
        lines.append(f"  git switch {before} && {planned.found.test_command}")
    own = "test" in planned.overrides_of_make  # which calls what is active
    test = ". .venv/bin/activate && make test" if own else "make test"
    lines.append(f"  git switch {BRANCH} && make setup && {test}")
    if (repository.folder / ".venv").is_dir() and not (repository.folder / ".venv").is_symlink():
        lines.append("  (first `mv .venv .venv-old`: the project makes a link of that name)")
    lines.append(f"  git diff {before}...{BRANCH}")
    open_questions = _open(planned)
    if open_questions:
        lines += ["What could not be decided:", *(f"  - {each}" for each in open_questions)]
    return lines


def _stored(repository: Repository, files: FilePlan) -> dict[str, TreeEntry]:
    return {
        path: repository.store(content, executable=path in files.executable)
        for path, content in files.written.items()
    }


def _sections(planned: Plan) -> list[list[Row]]:
    return [
        _found_rows(planned.found),
        [
            (name, value, planned.proposal.reasons.get(name, ""))
            for name, value in planned.answers.items()
        ],
        _file_rows(planned),
        [
            *(
                (
                    str(pin.wanted.requirement),
                    pin.verdict,
                    f"{pin.detail} ({pin.layer}; {pin.wanted.origin})",
                )
                for pin in planned.requirements.pins
            ),
            *(
                (line, "overrides.txt", "indirectly needed, as it was locked")
                for line in planned.requirements.indirect
            ),
        ],
        _optional_rows(planned.found),
        _skipped_rows(planned),
        _trial_rows(planned),
        [(str(number), text, "") for number, text in enumerate(_open(planned), start=1)],
    ]


def _trial_rows(planned: Plan) -> list[Row]:
    if planned.trial is None:
        return []
    rows = [("make lock", planned.trial.verdict, "")]
    if planned.trial.locked:
        whole, lacking = trial.modules(planned.found.imports.graph, planned.trial.locked)
        rows += [("modules", "all that they import is locked", " ".join(whole))] if whole else []
        rows += [
            (name, "imports what is not locked", " ".join(missing))
            for name, missing in lacking.items()
        ]
    return rows


def _optional_rows(found: Survey) -> list[Row]:
    return [
        (
            part,
            " ".join(dict.fromkeys(each.name for each in wanted)),
            "gets an environment of its own"
            if part in found.findings.apart
            else f"--carry '{part}' takes it, --environment '{part}' makes one of its own",
        )
        for part, wanted in found.findings.optional().items()
    ]


def _found_rows(found: Survey) -> list[Row]:
    package = found.package
    kind = "no package" if package.layout == SCRIPTS else f"{package.folder} ({package.layout})"
    rows = [("package", kind, "")]
    rows += [("requirements", path, "") for path in found.requirement_sources]
    if not found.findings.wanted:
        rows.append(("requirements", "none were found, neither in files nor in imports", ""))
    if found.readme_installs:
        rows.append(("README installs", " ".join(found.readme_installs), ""))
    rows += [("Python", text, path) for text, path in found.findings.pythons]
    rows += [("index", without_password(address), path) for address, path in found.findings.indexes]
    rows += [("image", image, path) for image, path in found.images]
    if found.system_packages:
        rows.append(("system packages", " ".join(found.system_packages), ""))
    rows += [("continuous integration", path, "") for path in found.workflows]
    return [*rows, ("tests", found.test_command or "none found", "")]


def _file_rows(planned: Plan) -> list[Row]:
    """Return a row for each file, but one for all new files of a folder."""
    rows: list[Row] = []
    folders: dict[str, int] = {}
    for step in planned.files.steps:
        if step.verdict == ADDED and "/" in step.path and not step.path.startswith(KEPT):
            folder = step.path.rpartition("/")[0] + "/"
            folders[folder] = folders.get(folder, 0) + 1
        else:
            rows.append((step.path, step.verdict, step.detail))
    rows += [(folder, ADDED, f"{number} files") for folder, number in folders.items()]
    if planned.overrides_of_make:
        rows.append(("make", "yours wins", " ".join(planned.overrides_of_make)))
    return rows


def _skipped_rows(planned: Plan) -> list[Row]:
    found = planned.found
    rows = [*found.findings.skipped, *planned.requirements.skipped]
    tied = {address for _, address in found.findings.ties}
    rows += [
        (
            without_password(address),
            f"{path}: no name is taken from two indexes; tie its packages to it in {INDEXES}, or "
            "configure pip for a mirror",
        )
        for address, path in planned.proposal.foreign_indexes
        if without_password(address) not in tied
    ]
    if found.findings.locked and not planned.requirements.indirect:
        rows.append(("versions of indirect requirements", "resolved again by `make lock`"))
    rows += [(path, "stays; it does not use the project's locks yet") for _, path in found.images]
    rows += [(path, "stays; it does not run `make setup` yet") for path in found.workflows]
    if "poetry" in found.pyproject.get("tool", {}):
        to = "requirements/ has them; a package that you publish needs them in [project] too"
        rows.append(("tool.poetry.dependencies", to))
        if "poetry.lock" in found.repository.tree:
            rows.append(("poetry.lock", "stays; Poetry finds no tables of its own any more"))
    rows.append(("the template's example: package, tests, data", "you have your own"))
    return [(without_password(name), why, "") for name, why in dict(rows).items()]


def _open(planned: Plan) -> list[str]:
    found = planned.found
    open_questions = [*planned.proposal.undecided, *planned.notes]
    open_questions += found.findings.contradictions
    if any(without_password(address) != address for address, _ in found.findings.indexes):
        open_questions.append(
            "an address of an index holds a password, which was not taken: put it into ~/.netrc or "
            "the keyring, and change it, as your git history has it."
        )
    if planned.trial is not None and planned.trial.reason:
        open_questions.append(planned.trial.reason)
    if found.undeclared:
        names = ", ".join(f"{name} ({files})" for name, files in sorted(found.undeclared.items()))
        open_questions.append(
            f"the code imports what no file declares (files that do): {names}. Add what it needs "
            "to requirements/."
        )
    if found.imports.unread:
        names = ", ".join(found.imports.unread[:5])
        open_questions.append(f"no Python 3, so the imports were not read: {names}.")
    if planned.overrides_of_make:
        names = ", ".join(planned.overrides_of_make)
        open_questions.append(
            f"{_own_make(planned)} has {names} as the template's Makefile does, and wins; "
            "`python keep.py COMMAND` is the template's."
        )
    open_questions += [
        f"your {step.path} moved {step.detail}; change what imports or calls it."
        for step in planned.files.steps
        if step.verdict == MOVED and step.path.endswith(".py")
    ]
    open_questions += [
        f"your package declares {each}, which cannot be locked: `make install` stops at its check "
        "until the package asks for a released version or for nothing."
        for each in found.findings.uninstallable
    ]
    if found.repository.ignores("requirements/locks/platform/layer.txt"):
        open_questions.append(
            "your .gitignore hides requirements/locks/: add `!requirements/locks/**`."
        )
    open_questions += _about_torch(planned.requirements)
    return open_questions


def _own_make(planned: Plan) -> str:
    """Return what make reads besides the template's Makefile, as the repository called it."""
    moved = planned.files.change.moves
    return next((old for old, new in moved.items() if new == "local.mk"), "local.mk")


def _about_torch(requirements: Sorted) -> list[str]:
    """Warn of a torch that is not the stack's."""
    family = [pin for pin in requirements.pins if pin.layer == TORCH]
    own = next((pin.override for pin in family if pin.wanted.name == "torch" and pin.override), "")
    if not own:
        return []
    companions = (pin.wanted.name for pin in family if pin.wanted.name != "torch")
    return [
        f"{own} is not the stack's: check that the index has it for the chosen build and Python, "
        "or take it out of requirements/overrides.txt.",
        *(
            f"{name} goes with the stack's torch, not with {own}: name its version in "
            "requirements/overrides.txt too."
            for name in companions
            if not any(pin.override for pin in family if pin.wanted.name == name)
        ),
    ]


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
