"""Read inputs of commands from arguments or, as ``make`` gives them, from variables."""

from __future__ import annotations

import os
import re


def given(argument: str | None, variable: str) -> str:
    """Return an input: the argument, else the environment variable, else an empty text.

    Args:
        argument: What stands on the command line; it wins.
        variable: Name of the environment variable, such as ``CHANGE``.
    """
    return argument or os.environ.get(variable, "").strip()


def name_given(argument: str | None) -> str:
    """Return a name: the argument, else ``NAME`` of make's command line, else an empty text.

    A variable of the machine does not count: Windows' Linux sets one of that name for its host.

    Args:
        argument: What stands on the command line; it wins.
    """
    is_of_make = re.search(r"(^|\s)NAME=", os.environ.get("MAKEFLAGS", ""))
    return given(argument, "NAME") if is_of_make else argument or ""


def in_ci() -> bool:
    """Tell whether continuous integration runs this, as its variable ``CI`` says."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
