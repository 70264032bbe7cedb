# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""What the package index says of versions: the size of their wheels, licences, what was yanked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from email.parser import HeaderParser
from typing import Any

from . import licences, toolchain
from .errors import ToolError
from .lock_diff import Facts
from .lock_sides import Package
from .paths import TOOLS, python
from .run import announce, ended, environment
from .vulnerabilities import certificates

WORKER = TOOLS / "index_worker.py"
NOBODY = (
    "nobody could be asked about sizes, licences and yanked releases that are not installed here: "
    "check the network."
)


def ask(wanted: Iterable[Package]) -> dict[tuple[str, str], Facts]:
    """Return what is known, by package and version.

    Those with a build's label are not asked for, as no ordinary index has them.

    Raises:
        ToolError: Nobody answered.
    """
    rows = [
        {"name": each.name, "version": each.version, "hashes": sorted(each.hashes)}
        for each in {(each.name, each.version): each for each in wanted}.values()
        if "+" not in each.version and "://" not in each.version
    ]
    if not rows:
        return {}
    index = toolchain.pip_settings().get("index-url")
    command = [python(toolchain.ensure()), "-I", WORKER]
    announce(command)
    given = json.dumps({"index": index, "wanted": rows}).encode()
    done = ended(command, TOOLS, {**environment(), **certificates()}, given)
    try:
        answers: list[dict[str, Any]] = json.loads(done.output)
    except ValueError:
        raise ToolError(NOBODY) from None
    return {(each["name"], each["version"]): _facts(each) for each in answers}


def _facts(answer: dict[str, Any]) -> Facts:
    text = str(answer["metadata"] or "").partition("\n\n")[0]
    licence = licences.licence_of(HeaderParser().parsestr(text)) if text else licences.UNKNOWN
    known = None if licence == licences.UNKNOWN else licence
    return Facts(known, answer["size"], answer["yanked"])
