# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""The errors that commands raise for something the user can mend."""

import re
import signal

NO_CONNECTION = re.compile(
    "NewConnectionError|NameResolutionError|name resolution|Network is unreachable|ProxyError|"
    "ConnectTimeout|ReadTimeout|IncompleteDownload|Connection refused|error sending request|"
    "dns error"
)
"""What pip and uv print when the index does not answer."""


DAMAGED_IN_CACHE = re.compile(
    r"`[^`\n]*[/\\](archive|sdists|wheels)-v\d+[/\\][^`\n]*`: .*\(os error [23]\)|"
    r"deserialize cache entry|Missing \.dist-info directory"
)
"""What uv prints when files of its cache are gone or not whole."""
DAMAGED_PACKAGE = re.compile(
    r"Failed to install: \S+ \((?P<i>[\w.-]+)==|Failed to download `(?P<d>[\w.-]+)==|"
    r"structure of `(?P<s>[\w.-]+)`"
)
NO_ROOM = re.compile(r"No space left on device|not enough space on the disk|Disk quota exceeded")
"""What programs print when a disk is full."""


class ToolError(Exception):
    """What is wrong and what to do about it, in one sentence."""


class CommandError(ToolError):
    """A program that was started failed; what it printed says why.

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
        if not DAMAGED_IN_CACHE.search(self.output):
            return None
        named = DAMAGED_PACKAGE.search(self.output)
        return named[named.lastgroup or 0] if named else ""


def failure(program: str, code: int, output: str = "") -> CommandError:
    """Return the error of a program whose message was shown: how it ended, and a full disk.

    Args:
        program: Its name.
        code: Its exit code; below 0 for the number of the signal that ended it.
        output: What it printed, if that was kept.
    """
    how = f"failed with exit code {code}" if code >= 0 else f"was ended by {_signal(-code)}"
    full = NO_ROOM.search(output)
    room = f", the disk is full ({full[0]})" if full else ""
    return CommandError(f"`{program}` {how}{room}; its message is above.", output)


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"{name}, as the system does when memory runs out" if name == "SIGKILL" else name
