"""Train in a copy of the project that holds what a fresh clone would, and say what came out."""

from __future__ import annotations

import io
import json
import math
import shutil
import tarfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envkeep import temporary
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import DATA_MANIFEST, EXPECTED, ROOT, python, shown
from envkeep.process import announce, run
from envkeep.project.git import Git
from envkeep.project.metadata import facts

SLOWDOWN = 1.5
TOLERANCE = 0.01


@dataclass(frozen=True)
class Metric:
    """What a metric must be.

    Attributes:
        expected: Its value.
        tolerance: How far it may be from that, either way.
    """

    expected: float
    tolerance: float = TOLERANCE

    def admits(self, value: float | None) -> bool:
        """Tell whether a value is near enough; what is not a number is not."""
        return value is not None and abs(value - self.expected) <= self.tolerance


@dataclass(frozen=True)
class Expected:
    """What the team expects of a training run.

    Attributes:
        arguments: What follows ``train``.
        slowdown: How many times as long as before a change it may take.
        metrics: What it must reach, by name.
    """

    arguments: Sequence[str] = ()
    slowdown: float = SLOWDOWN
    metrics: Mapping[str, Metric] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """What came out of a training run.

    Attributes:
        metrics: The final metrics that it recorded.
        seconds: How long it says that it took.
    """

    metrics: Mapping[str, float]
    seconds: float


def expected() -> Expected | None:
    """Return what configs/expected.toml says, None if it is not there.

    Raises:
        ToolError: It cannot be understood.
    """
    if not EXPECTED.exists():
        return None
    try:
        content = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
        rows = content.get("metrics", {}).items()
        metrics = {name: Metric(**{key: float(row[key]) for key in row}) for name, row in rows}
        arguments = [str(each) for each in content.get("arguments", [])]
        slowdown = float(content.get("slowdown", SLOWDOWN))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ToolError(
            f"{shown(EXPECTED)} cannot be understood ({error}); a metric is a table with the "
            "numbers expected and tolerance."
        ) from error
    return Expected(arguments, slowdown, metrics)


@contextmanager
def copy_of_now() -> Iterator[Path]:
    """Yield a copy of the project's files, uncommitted changes included, without ignored ones.

    Raises:
        ToolError: The project is not under git.
    """
    with temporary.folder() as copy:
        listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for path in Git(ROOT).paths(*listed):
            if (ROOT / path).is_file():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, copy / path)
        yield copy


@contextmanager
def copy_of(commit: str) -> Iterator[Path]:
    """Yield a copy of the project as it was committed.

    Raises:
        ToolError: git failed.
    """
    with temporary.folder() as copy:
        content = Git(ROOT).output("archive", "--format=tar", commit)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(copy, filter="data")
        yield copy


def prepare(folder: Path, interpreter: Path | None = None) -> None:
    """Make the data in a copy of the project, if its package has a command for that.

    Files of one's own that the manifest lists are lent to it, as git does not know them.

    Args:
        folder: The copy.
        interpreter: Of the environment; by default of the active one.

    Raises:
        CommandError: It fails.
    """
    if (folder / "src" / facts()["package_name"] / "commands" / "data.py").exists():
        _lend_own_data(folder / DATA_MANIFEST.relative_to(ROOT))
        _run(folder, interpreter, "data")


def _lend_own_data(manifest: Path) -> None:
    """Put what people brought into a copy; the project's code checks its content."""
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
        CommandError: It fails.
        ToolError: It does not say what came out.
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
            f"seconds; mend that, or delete {shown(EXPECTED)} if nothing is to be compared."
        ) from error


def write(wanted: Expected, trained: Trained) -> None:
    """Make what a run reached what is expected.

    Tolerances stay; metrics that had none get the usual one, infinite values are left out.
    """
    metrics = {
        name: Metric(value, wanted.metrics.get(name, Metric(value)).tolerance)
        for name, value in trained.metrics.items()
        if math.isfinite(value) and (name in wanted.metrics or not wanted.metrics)
    }
    lines = [_above_metrics(wanted).rstrip()]
    for name, metric in metrics.items():
        lines += ["", f"[metrics.{json.dumps(name)}]", f"expected = {metric.expected!r}"]
        lines += [f"tolerance = {metric.tolerance!r}"]
    EXPECTED.parent.mkdir(exist_ok=True)
    EXPECTED.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _above_metrics(wanted: Expected) -> str:
    """Return what stands in the file above its metrics, comments included."""
    if EXPECTED.exists():
        return EXPECTED.read_text(encoding="utf-8").partition("\n[metrics")[0]
    return (
        "# Yours: what a training run must reach; see docs/continuous-integration.md.\n"
        f"arguments = {json.dumps(list(wanted.arguments))}\nslowdown = {wanted.slowdown!r}\n"
    )


def _run(folder: Path, interpreter: Path | None, *arguments: str) -> str:
    """Run a command of the package that lies in a folder, and return what it prints.

    Raises:
        CommandError: It fails; its message was shown.
    """
    chosen = interpreter or python(DEVELOPMENT.link)
    command = [chosen, "-m", str(facts()["package_name"]), *arguments]
    variables = {"PYTHONPATH": str(folder / "src")}
    announce(command)
    return run(command, cwd=folder, env=variables, mode="capture", stderr="show").text
