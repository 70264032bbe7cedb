"""Say what is wrong on this machine and what fixes it; with ``--fix``, fix what is safe to fix."""

from __future__ import annotations

import argparse
import os
import sys

from envkeep.doctor import fixes
from envkeep.doctor.checks import diagnose
from envkeep.doctor.collect import collect
from envkeep.doctor.finding import ERROR
from envkeep.doctor.report import as_data, as_text, as_text_of_fixes
from envkeep.result import DONE, FAILED, Result

HELP = "check this machine, the environment and its torch; --fix does what is safe to do"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--backend", help="judge this backend, as BACKEND=... does")
    parser.add_argument(
        "--full", action="store_true", help="start torch on the CPU too, and hash the data"
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help="do what the findings name where that is safe, then look again",
    )


def run(arguments: argparse.Namespace) -> Result:
    """Return the findings, fit for bug reports; without ``--fix`` nothing changes.

    It fails if an error is among them, or one is left after the fixes; warnings do not count.
    """
    if arguments.backend:
        os.environ["BACKEND"] = arguments.backend
    context = collect(full=arguments.full)
    findings = diagnose(context)
    applied = fixes.apply(findings) if arguments.fix else None
    if applied:
        context = collect(full=arguments.full)
        findings = diagnose(context)
    if applied is None:
        text = as_text(context, findings, colors=_has_colors())
    else:
        text = as_text_of_fixes(applied, findings, colors=_has_colors())
    failed = any(finding.status == ERROR for finding in findings)
    data = as_data(context, findings, applied)
    return Result(data, text.splitlines(), FAILED if failed else DONE)


def _has_colors() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.name != "nt"
