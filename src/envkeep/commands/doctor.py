"""Say what is wrong on this machine and which command mends it."""

from __future__ import annotations

import argparse
import os
import sys

from envkeep.doctor.checks import diagnose
from envkeep.doctor.collect import collect
from envkeep.doctor.finding import ERROR
from envkeep.doctor.report import as_data, as_text
from envkeep.result import DONE, FAILED, Result

HELP = "check this machine, the environment and its torch; each finding says what mends it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--backend", help="judge this backend, as BACKEND=... does")
    parser.add_argument(
        "--full", action="store_true", help="start torch on the CPU too, and hash the data"
    )


def run(arguments: argparse.Namespace) -> Result:
    """Return the findings, fit for bug reports; it fails if an error is among them."""
    if arguments.backend:
        os.environ["BACKEND"] = arguments.backend
    situation = collect(full=arguments.full)
    findings = diagnose(situation)
    lines = as_text(situation, findings, colours=_has_colours()).splitlines()
    failed = any(finding.status == ERROR for finding in findings)
    return Result(as_data(situation, findings), lines, FAILED if failed else DONE)


def _has_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.name != "nt"
