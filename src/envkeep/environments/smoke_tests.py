"""Check a new environment with the project's smoke tests alone."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from envkeep.errors import ToolError
from envkeep.paths import ROOT, python
from envkeep.process import Completed, announce, say
from envkeep.process import run as run_program

OPTION = "--without-smoke-test"
NO_TESTS_COLLECTED = 5
JUDGED = (0, 1, NO_TESTS_COLLECTED)  # with any other exit code pytest did not get through
MET_ANOTHER_PYTEST = "ignore:(rm_rf) error removing:pytest.PytestWarning"
COMMAND = (
    *("-m", "pytest", "-q", "-m", "smoke"),
    *("--continue-on-collection-errors", "--maxfail=0"),
    *("-W", MET_ANOTHER_PYTEST),
)
"""Arguments of Python. Two pytests of one user that clean up at the same time are no failure."""
NOT_COLLECTED = "collection failure"  # what pytest calls it in its report


@dataclass(frozen=True)
class SmokeResult:
    """The result of the smoke tests in an environment.

    Attributes:
        ended: How pytest ended. Its exit code says too little: a threshold of coverage changes it.
        failed: The smoke tests that failed.
        broken: Why tests could not be read, by the path of their module or folder.
        unheard: Why smoke tests could not be run, if so; then nothing is known.
    """

    ended: Completed
    failed: tuple[str, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    unheard: str = ""

    @property
    def problem(self) -> str:
        """The reason against the environment, or nothing."""
        if self.failed:
            return f"the project's smoke test fails in it ({', '.join(self.failed)})"
        return f"the project's smoke test cannot be run in it ({self.unheard})" * bool(self.unheard)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option that leaves the smoke test out."""
    parser.add_argument(
        OPTION,
        action="store_false",
        dest="smoke_test",
        help="take the new environment whatever the project's smoke test would say",
    )


def run(folder: Path) -> SmokeResult:
    """Run the smoke tests in an environment without output.

    Raises:
        ToolError: The environment's Python could not be started.
    """
    command = [python(folder), *COMMAND]
    announce(command)
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.xml"
        reporting = [*command, f"--junitxml={report}"]
        done = run_program(reporting, cwd=ROOT, mode="capture", check=False)
        return _read(done, report)


def judge(new: SmokeResult, active: Path | None) -> None:
    """Show the result.

    What cannot be run in the active environment either says nothing about the new one. Where there
    is no active one, the new one is taken: who must repair the tests needs it.

    Args:
        new: Of the new environment.
        active: The active one, if there is one.

    Raises:
        ToolError: The smoke tests speak against the new environment.
    """
    _show(new)
    if not new.problem:
        return
    if active is None or not python(active).exists():
        say(f"WARNING: {new.problem}; its message is above.")
        say("WARNING: there is no other environment, so it is taken: repair the tests in it.")
    elif not new.failed and run(active).unheard:
        say(f"note: {new.problem}, nor in {active.name}, so it says nothing about the new one.")
    else:
        raise ToolError(f"{new.problem}; its message is above, {OPTION} goes on all the same.")


def _show(outcome: SmokeResult) -> None:
    """Print pytest's output if needed, or else its last line and the unreadable modules."""
    text = outcome.ended.output.decode("utf-8", "replace")
    if outcome.problem:
        print(text, end="", flush=True)
        print(outcome.ended.errors, end="", file=sys.stderr, flush=True)
    else:
        say(_last_line(text))
    if outcome.ended.code == 1 and not (outcome.problem or outcome.broken):
        say("note: pytest ended with exit code 1 all the same; the project's own options say why.")
    for path, reason in outcome.broken.items():
        say(f"note: the tests in {path} cannot be read and were left out: {reason}")


def _read(done: Completed, report: Path) -> SmokeResult:
    if done.code not in JUDGED or not report.exists():
        printed = f"{done.output.decode('utf-8', 'replace')}\n{done.errors}"
        return SmokeResult(done, unheard=_reason(printed))
    failed, broken, unheard = [], {}, ""
    for case in ElementTree.parse(report).iter("testcase"):
        error = case.find("error")
        if error is not None and error.get("message") == NOT_COLLECTED:
            path, reason = _path(case.get("name", "")), _reason(error.text or "")
            name = path.relative_to(ROOT).as_posix()
            broken[name] = reason
            if _has_smoke_tests(path):
                unheard = f"{name}: {reason}"
        elif error is not None or case.find("failure") is not None:
            failed.append("::".join(filter(None, (case.get("classname"), case.get("name")))))
    return SmokeResult(done, tuple(failed), broken, unheard)


def _path(name: str) -> Path:
    """Return the module or folder of tests that pytest's report names with dots."""
    folder = ROOT.joinpath(*name.split("."))
    return folder if folder.is_dir() else folder.with_name(f"{folder.name}.py")


def _has_smoke_tests(path: Path) -> bool:
    """Tell whether tests that cannot be read are smoke tests: their text names the mark."""
    modules = path.rglob("*.py") if path.is_dir() else [path] if path.is_file() else []
    return any(
        re.search(r"\bmark\.smoke\b", each.read_text(encoding="utf-8", errors="replace"))
        for each in modules
    )


def _reason(text: str) -> str:
    """Return the error at the end of what pytest printed."""
    errors = re.findall(r"^(?:E\s+|.*\berror: )(\w.*)$", text, re.MULTILINE)
    return errors[-1] if errors else _last_line(text)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
