# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Bring the template's newer release into the project and prove that every edit is still there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import generations
from ..paths import ROOT
from ..run import say
from ..updates import before, placing, workbench
from ..updates.git import Git
from ..updates.plan import Plan
from ..updates.report import Records, commit_message, summary
from ..updates.workbench import Workbench

HELP = "bring the template's newer release into the project; no edit of yours is lost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--to", metavar="VERSION", help="this version instead of the newest")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change an answer; repeatable",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, do nothing")


def run(arguments: argparse.Namespace) -> int:
    """Update, or leave the project exactly as it was."""
    try:
        with generations.exclusive():
            _update(arguments.to, arguments.data, dry_run=arguments.dry_run)
    except KeyboardInterrupt:
        print(
            "interrupted: unless its summary stands above, the update was not made.",
            file=sys.stderr,
        )
        return 130
    return 0


def _update(wanted: str | None, answers: Sequence[str], *, dry_run: bool) -> None:
    project = Git(ROOT)
    template = before.check(project)
    with workbench.opened(project, template) as bench:
        versions = bench.versions()
        if not (wanted or answers or versions.is_newer):
            say(f"Already up to date: the project has the template's newest, {versions.current}.")
            return
        plan = _plan(project, bench, wanted, answers)
        if not plan.changed:
            say("Already up to date: nothing would change.")
            return
        records = Records(plan)
        text = summary(plan, records, bench.changelog(*plan.versions))
        if not dry_run:
            _write(project, plan, records)
        say(f"\n{text}" + ("\n\nNothing was changed (--dry-run)." if dry_run else ""))


def _plan(project: Git, bench: Workbench, wanted: str | None, answers: Sequence[str]) -> Plan:
    base = bench.render_present_release()
    theirs = bench.render_next_release(wanted, answers)
    return Plan.make(project, bench.git, base, theirs)


def _write(project: Git, plan: Plan, records: Records) -> None:
    records.write(commit_message(plan, records))
    try:
        placing.place(project, plan.patch, plan.changed)
    except BaseException:
        records.remove()
        raise
