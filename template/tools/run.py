# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Start programs and print them first, so that people can read and repeat every step."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ToolError, failure
from .paths import ROOT, shown

LEAKING_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
)
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


def say(text: str) -> None:
    """Print a line of progress at once, also when the output is a pipe."""
    print(text, flush=True)


def announce(command: Sequence[object]) -> None:
    """Print a command as it can be typed in the project's folder, apart from what it prints."""
    line = shlex.join(shown(str(part)) for part in command)
    print(f"$ {line}", file=sys.stderr, flush=True)


def run(
    command: Sequence[object], *, extra: Mapping[str, str] | None = None, quietly: bool = False
) -> str:
    """Run a program in the project's folder and show what it prints.

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
    code, output = _start(command, environment(extra), capture=quietly)
    if code == 0:
        return output
    if output:
        print(_reason(output), file=sys.stderr, flush=True)
    raise failure(Path(str(command[0])).name, code, output)


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
    code, output = _start(command, environment(extra), capture=True)
    if code == 0:
        print(output, end="", file=sys.stderr, flush=True)
    return code == 0


def output_of(command: Sequence[object], *, extra: Mapping[str, str] | None = None) -> str:
    """Return what a program prints, or an empty text if it is missing or fails; prints nothing."""
    try:
        code, output = _start(command, environment(extra), capture=True, merge=False)
    except ToolError:
        return ""
    return output.strip() if code == 0 else ""


def printed_by(
    command: Sequence[object], folder: Path, *, extra: Mapping[str, str] | None = None
) -> str:
    """Run a program in a folder and return what it prints; what it says to people is shown.

    Raises:
        CommandError: Its exit code is not 0.
        ToolError: It could not be started.
    """
    announce(command)
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(
            arguments, cwd=folder, env=environment(extra), stdout=subprocess.PIPE, check=False
        )
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    if done.returncode:
        raise failure(Path(str(command[0])).name, done.returncode)
    return done.stdout.decode("utf-8", "replace")


def hand_over(command: Sequence[object], *, extra: Mapping[str, str] | None = None) -> int:
    """Run a program that is in charge until it ends, also of Ctrl-C, and return its exit code.

    Args:
        command: The program and its arguments.
        extra: Variables to add to the program's environment.

    Raises:
        ToolError: It could not be started.
    """
    announce(command)
    arguments = [str(part) for part in command]
    try:
        started = subprocess.Popen(arguments, cwd=ROOT, env=environment(extra))
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    with started as program:
        while True:
            try:
                code = program.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else SIGNAL_OFFSET - code


def inside(folder: Path, tools: Sequence[str]) -> tuple[int, str]:
    """Run the tools of a copy of the project there and show what they print.

    Returns:
        Their exit code, and the sentence that they failed with, which is not shown.
    """
    reason = ""
    with subprocess.Popen(
        tools,
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as started:
        assert started.stderr is not None
        for line in started.stderr:
            if line.startswith("error: "):
                reason = line.removeprefix("error: ").strip()
            else:
                print(line, end="", file=sys.stderr, flush=True)
    return started.returncode, reason


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
    command: Sequence[object], folder: Path, variables: Mapping[str, str], given: bytes = b""
) -> Ended:
    """Run a program, print nothing, and return how it ended, whatever its exit code.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        variables: All of its environment.
        given: Its standard input.

    Raises:
        ToolError: It could not be started.
    """
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(
            arguments, cwd=folder, env=variables, input=given, capture_output=True, check=False
        )
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    return Ended(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def _start(
    command: Sequence[object], variables: dict[str, str], *, capture: bool, merge: bool = True
) -> tuple[int, str]:
    pipe = subprocess.PIPE if capture else None
    error_pipe = (subprocess.STDOUT if merge else subprocess.DEVNULL) if capture else None
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=variables,
            stdout=pipe,
            stderr=error_pipe,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ToolError(f"`{command[0]}` could not be started: {error.strerror}.") from error
    return done.returncode, done.stdout or ""


def _reason(output: str) -> str:
    """Return the part of a failed program's output that says why: what is before a traceback."""
    message = output.partition("Traceback (most recent call last):")[0]
    start = message.find("ERROR:")
    return message[start:].strip() if start >= 0 else output.strip()
