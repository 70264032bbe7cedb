"""The one way to start a program: what each mode shows, returns and lets fail."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envkeep import paths, process
from envkeep.errors import CommandError, ToolError
from envkeep.process import Mode, run
from envkeep.progress import logged
from tests.support.copier_runs import ROOT
from tests.support.engine import variables

ENDS_WHEN_ASKED = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""
SAYS = [
    sys.executable,
    "-c",
    "import sys; print('answer'); print('careful', file=sys.stderr); sys.exit(int(sys.argv[1]))",
]
IN_FOREGROUND = """
import sys
from envkeep.process import run
sys.exit(run([sys.executable, "-c", sys.argv[1]], mode="foreground").code)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without a signal")
def test_a_program_in_charge_is_asked_to_end_when_envkeep_is() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", IN_FOREGROUND, ENDS_WHEN_ASKED],
        env=variables(ROOT / "template"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as envkeep:
        assert envkeep.stdout is not None
        assert envkeep.stdout.readline() == "ready\n"
        envkeep.send_signal(signal.SIGTERM)
    assert envkeep.returncode == 7


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without a signal")
def test_a_program_in_charge_that_a_signal_ends_counts_as_shells_count() -> None:
    done = run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], mode="foreground")
    assert done.code == 128 + signal.SIGKILL


def test_a_captured_program_is_returned_and_nothing_is_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    done = run([*SAYS, "0"], mode="capture")
    assert (done.code, done.text, done.errors) == (0, "answer\n", "careful\n")
    assert run([*SAYS, "4"], mode="capture", check=False).code == 4
    assert capfd.readouterr() == ("", "")


def test_a_captured_program_that_fails_says_why() -> None:
    with pytest.raises(CommandError, match="failed with exit code 4: careful"):
        run([*SAYS, "4"], mode="capture")


def test_errors_of_a_captured_program_can_be_shown(
    capfd: pytest.CaptureFixture[str],
) -> None:
    done = run([*SAYS, "0"], mode="capture", stderr="show")
    assert (done.text, done.errors) == ("answer\n", "")
    assert capfd.readouterr().err == "careful\n"
    with pytest.raises(CommandError, match="its message is above"):
        run([*SAYS, "4"], mode="capture", stderr="show")


def test_what_a_captured_program_prints_can_go_into_a_file(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as file:
        done = run([*SAYS, "4"], mode="capture", stderr=file, check=False)
    assert (done.code, done.output) == (4, b"")
    said = (tmp_path / "output").read_text(encoding="utf-8")
    assert sorted(said.split()) == ["answer", "careful"]


def test_a_quiet_program_is_shown_only_if_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "ROOT", tmp_path)
    run([*SAYS, "0"], mode="quiet")
    assert "careful\n" not in capfd.readouterr().err
    with pytest.raises(CommandError, match=r"failed with exit code 4: .*careful"):
        run([*SAYS, "4"], mode="quiet")
    assert "careful\n" in capfd.readouterr().err


def test_a_probe_is_silent_and_never_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*SAYS, "0"], mode="probe").answer == "answer"
    failed = run([*SAYS, "4"], mode="probe")
    assert (failed.code, failed.answer, failed.text) == (4, "", "answer\n")
    missing = run([tmp_path / "missing"], mode="probe")
    assert (missing.code, missing.answer, missing.errors) == (127, "", "")
    assert run(["no\0name"], mode="probe").answer == ""
    assert capfd.readouterr() == ("", "")


def test_a_probe_that_takes_too_long_is_given_up() -> None:
    waits = [sys.executable, "-c", "import sys; sys.stdin.read(); import time; time.sleep(600)"]
    done = run(waits, mode="probe", timeout=0.1)
    assert done.answer == ""
    assert re.fullmatch(r"python\S* did not answer within 0.1 seconds", done.errors)


@pytest.mark.parametrize("mode", ["show", "quiet", "capture", "foreground"])
def test_a_program_that_is_missing_is_named(mode: Mode, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ToolError, match=f"^`{re.escape(str(missing))}` could not be started: "):
        run([missing], mode=mode)


def test_a_program_gets_variables_and_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("UNWANTED", "1")
    script = (
        "import os, sys; print(sys.stdin.read(), os.environ['GIVEN'],"
        " 'UNWANTED' in os.environ, 'PYTHONPATH' in os.environ)"
    )
    given: dict[str, str | None] = {"GIVEN": "yes", "UNWANTED": None}
    done = run([sys.executable, "-c", script], env=given, stdin=b"hello", mode="capture")
    assert done.answer == "hello yes False False"


def test_an_interrupted_command_ends_the_program_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(process.progress, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(process.progress, "note", interrupt)
    monkeypatch.setattr(process.progress, "show_command", lambda _: None)
    endless = "print('begun', flush=True); import time; time.sleep(600)"
    with pytest.raises(KeyboardInterrupt), logged("try"):
        run([sys.executable, "-c", endless])
