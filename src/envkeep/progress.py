"""Show the progress of a command: how long a program has run, and a log of hidden output."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from envkeep.errors import ToolError
from envkeep.inputs import in_ci
from envkeep.paths import LOGS, shown

KEPT = 20  # logs
SHOWN_LINES = 20  # of a program that failed, where a log has all of them
PATIENCE = 5  # seconds until a terminal shows how long a program has run
STILL = "... "
FIRST_LINE = 30  # the same without a terminal; each further line comes after twice the time


class Log:
    """The log of hidden output; a file once there is anything."""

    def __init__(self, command: str, *, shows_commands: bool) -> None:
        """Choose its name; nothing is written yet."""
        self.path = LOGS / f"{command}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.log"
        self.shows_commands = shows_commands
        self.is_told = False
        self._held: list[str] = []
        self._writing = threading.Lock()

    def write(self, text: str) -> None:
        """Add a text once a program has run; where no file can be written there is no log."""
        with self._writing, suppress(OSError):
            self._held.append(text)
            if not self.is_told:
                return
            if not self.path.exists():
                self._begin()
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(self._held)
            self._held.clear()

    def _begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        by_age = sorted(self.path.parent.glob("*.log"), key=lambda path: path.name[-20:])
        for old in by_age[: max(0, len(by_age) - KEPT + 1)]:
            old.unlink()


class _State:
    """State that this process shares: the log, and the line on the terminal."""

    log: Log | None = None
    line: str = ""
    drawing = threading.RLock()


@contextmanager
def logged(command: str, *, verbose: bool = False, shows_commands: bool = False) -> Iterator[None]:
    """Write what programs print into a log meanwhile; an error names it.

    Continuous integration shows everything: its files are gone when somebody reads what it said.

    Args:
        command: The name of the command that runs.
        verbose: Show everything, as without a log.
        shows_commands: Show the programs that are started, though not what they print.
    """
    if verbose or in_ci() or _State.log:
        yield
        return
    _State.log = Log(command, shows_commands=shows_commands)
    try:
        yield
    except ToolError as error:
        place = place_of_log()
        if place:
            error.add(place)
        raise
    finally:
        _State.log = None


def place_of_log() -> str:
    """Return the part of a sentence that names the log, an empty text where no program has run."""
    log = _State.log
    return f"all that was printed is in {shown(log.path)}" if log and log.is_told else ""


def is_logged() -> bool:
    """Tell whether what programs print goes into a log."""
    return _State.log is not None


def say(text: str) -> None:
    """Print a line of progress at once, also when the output is a pipe."""
    _erase()
    print(text, flush=True)
    note(f"{text}\n")


def tell(text: str) -> None:
    """Show a text beside the output, where people look for what goes on."""
    _erase()
    print(text, file=sys.stderr, flush=True)
    note(f"{text}\n")


def show_command(line: str) -> None:
    """Show a program that is started, or note it in the log."""
    log = _State.log
    if log and not log.is_told:
        log.is_told = True
        tell(f"What programs print goes into {shown(log.path)}.")
    if log is None or log.shows_commands:
        tell(f"$ {line}")
    else:
        note(f"$ {line}\n")


def show_output(text: str) -> None:
    """Show what a program printed, or write it into the log."""
    if _State.log:
        note(text)
        return
    _erase()
    print(text, end="", file=sys.stderr, flush=True)


def show_reason(text: str) -> None:
    """Show why a program failed; of a long text the end, if a log has all of it."""
    lines = text.splitlines()
    _erase()
    print("\n".join(lines[-SHOWN_LINES:] if is_logged() else lines), file=sys.stderr, flush=True)


def note(text: str) -> None:
    """Write a text into the log, if there is one."""
    if _State.log:
        _State.log.write(text)


class Waited:
    """A running program.

    Attributes:
        what: What it does, as people read it.
    """

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.what = what
        self._clock = clock
        self._start = clock()

    @property
    def line(self) -> str:
        """What it does and how long that has taken."""
        minutes, seconds = divmod(int(self._clock() - self._start), 60)
        return f"{self.what}: {f'{minutes} min ' if minutes else ''}{seconds} s"

    def watch(self, done: threading.Event) -> None:
        """Show the line, again and again, until the program has ended."""
        is_terminal = sys.stderr.isatty()
        for pause in pauses(is_terminal=is_terminal):
            if done.wait(pause):
                return
            if is_terminal:
                _draw(self.line)
            else:
                print(f"{STILL}{self.line} so far", file=sys.stderr, flush=True)


def pauses(*, is_terminal: bool) -> Iterator[float]:
    """Yield the seconds between two lines on a program that still runs."""
    pause: float = PATIENCE if is_terminal else FIRST_LINE
    yield pause
    while True:
        yield 1 if is_terminal else pause
        pause *= 2


@contextmanager
def waiting(what: str) -> Iterator[Waited]:
    """Show how long something takes, if it takes long.

    Args:
        what: What it is, as people read it.
    """
    waited, done = Waited(what), threading.Event()
    watcher = threading.Thread(target=waited.watch, args=(done,), daemon=True)
    watcher.start()
    try:
        yield waited
    finally:
        done.set()
        watcher.join()
        _erase()


def _draw(line: str) -> None:
    """Replace the line on the terminal; it must not be wider than that."""
    from shutil import get_terminal_size  # importing it takes longer than most commands draw

    width = get_terminal_size().columns - 1
    with _State.drawing:
        _erase()
        _State.line = line[:width]
        print(_State.line, end="", file=sys.stderr, flush=True)


def _erase() -> None:
    """Take the line from the terminal, as something else is printed."""
    with _State.drawing:
        if _State.line:
            blank = " " * len(_State.line)
            print(f"\r{blank}\r", end="", file=sys.stderr, flush=True)
            _State.line = ""
