"""Pass on the output of checks unchanged, because a git hook shows nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from envkeep.process import run


def passed_on(command: Sequence[object]) -> int:
    """Run a program, print its output when it has ended, and return its exit code.

    Raises:
        ToolError: The program could not be started.
    """
    done = run(command, mode="capture", check=False)
    os.write(sys.stdout.fileno(), done.output)
    print(done.errors, end="", file=sys.stderr, flush=True)
    return done.code
