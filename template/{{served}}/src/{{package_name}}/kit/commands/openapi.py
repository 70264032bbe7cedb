# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`openapi`: writes what the server takes and gives, or checks what was written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..files import read_json, write_text
from ..serving import module_of_service

HELP = "write openapi.json, what the server takes and gives; --check compares it"
DEFAULT_OUTPUT = Path("openapi.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where it is, and whether it is compared only."""
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="default: %(default)s")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it differs")


def run(args: argparse.Namespace) -> int:
    """Write the file, or say where it differs."""
    found = module_of_service().describe_interface()
    if not args.check:
        write_text(args.output, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        print(f"Wrote {args.output}.")
        return 0
    places = differences(read_json(args.output), found)
    for place in places:
        print(f"{args.output} differs from the code at {place}")
    if places:
        print("If clients can live with it: run `openapi` again, and commit the file.")
    return 1 if places else 0


def differences(before: Any, after: Any, place: str = "") -> list[str]:
    """Return the places in which two values of JSON differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        missing = object()
        return [
            found
            for name in names
            for found in differences(
                before.get(name, missing), after.get(name, missing), f"{place}/{name}"
            )
        ]
    return [] if before == after else [place or "/"]
