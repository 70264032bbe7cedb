"""Give an existing repository the template's environment, on a branch of its own.

    python hooks/adopt.py PATH [--yes] [--data NAME=ANSWER ...] [--dry-run]

It reads what is there and runs none of it, proposes answers, shows what would become of every file
and every pin, and writes the result as two commits on a new branch. The work tree and the branch
that is checked out stay as they are. Nothing is lost: it proves that before it makes the branch.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

try:
    import questionary
    import yaml
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from envkeep.project.git import TreeEntry
    from hooks.adoption import stack
    from hooks.adoption.answers import Proposal, propose
    from hooks.adoption.files import ADDED, KEPT, MOVED, FilePlan, clashes_in_make, plan
    from hooks.adoption.layers import TORCH, Sorted, sort
    from hooks.adoption.repository import Repository, lost
    from hooks.adoption.survey import SCRIPTS, Survey, survey
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
MOVES = "Move files out of the way of the project template"
ADOPTS = "Adopt the project template"
SECTIONS = ("Found", "Answers", "Files", "Requirements", "Not carried over", "Open")
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
    """

    found: Survey
    answers: Mapping[str, str]
    proposal: Proposal
    requirements: Sorted
    files: FilePlan
    notes: tuple[str, ...]
    overrides_of_make: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Adopt a repository; an error that the user can fix becomes one sentence."""
    arguments = _parser().parse_args(argv)
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
        raise HookError(
            f"{repository.folder} follows a template already ({ANSWERS}): "
            "`make update` there brings the newest release."
        )
    if repository.has_branch(BRANCH):
        raise HookError(
            f"the branch {BRANCH} exists: merge it, or delete it (`git branch -D {BRANCH}`) "
            "to begin again."
        )
    clash = next((path for path in repository.tree if path.startswith(f"{KEPT}/")), None)
    if clash:
        raise HookError(f"{clash} is in the way: rename the folder {KEPT}, commit, adopt again.")
    repository.check_author()


def make_plan(
    repository: Repository, given: Mapping[str, str], arguments: argparse.Namespace
) -> Plan:
    """Read the repository, propose answers, render beside it and compare.

    Raises:
        HookError: A file cannot be read, Copier refused an answer, or a file gets no place.
    """
    found = survey(repository)
    data = stack.load()
    proposal = propose(found, data, detect(), given)
    answers = {**proposal.answers, **given}
    if answers["training"] == "none":
        for name in ("backends", "cuda_build", "rocm_build", "torch_index"):
            answers.pop(name, None)
    requirements = sort(
        found.findings.once_each(), data, answers, found.distribution.replace("_", "-").lower()
    )
    with tempfile.TemporaryDirectory(prefix="adopt-") as folder:
        rendered = Path(folder) / "project"
        everything = {**answers, ADOPTED: "true"}
        notes = render(Request(arguments.source, rendered, everything, ref=arguments.vcs_ref))
        if ADOPTED not in yaml.safe_load((rendered / ANSWERS).read_text(encoding="utf-8")):
            raise HookError(
                "this release of the template cannot adopt: name a newer one by --vcs-ref."
            )
        trains = answers["training"] != "none"
        files = plan(found, rendered, requirements, trains=trains)
        clashes = clashes_in_make(found, rendered)
    return Plan(found, answers, proposal, requirements, files, tuple(notes), tuple(clashes))


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
            (str(pin.wanted.requirement), pin.verdict, f"{pin.detail} ({pin.layer})")
            for pin in planned.requirements.pins
        ],
        _skipped_rows(planned),
        [(str(number), text, "") for number, text in enumerate(_open(planned), start=1)],
    ]


def _found_rows(found: Survey) -> list[Row]:
    package = found.package
    kind = "no package" if package.layout == SCRIPTS else f"{package.folder} ({package.layout})"
    rows = [("package", kind, "")]
    rows += [("requirements", path, "") for path in found.requirement_sources]
    rows += [("Python", text, path) for text, path in found.findings.pythons]
    rows += [("index", address, path) for address, path in found.findings.indexes]
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
    rows += [
        (address, f"{path}: no name is taken from two indexes; configure pip for a mirror")
        for address, path in planned.proposal.foreign_indexes
    ]
    if found.findings.locked:
        rows.append(("versions of indirect requirements", "resolved again by `make lock`"))
    rows += [(path, "stays; it does not use the project's locks yet") for _, path in found.images]
    rows += [(path, "stays; it does not run `make setup` yet") for path in found.workflows]
    if "poetry" in found.pyproject.get("tool", {}):
        to = "requirements/ has them; a package that you publish needs them in [project] too"
        rows.append(("tool.poetry.dependencies", to))
        if "poetry.lock" in found.repository.tree:
            rows.append(("poetry.lock", "stays; Poetry finds no tables of its own any more"))
    rows.append(("the template's example: package, tests, data", "you have your own"))
    return [(name, why, "") for name, why in dict(rows).items()]


def _open(planned: Plan) -> list[str]:
    found = planned.found
    open_questions = [*planned.proposal.undecided, *planned.notes]
    if planned.overrides_of_make:
        names = ", ".join(planned.overrides_of_make)
        open_questions.append(
            f"local.mk has {names} as the template's Makefile does, and wins; "
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Give an existing repository the template's environment, on a new branch."
    )
    parser.add_argument("path", metavar="PATH", type=folder, help="top of the git repository")
    parser.add_argument("--yes", action="store_true", help="ask nothing, accept the plan")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and stop")
    add_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
