"""Read inputs of commands from arguments or, as ``make`` gives them, from variables."""

from __future__ import annotations

import os


def given(argument: str | None, variable: str) -> str:
    """Return an input: the argument, else the environment variable, else an empty text.

    Args:
        argument: What stands on the command line; it wins.
        variable: Name of the environment variable, such as ``CHANGE``.
    """
    return argument or os.environ.get(variable, "").strip()


def in_ci() -> bool:
    """Tell whether continuous integration runs this, as its variable ``CI`` says."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
