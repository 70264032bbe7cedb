"""Pin the actions and machines of this repository's own workflows to those of the stack.

Projects get theirs rendered from stack/actions.yml and stack/runners.yml. The workflows of this
repository are plain files, as GitHub reads them where they stand; this command keeps their `uses:`
and `runs-on:` lines equal to those rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from maintain.stack.data import StackError, load_actions, load_runners
from maintain.stack.rows import Action, Runner

WORKFLOWS = Path(".github/workflows")
USES = re.compile(r"(?P<start>\buses: )(?P<repository>[\w.-]+/[\w.-]+)@.*$", re.MULTILINE)
RUNS_ON = re.compile(r"(?P<start>\bruns-on: )(?P<label>\S+)$", re.MULTILINE)


def pinned(text: str, actions: Sequence[Action], runners: Sequence[Runner]) -> str:
    """Return a workflow with the releases and machines of the stack.

    Args:
        text: The workflow.
        actions: The rows of actions.yml.
        runners: The rows of runners.yml.

    Raises:
        StackError: It uses an action or a machine that the stack has no row for.
    """
    by_repository = {row.repository: row for row in actions}
    by_system = {row.label.partition("-")[0]: row for row in runners}

    def use(found: re.Match[str]) -> str:
        row = by_repository.get(found["repository"])
        if row is None:
            raise StackError(f"stack/actions.yml has no row for {found['repository']}.")
        return f"{found['start']}{row.repository}@{row.commit} # {row.version}"

    def run_on(found: re.Match[str]) -> str:
        row = by_system.get(found["label"].partition("-")[0])
        if row is None:
            raise StackError(f"stack/runners.yml has no row for {found['label']}.")
        return f"{found['start']}{row.label}"

    return RUNS_ON.sub(run_on, USES.sub(use, text))


def pinned_workflows(root: Path) -> dict[Path, str]:
    """Return the text of every workflow, with the releases and machines of the stack.

    Raises:
        StackError: A row of the stack is missing or wrong.
    """
    actions, runners = load_actions(root / "stack"), load_runners(root / "stack")
    return {
        path.relative_to(root): pinned(path.read_text(encoding="utf-8"), actions, runners)
        for path in sorted((root / WORKFLOWS).glob("*.yml"))
    }
