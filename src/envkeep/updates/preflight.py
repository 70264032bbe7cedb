"""Preflight checks of an update."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

from envkeep.errors import ToolError
from envkeep.paths import ANSWERS
from envkeep.project.git import Git

LEAST_GIT = (2, 31)
"""The first git that takes settings from variables, which also reach the git that Copier starts."""

UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
SHOWN_PATHS = 5
ADDRESS = re.compile(r"[\w.+-]+@?[\w.-]*:")
AGAIN = "then run the command again"


def check(project: Git) -> str:
    """Check that no edit can get lost, and return the template's location.

    Args:
        project: Git in the project's folder.

    Raises:
        ToolError: git, the repository or the recorded answers are not ready for an update.
    """
    _check_git(project)
    _check_repository(project)
    _check_clean(project)
    return _template(project)


def status(project: Git) -> list[str]:
    """Return the paths, relative to the project, that differ from what was committed.

    Raises:
        ToolError: git failed.
    """
    prefix = project.text("rev-parse", "--show-prefix")
    options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames")
    lines = project.paths("status", *options, "--", ".")
    return [line[3:].removeprefix(prefix) for line in lines]


def metadata_of(answers: str) -> dict[str, str]:
    """Return what Copier itself wrote into a file of answers, by name."""
    found = re.findall(r"^(_\w+): (.*)$", answers, re.MULTILINE)
    return {name: value.strip().strip("\"'") for name, value in found}


def _check_git(project: Git) -> None:
    found = re.match(r"git version (\d+)\.(\d+)", project.text("version"))
    if found and (int(found[1]), int(found[2])) < LEAST_GIT:
        least = ".".join(map(str, LEAST_GIT))
        raise ToolError(f"an update needs git {least} or newer and this is {found[0]}; upgrade it.")


def _check_repository(project: Git) -> None:
    done = project.run("rev-parse", "--is-inside-work-tree")
    if done.code and "not a git repository" not in done.errors:
        raise ToolError(f"git refuses the project: {done.errors.partition(chr(10))[0]}.")
    if done.output.strip() != b"true" or project.says("check-ignore", "."):
        raise ToolError(
            "the project is not in a git repository, without which nobody can tell your edits "
            "from the template's; run `git init`, commit everything, " + AGAIN + "."
        )
    if not project.says("rev-parse", "--verify", "--quiet", "HEAD"):
        raise ToolError(f"nothing is committed yet; commit the project, {AGAIN}.")
    for name, title in UNFINISHED.items():
        if (project.folder / project.text("rev-parse", "--git-path", name)).exists():
            raise ToolError(f"a {title} is not finished; finish it or abort it, {AGAIN}.")


def _check_clean(project: Git) -> None:
    dirty = status(project)
    if dirty:
        more = f" and {len(dirty) - SHOWN_PATHS} more" if len(dirty) > SHOWN_PATHS else ""
        raise ToolError(
            f"there are changes that are not committed: {', '.join(dirty[:SHOWN_PATHS])}{more}; "
            f"commit them, or put them aside with `git stash --include-untracked`, {AGAIN}."
        )


def _template(project: Git) -> str:
    if not project.says("ls-files", "--", ANSWERS.name) or not ANSWERS.is_file():
        raise ToolError(
            f"{ANSWERS.name} is not here, which says what the project was made from; "
            "restore it with git."
        )
    facts = metadata_of(ANSWERS.read_text(encoding="utf-8"))
    for name in ("_src_path", "_commit"):
        if not facts.get(name):
            raise ToolError(
                f"{ANSWERS.name} has no {name}, so that it does not say what the project was "
                "made from; restore it with git."
            )
    return _reachable(facts["_src_path"])


def _reachable(template: str) -> str:
    """Refuse a relative path.

    Raises:
        ToolError: the recorded path is relative.
    """
    if ADDRESS.match(template) or template.startswith("~"):
        return template
    if not any(kind(template).is_absolute() for kind in (PurePosixPath, PureWindowsPath)):
        raise ToolError(
            f"the template is recorded as {template}, a path relative to the folder in which the "
            f"project was copied; write the template's address or absolute path as _src_path in "
            f"{ANSWERS.name}, commit that, {AGAIN}."
        )
    return template
