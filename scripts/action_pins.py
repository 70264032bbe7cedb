"""Write the releases of actions and the machines of the stack into this repository's workflows.

    python scripts/action_pins.py [--check]

Projects get theirs rendered from stack/actions.yml and stack/runners.yml. The workflows of this
repository are plain files, as GitHub reads them where they stand; this command keeps their `uses:`
and `runs-on:` lines equal to those rows.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

# `python scripts/action_pins.py` puts scripts/ on the path, not the folder above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.refresh_stack import replace_files
from scripts.stack_data import StackError, load_actions, load_runners
from scripts.stack_rows import Action, Runner

ROOT = Path(__file__).resolve().parent.parent
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


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command.

    Returns:
        0 when everything is written or up to date, 1 when `--check` found a difference, 2 after a
        failure.
    """
    parser = argparse.ArgumentParser(description="Pin the actions of this repository's workflows.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if they differ")
    options = parser.parse_args(arguments)
    try:
        actions, runners = load_actions(root / "stack"), load_runners(root / "stack")
        changed = {}
        for path in sorted((root / WORKFLOWS).glob("*.yml")):
            text = path.read_text(encoding="utf-8")
            if (wanted := pinned(text, actions, runners)) != text:
                changed[path] = wanted
        if changed and not options.check:
            replace_files(changed)
    except StackError as error:
        print(f"action_pins: {error}", file=sys.stderr)
        return 2
    names = ", ".join(path.name for path in changed)
    if changed and options.check:
        print(f"action_pins: {names} differ; run scripts/action_pins.py.", file=sys.stderr)
        return 1
    print(f"action_pins: wrote {names}" if changed else "action_pins: up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
