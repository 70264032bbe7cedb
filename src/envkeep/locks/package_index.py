"""What the package index says of versions: the size of their wheels, licences, what was yanked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from envkeep.audit import licenses
from envkeep.audit.vulnerabilities import certificates
from envkeep.diff.changes import Facts
from envkeep.diff.sides import Package
from envkeep.errors import ToolError
from envkeep.paths import python
from envkeep.process import announce, run
from envkeep.toolchain import locking_tools

WORKER = Path(__file__).with_name("index_worker.py")
NOBODY = (
    "nobody could be asked about sizes, licences and yanked releases that are not installed here: "
    "check the network."
)


@dataclass(frozen=True)
class Fit:
    """Whether the project's Python can have a version, on whichever platform.

    Attributes:
        name: Of the package.
        version: Which was asked for; an empty text if none was.
        is_known: Whether the index has the package.
        has_version: Whether it has the version.
        by: ``wheel``, ``source``, or an empty text if this Python cannot have it.
        pythons: Those that the version has wheels for.
        requires_python: Those that it is for by its makers' word, None if this Python is one.
        yanked: Why its makers withdrew it, an empty text without a reason; None if they did not.
        nearest: The next version with a wheel for this Python, or the last one; None without any.
        newest: The newest versions that this Python can have, the newest first.
    """

    name: str
    version: str
    is_known: bool
    has_version: bool
    by: str
    pythons: Sequence[str]
    requires_python: str | None
    yanked: str | None
    nearest: str | None
    newest: Sequence[str]


def fits(wanted: Collection[tuple[str, str]]) -> list[Fit]:
    """Return whether this Python can have some versions, each with its package.

    Raises:
        ToolError: Nobody answered.
    """
    rows = [{"name": name, "version": version} for name, version in wanted if "+" not in version]
    return [Fit(**each) for each in _asked("fit", rows)]


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
    answers = _asked("wheel", rows)
    return {(each["name"], each["version"]): _facts(each) for each in answers}


def _asked(question: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the worker's answers.

    Raises:
        ToolError: Nobody answered.
    """
    if not rows:
        return []
    index = locking_tools.pip_settings().get("index-url")
    command = [python(locking_tools.ensure()), "-I", WORKER]
    announce(command)
    given = json.dumps({"index": index, "question": question, "wanted": rows}).encode()
    done = run(
        command,
        env=certificates(),
        stdin=given,
        mode="capture",
        check=False,
    )
    try:
        answers: list[dict[str, Any]] = json.loads(done.output)
    except ValueError:
        raise ToolError(NOBODY) from None
    return answers


def _facts(answer: dict[str, Any]) -> Facts:
    text = str(answer["metadata"] or "").partition("\n\n")[0]
    licence = licenses.licence_of(HeaderParser().parsestr(text)) if text else licenses.UNKNOWN
    known = None if licence == licenses.UNKNOWN else licence
    return Facts(known, answer["size"], answer["yanked"])
