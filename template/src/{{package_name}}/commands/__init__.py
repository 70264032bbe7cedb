"""The commands: every module here is one, found by its file name.

A command has `HELP`, `add_arguments(parser)` and `run(args)`, which returns the exit status. With
`TAKES_SETTINGS = True` it also gets unknown arguments such as `--training.epochs 3`, unparsed, as
`args.settings`. Commands import heavy packages inside `run`, so that `--help` stays quick and the
others work in an environment that lacks those packages.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from typing import Protocol, cast


class Command(Protocol):
    """What every module in this folder offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit status."""


def discover() -> dict[str, Command]:
    """Return the commands by name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f".{name}", __name__) for name in names}
    return {name.replace("_", "-"): cast(Command, module) for name, module in modules.items()}
