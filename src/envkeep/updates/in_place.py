"""Bring the template's newer release into the project's files, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envkeep.paths import ROOT
from envkeep.project.git import Git
from envkeep.result import Result
from envkeep.updates import apply, preflight, rendering
from envkeep.updates.plan import UpdatePlan
from envkeep.updates.rendering import Workbench
from envkeep.updates.report import Records, commit_message, summary


def update(wanted: str | None, answers: Sequence[str], *, dry_run: bool) -> Result:
    """Update the files, or leave all of them exactly as they were.

    Args:
        wanted: The version; by default the newest.
        answers: What to answer otherwise, each as ``NAME=VALUE``.
        dry_run: Only say what would happen.

    Raises:
        ToolError: the update cannot be made; no file has changed.
    """
    project = Git(ROOT)
    template = preflight.check(project)
    with rendering.opened(project, template) as bench:
        versions = bench.versions()
        if not (wanted or answers or versions.is_newer):
            newest = f"the project has the template's newest, {versions.current}."
            return _nothing(f"Already up to date: {newest}")
        plan = _plan(project, bench, wanted, answers)
        if not plan.changed:
            return _nothing("Already up to date: nothing would change.")
        records = Records(plan)
        text = summary(plan, records, bench.changelog(*plan.versions))
        if not dry_run:
            _write(project, plan, records)
        lines = ["", *text.splitlines()]
        return Result(
            {**_data(plan), "dry_run": dry_run, "summary": text},
            [*lines, "", "Nothing was changed (--dry-run)."] if dry_run else lines,
        )


def _nothing(sentence: str) -> Result:
    return Result({"changed": [], "summary": sentence}, [sentence])


def _data(plan: UpdatePlan) -> dict[str, Any]:
    versions, releases = plan.versions, plan.stack_releases
    return {
        "template": {"from": versions[0], "to": versions[1]},
        "stack_release": {"from": releases[0], "to": releases[1]},
        "changed": [each.path for each in plan.changed],
        "pins": [str(each) for each in plan.moves],
    }


def _plan(project: Git, bench: Workbench, wanted: str | None, answers: Sequence[str]) -> UpdatePlan:
    base = bench.render_present_release()
    theirs = bench.render_next_release(wanted, answers)
    return UpdatePlan.make(project, bench.git, base, theirs)


def _write(project: Git, plan: UpdatePlan, records: Records) -> None:
    records.write(commit_message(plan, records))
    try:
        apply.place(project, plan.patch, plan.changed)
    except BaseException:
        records.remove()
        raise
