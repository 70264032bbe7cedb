"""Commands show their steps; what programs print goes into a log that their error names."""

from __future__ import annotations

import io
import re
import sys
import threading
from itertools import islice
from pathlib import Path

import pytest

from envkeep import errors, paths, process, progress
from envkeep.errors import CommandError, ToolError
from envkeep.progress import Waited, logged
from envkeep.staging import project_tests

FAILS = [
    sys.executable,
    "-c",
    "print('begun'); print('ERROR: no wheel for it.'); raise SystemExit(3)",
]
SUCCEEDS = [sys.executable, "-c", "print(' + numpy==2.5.5')"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let programs run in a folder of their own, and logs lie there."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(process, "ROOT", tmp_path)
    monkeypatch.setattr(progress, "LOGS", tmp_path / ".cache" / "logs")
    return tmp_path


def log_of(project: Path) -> Path:
    """Return the only log."""
    (log,) = (project / ".cache" / "logs").iterdir()
    return log


def test_a_log_takes_what_programs_print(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with logged("try"):
        process.say("Locking it.")
        process.run(SUCCEEDS)
        assert process.run(SUCCEEDS, mode="quiet").code == 0
        assert process.run(FAILS, mode="quiet", check=False).code == 3
        done = process.run(FAILS, check=False)
        assert (done.code, done.text) == (3, "begun\nERROR: no wheel for it.\n")
    shown = capfd.readouterr()
    log = log_of(project)
    assert shown.out == "Locking it.\n"
    assert shown.err == f"What programs print goes into {paths.shown(log)}.\n"
    text = log.read_text(encoding="utf-8")
    assert text.count("$ ") == 4
    assert text.count("numpy==2.5.5\n") == 2
    assert text.count("no wheel for it.\n") == 2
    assert "Locking it.\n" in text


def test_continuous_integration_shows_everything(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    with logged("try"):
        process.run(SUCCEEDS)
    assert "numpy==2.5.5" in "".join(capfd.readouterr())
    assert not (project / ".cache").exists()


def test_an_error_quotes_the_reason_and_names_the_log(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError) as caught, logged("install", shows_commands=True):
        process.run(FAILS)
    log = paths.shown(log_of(project))
    assert re.fullmatch(
        r"`python[\d.]*` failed with exit code 3: ERROR: no wheel for it; "
        rf"all that was printed is in {re.escape(log)}\.",
        str(caught.value),
    )
    said = capfd.readouterr().err
    assert said.startswith(f"What programs print goes into {log}.\n$ ")
    assert said.endswith("ERROR: no wheel for it.\n")
    assert not progress.is_logged()


def test_without_a_program_there_is_no_log(project: Path) -> None:
    with pytest.raises(ToolError, match=r"^say what\.$"), logged("try"):
        raise ToolError("say what.")
    assert not (project / ".cache").exists()


def test_everything_is_shown_if_that_is_asked_for(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with logged("try", verbose=True):
        process.run(SUCCEEDS)
        with pytest.raises(CommandError, match="its message is above"):
            process.run(FAILS)
    shown = capfd.readouterr()
    assert shown.out == " + numpy==2.5.5\nbegun\nERROR: no wheel for it.\n"
    assert shown.err.count("$ ") == 2
    assert not (project / ".cache").exists()


def test_a_folder_of_logs_does_not_grow_for_ever(project: Path) -> None:
    folder = project / ".cache" / "logs"
    folder.mkdir(parents=True)
    for day in range(10, 10 + progress.KEPT):
        (folder / f"try-202501{day}T000000Z.log").touch()
    (folder / "bisect-20240101T000000Z.log").touch()
    with logged("install"):
        process.run(SUCCEEDS)
    left = sorted(path.name for path in folder.iterdir())
    assert len(left) == progress.KEPT
    assert left[0].startswith("install-")
    assert left[1] == "try-20250111T000000Z.log"


def test_a_full_disk_stops_the_log_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / ".cache").write_text("", encoding="utf-8")
    with logged("install"):
        assert process.run(SUCCEEDS).text == " + numpy==2.5.5\n"


@pytest.mark.parametrize(
    ("printed", "quoted"),
    [
        (
            "  \u00d7 No solution found:\n  ╰─▶ Because you require a and b,\n      they clash.\n",
            "No solution found: Because you require a and b, they clash",
        ),
        (f"{errors.TRACEBACK}\n  File x\nValueError: \x1b[31mbad\x1b[0m\n", "ValueError: bad"),
        ("one\ntwo\nthree\n\nfour\n", "two three four"),
        ("x" * 400, "x" * errors.QUOTED_LENGTH + " ..."),
        ("", ""),
    ],
)
def test_a_reason_is_quoted_as_a_part_of_a_sentence(printed: str, quoted: str) -> None:
    assert errors.quoted(printed) == quoted


def test_a_copy_of_the_project_fails_with_the_reason_of_its_last_program(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    child = (
        "import sys; e = sys.stderr;"
        "print('$ uv one', file=e); print('fine', file=e); print('[1/2] layer', file=e);"
        "print('$ uv two', file=e); print('  x because', file=e);"
        "print('error: they clash.', file=e); sys.exit(1)"
    )
    (project / paths.LAUNCHER.name).write_text(child, encoding="utf-8")
    with logged("try"):
        done = process.run_envkeep(project, "lock")
    assert (done.code, done.errors) == (1, "they clash.")
    assert capfd.readouterr().err.partition("\n")[2] == "  x because\n"
    assert "fine\n[1/2] layer\n" in log_of(project).read_text(encoding="utf-8")


def test_lines_on_a_long_wait_come_further_and_further_apart() -> None:
    assert [*islice(progress.pauses(is_terminal=False), 5)] == [30, 30, 60, 120, 240]
    assert [*islice(progress.pauses(is_terminal=True), 3)] == [5, 1, 1]


def test_a_wait_says_how_long_it_has_taken() -> None:
    times = iter([100.0, 142.9, 230.0])
    waited = Waited("uv pip install", lambda: next(times))
    assert waited.line == "uv pip install: 42 s"
    waited.what = "uv pip install, Downloading torch"
    assert waited.line == "uv pip install, Downloading torch: 2 min 10 s"


class Screen(io.StringIO):
    """A standard error on which somebody waits for a line."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.has_line = threading.Event()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        written = super().write(text)
        if "pip-compile" in text:
            self.has_line.set()
        return written


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_long_wait_shows_life(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "FIRST_LINE", 0)
    with progress.waiting("pip-compile"):
        assert screen.has_line.wait(60)
    said = screen.getvalue()
    if is_terminal:
        assert re.fullmatch(r"(pip-compile: \d+ s\r +\r)+", said), "the line is taken away again"
    else:
        assert re.fullmatch(r"(\.\.\. pip-compile: \d+ s so far\n)+", said)


@pytest.mark.parametrize(
    ("command", "brief"),
    [
        (["/p/bin/uv", "pip", "install", "--python", "x"], "uv pip install"),
        (["/p/bin/python3", "-m", "pytest", "-q"], "pytest"),
        (["/p/bin/python", "/p/tools/import_check.py", "a", "b", "c"], "import_check.py a b"),
        (["git"], "git"),
    ],
)
def test_a_program_is_named_without_its_options(command: list[str], brief: str) -> None:
    assert process._brief(command) == brief


def test_failed_tests_are_named_and_passed_ones_counted() -> None:
    failed = [f"FAILED tests/test_it.py::test_{number} - assert 1 == 2" for number in range(12)]
    printed = "\n".join(["....F", "short test summary info", *failed, "12 failed in 1 s", ""])
    lines = project_tests.summary_of_tests(printed)
    assert lines == [*failed[: project_tests.MOST_NAMED], "and 2 more", "12 failed in 1 s"]
    assert project_tests.summary_of_tests("....\n== 4 passed in 1 s ==\n") == ["4 passed in 1 s"]
    assert project_tests.summary_of_tests("") == []
