"""Say what is wrong on this machine and what fixes it; with ``--fix``, fix what is safe to fix."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from envkeep.doctor import fixes
from envkeep.doctor.checks import diagnose
from envkeep.doctor.collect import collect
from envkeep.doctor.finding import ERROR, Finding
from envkeep.doctor.fixes import Applied
from envkeep.doctor.report import as_json, as_text, as_text_of_fixes
from envkeep.progress import logged

HELP = "check this machine, the environment and its torch; --fix does what is safe to do"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--json", action="store_true", help="print the findings as JSON, fit for bug reports"
    )
    parser.add_argument("--backend", help="judge this backend, as BACKEND=... does")
    parser.add_argument(
        "--full", action="store_true", help="start torch on the CPU too, and hash the data"
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help="do what the findings name where that is safe, then look again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; without ``--fix`` nothing changes.

    Returns:
        1 if there is an error among them, or one is left after the fixes; warnings do not count.
    """
    if arguments.backend:
        os.environ["BACKEND"] = arguments.backend
    context = collect(full=arguments.full)
    findings = diagnose(context)
    applied: list[Applied] | None = None
    if arguments.fix:
        applied = _fix(findings, quietly=arguments.json)
    if applied:
        context = collect(full=arguments.full)
        findings = diagnose(context)
    if arguments.json:
        print(as_json(context, findings, applied))
    elif applied is not None:
        _print(as_text_of_fixes(applied, findings, colors=_has_colors()))
    else:
        _print(as_text(context, findings, colors=_has_colors()))
    return 1 if any(finding.status == ERROR for finding in findings) else 0


def _fix(findings: Sequence[Finding], *, quietly: bool) -> list[Applied]:
    """Run what fixes the findings; the standard output stays free for a report in JSON."""
    if not quietly:
        return fixes.apply(findings)
    with redirect_stdout(sys.stderr), logged("doctor"):
        return fixes.apply(findings)


def _has_colors() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.name != "nt"


def _print(text: str) -> None:
    """Print text whose names of devices and folders the terminal may have no characters for."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
