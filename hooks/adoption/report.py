"""Show the plan of an adoption, and what to do next."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hooks.adoption import trial
from hooks.adoption.files import ADDED, INDEXES, KEPT, MOVED
from hooks.adoption.layers import TORCH, Sorted
from hooks.adoption.plan import BRANCH, Plan
from hooks.adoption.survey import SCRIPTS, Survey
from hooks.adoption.wanted import without_password
from hooks.command_line import say

SECTIONS = (
    *("Found", "Answers", "Files", "Requirements", "Optional", "Not carried over", "Locks", "Open"),
)
Row = tuple[str, str, str]


def show(console: Console, planned: Plan) -> None:
    """Print the plan, as tables on a terminal and as plain lines elsewhere."""
    for title, rows in zip(SECTIONS, _sections(planned), strict=True):
        if not rows:
            continue
        if not console.is_terminal:
            say(console, f"{title}:")
            width = max(len(row[0]) for row in rows)
            for name, verdict, detail in rows:
                line = f"  {name:<{width}}  {verdict}{': ' if detail else ''}{detail}"
                say(console, without_password(line))
            continue
        table = Table(title=title, title_justify="left", show_header=False)
        for row in rows:
            table.add_row(*(Text(without_password(each)) for each in row))
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
    return [without_password(line) for line in lines]


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
    tied = {address for _, address in found.findings.ties}
    rows += [
        (
            address,
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
    return [(name, why, "") for name, why in dict(rows).items()]


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
