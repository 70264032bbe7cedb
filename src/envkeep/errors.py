"""Errors that the user can fix."""

import re
import signal

NO_CONNECTION = re.compile(
    "NewConnectionError|NameResolutionError|name resolution|Network is unreachable|ProxyError|"
    "ConnectTimeout|ReadTimeout|IncompleteDownload|Connection refused|error sending request|"
    "dns error"
)
"""What pip and uv print when the index does not answer."""

QUOTED_LINES, QUOTED_LENGTH = 3, 300  # of what a failed program printed, in the sentence on it
DECORATION = re.compile(r"\x1b\[[0-9;]*m|[\u00d7\u2500-\u25b6]")
TRACEBACK = "Traceback (most recent call last):"


NO_ROOM = re.compile(r"No space left on device|not enough space on the disk|Disk quota exceeded")
"""What programs print when a disk is full."""


DAMAGED_IN_CACHE = re.compile(
    r"`[^`\n]*[/\\](archive|sdists|wheels)-v\d+[/\\][^`\n]*`: .*\(os error [23]\)|"
    r"deserialize cache entry|Missing \.dist-info directory"
)
"""What uv prints when files of its cache are gone or not whole."""
DAMAGED_PACKAGE = re.compile(
    r"Failed to install: \S+ \((?P<i>[\w.-]+)==|Failed to download `(?P<d>[\w.-]+)==|"
    r"structure of `(?P<s>[\w.-]+)`"
)


class ToolError(Exception):
    """What is wrong and what to do about it, in one sentence."""

    def add(self, more: str) -> None:
        """Add to the sentence."""
        self.args = (f"{str(self).rstrip('.')}; {more}.",)


class CommandError(ToolError):
    """A program failed; its output says why.

    Attributes:
        output: What it printed, if that was kept.
    """

    def __init__(self, message: str, output: str = "") -> None:
        """Keep what the program printed beside the sentence about it."""
        super().__init__(message)
        self.output = output

    @property
    def is_of_network(self) -> bool:
        """Whether it failed because the index cannot be reached."""
        return NO_CONNECTION.search(self.output) is not None

    @property
    def damaged_in_cache(self) -> str | None:
        """The package of which uv's cache has a damaged copy, if that was the reason."""
        said = " ".join(self.output.split())  # uv breaks lines where the terminal ends
        if not DAMAGED_IN_CACHE.search(said):
            return None
        named = DAMAGED_PACKAGE.search(said)
        return named[named.lastgroup or 0] if named else ""


def failure(program: str, code: int, output: str | None = None) -> CommandError:
    """Return the error of a program that failed; it quotes the end of the reason.

    Args:
        program: Its name.
        code: Its exit code; below 0 for the number of the signal that ended it.
        output: What it printed, None if that was shown.
    """
    how = f"failed with exit code {code}" if code >= 0 else f"was ended by {_signal(-code)}"
    full = NO_ROOM.search(output or "")
    failed = f"`{program}` {how}{f', the disk is full ({full[0]})' if full else ''}"
    if output is None:
        return CommandError(f"{failed}; its message is above.")
    reason = reason_in(output)
    return CommandError(f"{failed}: {quoted(reason) or 'it printed nothing'}.", output)


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"{name}, as the system does when memory runs out" if name == "SIGKILL" else name


def reason_in(output: str) -> str:
    """Return the reason in a failed program's output: the part before a traceback."""
    message = output.partition(TRACEBACK)[0]
    start = message.find("ERROR:")
    return message[start:].strip() if start >= 0 else message.strip() or output.strip()


def quoted(reason: str) -> str:
    """Return the last lines of the reason, as a part of a sentence."""
    lines = [" ".join(line.split()) for line in DECORATION.sub("", reason).splitlines()]
    number = 1 if TRACEBACK in reason else QUOTED_LINES
    text = " ".join([line for line in lines if line][-number:])
    return text.rstrip(".") if len(text) <= QUOTED_LENGTH else f"{text[:QUOTED_LENGTH]} ..."
