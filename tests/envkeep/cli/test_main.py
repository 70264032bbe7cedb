"""What a command line ends with: what is printed where, and the exit code."""

from __future__ import annotations

import argparse
import errno
import json
import subprocess
import sys

import pytest

from envkeep import progress
from envkeep.cli.main import main
from envkeep.commands import targets
from envkeep.errors import ToolError
from envkeep.process import run as run_program
from envkeep.process import say
from envkeep.project import own_commands
from envkeep.result import Result

SPEAKS = [sys.executable, "-c", "print('from a program')"]
FAILS = [sys.executable, "-c", "print('why it fails'); raise SystemExit(3)"]
Run = pytest.CaptureFixture[str]


def let(monkeypatch: pytest.MonkeyPatch, does: object) -> None:
    """Let the command ``targets`` return a result, or raise an error."""

    def run(arguments: argparse.Namespace) -> Result:
        if isinstance(does, BaseException):
            raise does
        result = does(arguments) if callable(does) else does
        assert isinstance(result, Result)
        return result

    monkeypatch.setattr(targets, "run", run)


def test_done(monkeypatch: pytest.MonkeyPatch, capsys: Run) -> None:
    let(monkeypatch, Result({"a": 1}, ["one", "two"]))
    assert main(["targets"]) == 0
    assert capsys.readouterr() == ("one\ntwo\n", "")


def test_without_a_name_it_is_what_make_lists(monkeypatch: pytest.MonkeyPatch, capsys: Run) -> None:
    let(monkeypatch, Result(lines=["listed"]))
    assert main([]) == 0
    assert capsys.readouterr().out == "listed\n"


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        (ToolError("there is none; make one."), "there is none; make one."),
        (Result.failed("it is bad.", {"good": False}), "it is bad."),
        (
            OSError(errno.ENOSPC, "No space left on device", "file.txt"),
            "file.txt: No space left on device; the active environment is as it was.",
        ),
    ],
)
def test_failed_with_one_sentence(
    does: object, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: Run
) -> None:
    let(monkeypatch, does)
    assert main(["targets"]) == 1
    assert capsys.readouterr() == ("", f"error: {sentence}\n")
    assert main(["targets", "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"] == sentence
    assert shown.err == f"error: {sentence}\n"


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    let(monkeypatch, OSError(errno.EBADF, "Bad file descriptor"))
    with pytest.raises(OSError, match="Bad file"):
        main(["targets"])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            ["rollback", "--wrong"],
            "unrecognized arguments: --wrong; `python keep.py rollback --help` says what it takes.",
        ),
        (
            ["bisect", "--repeat", "often"],
            "argument --repeat: invalid int value: 'often'; `python keep.py bisect --help` says "
            "what it takes.",
        ),
    ],
)
def test_wrong_arguments_are_named_in_one_sentence(
    line: list[str], sentence: str, capsys: Run
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"error: {sentence}\n")


@pytest.mark.parametrize(
    ("name", "meant"), [("instal", "; did you mean install?"), ("trian", "; did you mean train?")]
)
def test_a_command_that_is_not_there(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch, capsys: Run
) -> None:
    monkeypatch.setattr(own_commands, "names", lambda: ["train"])
    assert main([name]) == 2
    said = f"error: there is no command {name}{meant} `python keep.py --help` lists all.\n"
    assert capsys.readouterr() == ("", said)
    assert main(["zzzz"]) == 2
    assert "no command zzzz; `python keep.py --help`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("interrupt", "sentence"),
    [
        (KeyboardInterrupt(), "the active environment was left as it was."),
        (KeyboardInterrupt("look above."), "look above."),
    ],
)
def test_interrupted(
    interrupt: KeyboardInterrupt, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: Run
) -> None:
    let(monkeypatch, interrupt)
    assert main(["targets"]) == 130
    assert capsys.readouterr() == ("", f"interrupted: {sentence}\n")


def test_json_stands_alone_on_the_output_whatever_programs_print(
    monkeypatch: pytest.MonkeyPatch, capfd: Run
) -> None:
    def run(arguments: argparse.Namespace) -> Result:
        say("a step")
        subprocess.run(SPEAKS, check=True)
        return Result({"numbers": [1]}, ["for people"])

    let(monkeypatch, run)
    assert main(["targets", "--json"]) == 0
    shown = capfd.readouterr()
    assert json.loads(shown.out) == {"numbers": [1]}
    assert shown.err == "a step\nfrom a program\n"


def test_programs_are_shown_only_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capfd: Run
) -> None:
    let(monkeypatch, lambda arguments: (run_program(SPEAKS), Result(lines=["done"]))[1])
    assert main(["targets"]) == 0
    shown = capfd.readouterr()
    assert shown.out == "done\n"
    assert shown.err.startswith("What programs print goes into ")
    assert "$ " not in shown.err
    assert main(["targets", "--verbose"]) == 0
    shown = capfd.readouterr()
    assert shown.out == "from a program\ndone\n"
    assert shown.err.startswith("$ ")


def test_commands_that_lock_or_install_show_each_program_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capfd: Run
) -> None:
    let(monkeypatch, lambda arguments: (run_program(SPEAKS), Result())[1])
    monkeypatch.setattr(targets, "SHOWS_COMMANDS", True, raising=False)
    assert main(["targets"]) == 0
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.count("$ ") == 1
    assert "\nfrom a program" not in shown.err


def test_a_program_that_fails_is_shown_with_its_log(
    monkeypatch: pytest.MonkeyPatch, capfd: Run
) -> None:
    let(monkeypatch, lambda arguments: run_program(FAILS))
    assert main(["targets"]) == 1
    shown = capfd.readouterr().err
    assert "why it fails\n" in shown
    assert f"all that was printed is in {progress.LOGS}" in shown


def test_a_bad_result_names_the_log_too(monkeypatch: pytest.MonkeyPatch, capfd: Run) -> None:
    let(monkeypatch, lambda arguments: (run_program(SPEAKS), Result.failed("it is bad."))[1])
    assert main(["targets"]) == 1
    assert "error: it is bad; all that was printed is in " in capfd.readouterr().err


def test_a_command_that_runs_no_program_leaves_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    let(monkeypatch, lambda arguments: (say("a step"), Result())[1])
    assert main(["targets"]) == 0
    assert not progress.LOGS.exists()


def test_names_that_the_terminal_has_no_characters_for_are_printed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    let(monkeypatch, Result(lines=["M\u00fcller \u2192 x"]))
    sys.stdout.reconfigure(encoding="ascii")  # type: ignore[union-attr]
    assert main(["targets"]) == 0
    assert capsysbinary.readouterr().out == b"M\\xfcller \\u2192 x\n"
