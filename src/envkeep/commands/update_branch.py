"""Bring the template's newer release onto a branch of its own, ready to be proposed."""

from __future__ import annotations

import argparse
import re

from envkeep.errors import CommandError, ToolError
from envkeep.paths import ANSWERS, LOCKS, ROOT, UPDATES
from envkeep.project.git import Git
from envkeep.result import Result
from envkeep.updates import nested, preflight
from envkeep.updates.report import MESSAGE

HELP = "as update, then lock again and commit, on a branch of its own; CI proposes it weekly"
BRANCH = "template-update-{}"
# Who commits where nobody said who they are, as on a machine of a service.
NOBODY = {"user.name": "make update-branch", "user.email": "update@localhost"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--to", metavar="VERSION", help="this version instead of the newest")
    parser.add_argument(
        "--bundle", metavar="FILE", help="write the branch there too, for `git fetch FILE`"
    )


def run(arguments: argparse.Namespace) -> Result:
    """Update; without a newer release there is no branch.

    Raises:
        ToolError: the update was refused, or the branch is there already.
    """
    project = Git(ROOT)
    preflight.check(project)
    start = project.text("rev-parse", "HEAD")
    options = ["--to", arguments.to] if arguments.to else []
    update = nested.report_of(ROOT, "update", "--in-place", *options)
    lines = update["summary"].splitlines()
    if not preflight.status(project):
        return Result({"branch": None, **update}, lines)
    answers = ANSWERS.read_text(encoding="utf-8")
    branch = BRANCH.format(re.sub(r"[^\w.+-]", "-", preflight.metadata_of(answers)["_commit"]))
    if project.says("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}") not in ("", start):
        raise ToolError(
            f"the branch {branch} is there already; the update is in your files, uncommitted."
        )
    project.text("switch", "--quiet", "--force-create", branch)
    _commit(project, _lock_again())
    if arguments.bundle:
        project.text("bundle", "create", "--quiet", arguments.bundle, f"{start}..{branch}")
    lines += ["", f"The update is committed on the branch {branch}."]
    return Result({"branch": branch, **update}, lines)


def _lock_again() -> str:
    """Recompile the existing locks with the envkeep of the newer release.

    Returns:
        What to say about it in the commit's message.
    """
    if not any(LOCKS.glob("*/")):
        return ""
    try:
        nested.report_of(ROOT, "lock-all", "--present")
    except CommandError:
        return "\nThe locks are the old ones: locking again failed. Run `make lock-all`.\n"
    return ""


def _commit(project: Git, remark: str) -> None:
    folder = max(path for path in UPDATES.iterdir() if (path / MESSAGE).exists())
    message = (folder / MESSAGE).read_text(encoding="utf-8") + remark
    unknown = {key: text for key, text in NOBODY.items() if not project.says("config", key)}
    committing = Git(ROOT, {**project.settings, **unknown})
    committing.output("add", "--all", "--", ".")
    committing.output("commit", "--quiet", "--file=-", given=message.encode())
