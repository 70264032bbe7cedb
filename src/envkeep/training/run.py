"""Train in a copy of the project that equals a fresh clone, and report the metrics."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import DATA_MANIFEST, EXPECTED, ROOT, python, shown
from envkeep.process import announce, run
from envkeep.project import own_commands
from envkeep.project.metadata import project_metadata


@dataclass(frozen=True)
class Trained:
    """The result of a training run.

    Attributes:
        metrics: The final metrics that it recorded.
        seconds: How long it says that it took.
    """

    metrics: Mapping[str, float]
    seconds: float


def prepare(folder: Path, interpreter: Path | None = None) -> None:
    """Make the data in a copy of the project, if its package has a command for that.

    Files of one's own that the manifest lists are lent to it, as git does not know them.

    Args:
        folder: The copy.
        interpreter: Of the environment; by default of the active one.

    Raises:
        CommandError: The package's command fails.
    """
    if own_commands.has("data", folder):
        _lend_own_data(folder / DATA_MANIFEST.relative_to(ROOT))
        _run(folder, interpreter, "data")


def _lend_own_data(manifest: Path) -> None:
    """Copy the user's own data into a copy of the project, whose code checks it."""
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"].items()
        own = [name for name, row in files if row.get("own")]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return  # none is listed, or the project's code says what is wrong
    for name in own:
        source, target = DATA_MANIFEST.parent / name, manifest.parent / name
        if source.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def train(folder: Path, arguments: Sequence[str], interpreter: Path | None = None) -> Trained:
    """Train in a copy of the project.

    Args:
        folder: The copy.
        arguments: What follows ``train``.
        interpreter: Of the environment; by default of the active one.

    Raises:
        CommandError: The training fails.
        ToolError: The training does not say what came out.
    """
    printed = _run(folder, interpreter, "train", "--json", *arguments)
    try:
        facts_of_run: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
        found = facts_of_run["final_metrics"].items()
        metrics = {str(name): float(value) for name, value in found}
        return Trained(metrics, float(facts_of_run["seconds"]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ToolError(
            "`train --json` does not end with one line of JSON that holds final_metrics and "
            f"seconds; fix that, or delete {shown(EXPECTED)} if nothing is to be compared."
        ) from error


def _run(folder: Path, interpreter: Path | None, *arguments: str) -> str:
    """Run a command of the package that lies in a folder, and return what it prints.

    Raises:
        CommandError: The command fails; its message was shown.
    """
    chosen = interpreter or python(DEVELOPMENT.link)
    command = [chosen, "-m", str(project_metadata()["package_name"]), *arguments]
    variables = {"PYTHONPATH": str(folder / "src")}
    announce(command)
    return run(command, cwd=folder, env=variables, mode="capture", stderr="show").text
