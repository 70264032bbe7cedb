"""Say what is wrong on this machine and which command mends it."""

from __future__ import annotations

import argparse
import os
import sys

from envkeep.doctor.checks import diagnose
from envkeep.doctor.collect import collect
from envkeep.doctor.finding import ERROR
from envkeep.doctor.report import as_json, as_text

HELP = "check this machine, the environment and its torch; each finding says what mends it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--json", action="store_true", help="print the findings as JSON, fit for bug reports"
    )
    parser.add_argument("--backend", help="judge this backend, as BACKEND=... does")
    parser.add_argument(
        "--full", action="store_true", help="start torch on the CPU too, and hash the data"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; changes nothing.

    Returns:
        1 if there is an error among them; warnings do not count.
    """
    if arguments.backend:
        os.environ["BACKEND"] = arguments.backend
    situation = collect(full=arguments.full)
    findings = diagnose(situation)
    if arguments.json:
        print(as_json(situation, findings))
    else:
        _print(as_text(situation, findings, colours=_has_colours()))
    return 1 if any(finding.status == ERROR for finding in findings) else 0


def _has_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.name != "nt"


def _print(text: str) -> None:
    """Print text whose names of devices and folders the terminal may have no characters for."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
