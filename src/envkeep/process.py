"""Run subprocesses through one function, which prints each as a repeatable command."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from envkeep import progress
from envkeep.errors import CommandError, ToolError, failure, reason_in
from envkeep.paths import LAUNCHER, ROOT, shown
from envkeep.progress import Waited
from envkeep.progress import say as say

LEAKING_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
)
DOWNLOADS = re.compile(r"\s*Downloading ")
SIGNAL_OFFSET = 128  # what shells add to the number of the signal that ended a program
NOT_STARTED = 127  # what shells say of a program that is not there
FIXED_VARIABLES = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "UV_PYTHON_DOWNLOADS": "never",
}

Mode = Literal["show", "quiet", "capture", "foreground", "probe"]


@dataclass(frozen=True)
class Completed:
    """Result of a subprocess, with its captured output.

    Attributes:
        code: Its exit code; below 0 for the number of the signal that ended it.
        output: What it printed; with the standard error where the mode was "show" or "quiet".
        errors: What it printed to the standard error.
    """

    code: int
    output: bytes = b""
    errors: str = ""

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.output.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def answer(self) -> str:
        """What it printed without the blanks around it, or an empty text if it failed."""
        return "" if self.code else self.text.strip()


def variables_with(own: Mapping[str, str | None]) -> dict[str, str]:
    """Return the user's variables without those that point at another environment.

    Args:
        own: Variables to add; None takes one away.
    """
    kept = {key: value for key, value in os.environ.items() if key not in LEAKING_VARIABLES}
    wanted: dict[str, str | None] = {**kept, **FIXED_VARIABLES, **own}
    return {key: value for key, value in wanted.items() if value is not None}


def announce(command: Sequence[object]) -> None:
    """Print a command as it can be typed in the project's folder, apart from what it prints."""
    progress.show_command(shlex.join(shown(str(part)) for part in command))


def run(
    command: Sequence[object],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    stdin: bytes = b"",
    mode: Mode = "show",
    check: bool = True,
    timeout: float | None = None,
    stderr: Literal["keep", "show"] | BinaryIO = "keep",
) -> Completed:
    """Run a program to its end.

    The modes:

    - "show": it is announced, and what it prints is shown, or goes into the log if there is one;
    - "quiet": the same, but what it prints is shown only if it fails and ``check`` is on;
    - "capture": nothing is printed, what it prints is returned;
    - "foreground": it is announced and in charge until it ends: what is typed goes to it, and
      Ctrl-C and SIGTERM do; its exit code is returned, as shells number it;
    - "probe": nothing is printed and nothing fails; a program that is missing prints nothing.

    Args:
        command: The program and its arguments.
        cwd: The folder that it runs in; by default the project's.
        env: Environment variables that it gets besides the user's, of which those that point at
            another environment are left out; None takes one away.
        stdin: What it reads if its output is captured or it is a probe.
        mode: What happens to what it prints, and who is in charge.
        check: Whether an exit code other than 0 is an error, in the first three modes.
        timeout: How many seconds a probe may take.
        stderr: What happens to the standard error of a program whose output is captured: it is
            returned, shown (or goes into the log), or goes into a file together with the output.

    Raises:
        CommandError: The program's exit code is not 0, and ``check`` is on.
        ToolError: The program could not be started.
    """
    start = _Start([str(part) for part in command], cwd or ROOT, variables_with(env or {}))
    if mode == "probe":
        return _probe(start, stdin, timeout)
    try:
        if mode == "capture":
            done, is_shown = _capture(start, stdin, stderr)
        else:
            announce(command)
            is_shown = mode == "foreground" or (mode == "show" and not progress.is_logged())
            done = _stream(start) if not is_shown else Completed(_inherit(start, mode))
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    if done.code and check and mode != "foreground":
        raise _failure(command, done.code, None if is_shown else done.errors or done.text)
    return done


def envkeep_command(*arguments: str) -> list[str]:
    """Return the command that runs envkeep in the project's folder, or in that of a copy."""
    return [sys.executable, LAUNCHER.name, *arguments]


def run_envkeep(folder: Path, *arguments: str) -> Completed:
    """Run envkeep in a copy of the project; show what it prints, or write it into the log.

    Args:
        folder: The copy.
        arguments: The command and its arguments.

    Returns:
        Its exit code, and as ``errors`` the sentence that it failed with, which is not shown.
    """
    command = envkeep_command(*arguments, "--verbose")  # the log, if there is one, is kept here
    announce(command)
    is_logged = progress.is_logged()
    waits: AbstractContextManager[Waited | None] = (
        progress.waiting(_brief(command)) if is_logged else nullcontext()
    )
    with (
        waits as waited,
        subprocess.Popen(
            command,
            cwd=folder,
            env=variables_with({}),
            stdout=subprocess.PIPE if is_logged else None,
            stderr=subprocess.STDOUT if is_logged else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as started,
    ):
        message, reason = _heard(started.stdout or started.stderr or (), waited)
    if started.returncode and is_logged:
        progress.show_reason(message)
    return Completed(started.returncode, errors=reason)


def _heard(lines: Iterable[str], waited: Waited | None) -> tuple[str, str]:
    """Pass on what envkeep prints; return what the last program printed, and envkeep's error."""
    last: list[str] = []
    reason = ""
    for line in lines:
        if line.startswith("error: "):
            reason = line.removeprefix("error: ").strip()
            continue
        progress.show_output(line)
        if line.startswith("$ "):
            last = []
        elif not line.startswith(progress.STILL):
            last.append(line)
            if waited and line.strip():
                waited.what = line.strip()
    return "".join(last).rstrip(), reason


@dataclass(frozen=True)
class _Start:
    """A program to start: its words, its folder and its variables."""

    words: list[str]
    folder: Path
    variables: Mapping[str, str]


def _inherit(start: _Start, mode: Mode) -> int:
    """Run a program on this process's own terminal, and return its exit code."""
    if mode == "foreground":
        return _in_charge(start)
    return subprocess.run(start.words, cwd=start.folder, env=start.variables).returncode


def _in_charge(start: _Start) -> int:
    """Run a program in the foreground with its signals, and return its exit code as shells do."""
    started = subprocess.Popen(start.words, cwd=start.folder, env=start.variables)
    with started as program, _asked(program):
        while True:
            try:
                code = program.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else SIGNAL_OFFSET - code


@contextmanager
def _asked(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Forward a request to end to the program: job managers send it to this process alone."""
    before = signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _capture(
    start: _Start, stdin: bytes, stderr: Literal["keep", "show"] | BinaryIO
) -> tuple[Completed, bool]:
    """Run a program and capture its output; return it, and whether its errors were shown."""
    file = None if isinstance(stderr, str) else stderr
    is_shown = stderr == "show" and not progress.is_logged()
    with nullcontext() if is_shown or file else progress.waiting(_brief(start.words)):
        done = subprocess.run(
            start.words,
            cwd=start.folder,
            env=start.variables,
            input=stdin,
            stdout=file or subprocess.PIPE,
            stderr=subprocess.STDOUT if file else None if is_shown else subprocess.PIPE,
        )
    errors = (done.stderr or b"").decode("utf-8", "replace")
    found = Completed(done.returncode, done.stdout or b"", errors)
    if stderr == "show":
        progress.note(f"{errors}{found.text}")
    return found, is_shown


def _probe(start: _Start, stdin: bytes, timeout: float | None) -> Completed:
    try:
        program = subprocess.Popen(
            start.words,
            cwd=start.folder,
            env=start.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError):
        return Completed(NOT_STARTED)
    try:
        output, errors = program.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        _abandon(program)
        said = f"{Path(start.words[0]).name} did not answer within {timeout:g} seconds"
        return Completed(NOT_STARTED, errors=said)
    except BaseException:
        program.kill()
        raise
    return Completed(program.returncode, output, errors.decode("utf-8", "replace"))


def _abandon(program: subprocess.Popen[bytes]) -> None:
    """Kill a program; one that waits for a dead GPU does not end even so."""
    program.kill()
    with suppress(subprocess.TimeoutExpired):
        program.wait(timeout=1)
    for pipe in (program.stdin, program.stdout, program.stderr):
        if pipe:
            with suppress(OSError):
                pipe.close()


def _stream(start: _Start) -> Completed:
    """Run a program, write each line that it prints into the log at once, and return them all."""
    what, lines = _brief(start.words), []
    with (
        progress.waiting(what) as waited,
        subprocess.Popen(
            start.words,
            cwd=start.folder,
            env=start.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as started,
    ):
        try:
            for line in started.stdout or ():
                lines.append(line)
                progress.note(line)
                waited.what = f"{what}, {line.strip()}" if DOWNLOADS.match(line) else what
        except BaseException:
            started.kill()
            raise
    return Completed(started.returncode, "".join(lines).encode())


def _brief(command: Sequence[object]) -> str:
    """Return a program and what it does, without the options: uv pip install."""
    words = [Path(str(part)).name for part in command]
    options = [number for number, word in enumerate(words) if word[:1] == "-" and word != "-m"]
    words = [word for word in words[: min(options, default=len(words))] if word != "-m"]
    return " ".join(words[1 if words[0].startswith("python") and len(words) > 1 else 0 :][:3])


def _failure(command: Sequence[object], code: int, output: str | None) -> CommandError:
    """Show why a program failed, and return its error.

    Args:
        command: The program and its arguments.
        code: Its exit code.
        output: What it printed, None if that was shown.
    """
    if output:
        progress.show_reason(reason_in(output))
    return failure(Path(str(command[0])).name, code, output)
