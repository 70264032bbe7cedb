"""The command line of `python -m` and of the script that installing the package makes."""

from .kit.commands import main

__all__ = ["main"]
