"""Start programs and print them first, so that people can read and repeat every step."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from envkeep import progress
from envkeep.errors import CommandError, ToolError, failure, reason_in
from envkeep.paths import ROOT, shown
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
FIXED_VARIABLES = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "UV_PYTHON_DOWNLOADS": "never",
}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the user's variables less those that point at another environment."""
    kept = {key: value for key, value in os.environ.items() if key not in LEAKING_VARIABLES}
    return {**kept, **FIXED_VARIABLES, **(extra or {})}


def announce(command: Sequence[object]) -> None:
    """Print a command as it can be typed in the project's folder, apart from what it prints."""
    progress.show_command(shlex.join(shown(str(part)) for part in command))


def run(
    command: Sequence[object], *, extra: Mapping[str, str] | None = None, quietly: bool = False
) -> str:
    """Run a program in the project's folder and show what it prints, or write it into the log.

    Args:
        command: The program and its arguments.
        extra: Variables to add to the program's environment.
        quietly: Show its output only if it fails.

    Returns:
        What it printed, if it was not shown.

    Raises:
        CommandError: Its exit code is not 0.
        ToolError: It could not be started.
    """
    announce(command)
    code, output = _start(
        command, ROOT, environment(extra), capture=quietly or progress.is_logged()
    )
    if code:
        raise _failure(command, code, output)
    return output or ""


def attempt(command: Sequence[object], *, extra: Mapping[str, str] | None = None) -> bool:
    """Run a program that may fail; what it prints is shown if it does not.

    Args:
        command: The program and its arguments.
        extra: Variables to add to the program's environment.

    Returns:
        Whether its exit code is 0.

    Raises:
        ToolError: It could not be started.
    """
    announce(command)
    code, output = _start(command, ROOT, environment(extra), capture=True)
    if code == 0 and output and not progress.is_logged():
        progress.show_output(output)
    return code == 0


def tested(
    command: Sequence[object], folder: Path, *, extra: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program whose failure is an answer, and show what it prints or write it into the log.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        extra: Variables to add to the program's environment.

    Returns:
        Its exit code, and what it printed if that was not shown.

    Raises:
        ToolError: It could not be started.
    """
    announce(command)
    code, output = _start(command, folder, environment(extra), capture=progress.is_logged())
    return code, output or ""


def output_of(command: Sequence[object], *, extra: Mapping[str, str] | None = None) -> str:
    """Return what a program prints, or an empty text if it is missing or fails; prints nothing."""
    try:
        done = ended(command, ROOT, environment(extra))
    except ToolError:
        return ""
    return done.output.decode("utf-8", "replace").strip() if done.code == 0 else ""


def printed_by(
    command: Sequence[object], folder: Path, *, extra: Mapping[str, str] | None = None
) -> str:
    """Run a program in a folder and return what it prints; what it says to people is shown.

    Raises:
        CommandError: Its exit code is not 0.
        ToolError: It could not be started.
    """
    announce(command)
    is_shown = not progress.is_logged()
    done = ended(command, folder, environment(extra), shows_errors=is_shown)
    output = done.output.decode("utf-8", "replace")
    progress.note(f"{done.errors}{output}")
    if done.code:
        raise _failure(command, done.code, None if is_shown else done.errors or output)
    return output


def hand_over(command: Sequence[object], *, extra: Mapping[str, str] | None = None) -> int:
    """Run a program that is in charge until it ends, also of Ctrl-C and SIGTERM.

    Args:
        command: The program and its arguments.
        extra: Variables to add to the program's environment.

    Returns:
        Its exit code.

    Raises:
        ToolError: It could not be started.
    """
    announce(command)
    arguments = [str(part) for part in command]
    try:
        started = subprocess.Popen(arguments, cwd=ROOT, env=environment(extra))
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    with started as program, _asked(program):
        while True:
            try:
                code = program.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else SIGNAL_OFFSET - code


@contextmanager
def _asked(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ask a program to end when this process alone is asked to, as what starts jobs does."""
    before = signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def inside(folder: Path, tools: Sequence[str]) -> tuple[int, str]:
    """Run the tools of a copy of the project there; show what they print, or write it into the log.

    Returns:
        Their exit code, and the sentence that they failed with, which is not shown.
    """
    is_logged = progress.is_logged()
    waits: AbstractContextManager[Waited | None] = (
        progress.waiting(_brief(tools)) if is_logged else nullcontext()
    )
    with (
        waits as waited,
        subprocess.Popen(
            tools,
            cwd=folder,
            env=environment(),
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
    return started.returncode, reason


def _heard(lines: Iterable[str], waited: Waited | None) -> tuple[str, str]:
    """Pass on what the tools print; return what the last program printed, and their error."""
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
class Ended:
    """How a program ended that was started for what it prints.

    Attributes:
        code: Its exit code.
        output: What it printed.
        errors: What it printed to the standard error.
    """

    code: int
    output: bytes
    errors: str


def ended(
    command: Sequence[object],
    folder: Path,
    variables: Mapping[str, str],
    given: bytes = b"",
    *,
    shows_errors: bool = False,
) -> Ended:
    """Run a program, print nothing, and return how it ended, whatever its exit code.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        variables: All of its environment.
        given: Its standard input.
        shows_errors: Show what it prints to the standard error, and do not return that.

    Raises:
        ToolError: It could not be started.
    """
    arguments = [str(part) for part in command]
    try:
        with nullcontext() if shows_errors else progress.waiting(_brief(command)):
            done = subprocess.run(
                arguments,
                cwd=folder,
                env=variables,
                input=given,
                stdout=subprocess.PIPE,
                stderr=None if shows_errors else subprocess.PIPE,
                check=False,
            )
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    return Ended(done.returncode, done.stdout, (done.stderr or b"").decode("utf-8", "replace"))


def _start(
    command: Sequence[object], folder: Path, variables: Mapping[str, str], *, capture: bool
) -> tuple[int, str | None]:
    """Run a program and return its exit code and, if that is not shown, what it printed."""
    arguments = [str(part) for part in command]
    try:
        if capture:
            return _captured(arguments, folder, variables)
        done = subprocess.run(arguments, cwd=folder, env=variables, check=False)
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    return done.returncode, None


def _captured(
    command: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> tuple[int, str]:
    what, lines = _brief(command), []
    with (
        progress.waiting(what) as waited,
        subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
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
    return started.returncode, "".join(lines)


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
