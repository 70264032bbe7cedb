"""Read the licenses of distributions, and match them with those that the team denies.

A license is an SPDX expression where the distribution gives one, otherwise what its classifiers
or its text say, in SPDX's spelling only where that is certain: "BSD" alone names no license.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from fnmatch import fnmatchcase
from pathlib import Path

from envkeep.environments import distributions, store
from envkeep.environments.store import DEVELOPMENT, Kind
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import python, shown
from envkeep.process import run
from envkeep.project import target as backends
from envkeep.project.metadata import own_table
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.toolchain.pinned_tools import AUDIT

UNKNOWN = "unknown"
SETTING = "denied-licenses"
SETTING_OF_BEFORE = "denied-licences"
WORKER = Path(__file__).with_name("license_worker.py")
LONGEST = 60  # characters of a license's name; what is longer is its text
SAYS_NOTHING = ("", "unknown", "license", "see license", "other/proprietary license")
PREFIX = "License ::"
IDENTIFIER = re.compile(r"[A-Za-z0-9.+-]*[0-9-][A-Za-z0-9.+-]*|MIT|ISC|Zlib|Unlicense", re.ASCII)
EXPRESSION = re.compile(r"[(\s]*[\w.+-]+[)\s]*((AND|OR|WITH)[(\s]+[\w.+-]+[)\s]*)+", re.ASCII)
SPDX = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache",
    "boost software license 1.0 (bsl-1.0)": "BSL-1.0",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
    "eclipse public license 2.0 (epl-2.0)": "EPL-2.0",
    "european union public licence 1.2 (eupl 1.2)": "EUPL-1.2",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later (agplv3+)": "AGPL-3.0-or-later",
    "gnu general public license (gpl)": "GPL",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v2 or later (gplv2+)": "GPL-2.0-or-later",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
    "gnu lesser general public license v2 (lgplv2)": "LGPL-2.0-only",
    "gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.0-or-later",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "gnu library or lesser general public license (lgpl)": "LGPL",
    "gplv2": "GPL-2.0",
    "gplv3": "GPL-3.0",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF",
    "the unlicense (unlicense)": "Unlicense",
    "zlib/libpng license": "Zlib",
}
"""What the index's classifiers and common texts mean, in lower case."""


@dataclass(frozen=True)
class LockedLicense:
    """The license of a locked package.

    Attributes:
        name: The package's name.
        version: Its version.
        license: What its metadata state, or ``unknown``.
        denied: Whether the team does not want that.
    """

    name: str
    version: str
    license: str
    denied: bool


def license_of(metadata: Message) -> str:
    """Return the license that a distribution's metadata state, or ``unknown``."""
    expression = _line(metadata.get("License-Expression"))
    if expression:
        return expression
    text = _line(metadata.get("License"))
    text = "" if text.lower() in SAYS_NOTHING else text
    if IDENTIFIER.fullmatch(text) or EXPRESSION.fullmatch(text):
        return text
    stated = [_line(each) for each in metadata.get_all("Classifier", [])]
    names = [each.rpartition("::")[2].strip() for each in stated if each.startswith(PREFIX)]
    named = sorted({_spelled(name) for name in names if name.lower() not in SAYS_NOTHING})
    named = [name for name in named if name != "OSI Approved"]
    if named:
        return ", ".join(named)
    short = text.rpartition("::")[2].strip()
    return _spelled(short) if 0 < len(short) <= LONGEST else UNKNOWN


def known_licenses() -> dict[tuple[str, str], str]:
    """Return the licenses of what is installed in any environment, by package and version."""
    found: dict[tuple[str, str], str] = {}
    for environment in store.complete():
        for each in distributions.installed(environment.folder):
            key = (each.name, each.version)
            if key not in found:
                found[key] = license_of(distributions.metadata(each.folder))
    return {key: license for key, license in found.items() if license != UNKNOWN}


def denied_licenses() -> list[str]:
    """Return the licenses that the team denies in ``pyproject.toml``.

    Raises:
        ToolError: The setting is no list of texts.
    """
    table = own_table()
    found = table.get(SETTING, table.get(SETTING_OF_BEFORE, []))
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise ToolError(
            f"{SETTING} in pyproject.toml must be a list of licenses, such as "
            f'{SETTING} = ["AGPL-3.0*", "GPL-3.0*"], in the table [tool.project].'
        )
    return found


def refused_licenses(licenses: Iterable[str], unwanted: Sequence[str]) -> set[str]:
    """Return the denied ones among some licenses.

    Of alternatives (``A OR B``) one has to be wanted, of what holds together (``A AND B``) all.

    Args:
        licenses: As ``license_of`` returns them.
        unwanted: Licenses, with ``*`` for any text.

    Raises:
        ToolError: The tool that reads expressions cannot be had.
    """
    patterns = [each.lower() for each in unwanted]
    hit = {each for each in licenses if any(_is_in(each, pattern) for pattern in patterns)}
    expressions = {each for each in hit if EXPRESSION.fullmatch(each)}
    plain = hit - expressions
    return plain | (_judged(expressions, patterns) if expressions else set())


def locked_licenses(kind: Kind) -> list[LockedLicense]:
    """Return what is locked for the active environment of a kind, in the order of the table.

    Raises:
        ToolError: No environment of the kind is active.
    """
    if store.active(kind) is None:
        target = "install" if kind is DEVELOPMENT else "install-prod"
        raise ToolError(
            f"licenses are read from {shown(kind.link)}, which is not there; run `make {target}`."
        )
    wanted = layers() if kind is DEVELOPMENT else PRODUCTION_LAYERS
    files = Locks(backends.chosen().target).require(wanted)
    locked = {name: version for path in files for name, version in pinned(path).items()}
    return judge_licenses(locked, known_licenses())


def judge_licenses(
    locked: Mapping[str, str], stated: Mapping[tuple[str, str], str]
) -> list[LockedLicense]:
    """Return the rows of the table: what is not known first, then by license.

    Args:
        locked: Versions by package.
        stated: Licenses by package and version.
    """
    unwanted = denied_licenses()
    found = {name: stated.get((name, version), UNKNOWN) for name, version in locked.items()}
    denied = refused_licenses(set(found.values()), unwanted)
    table = [
        LockedLicense(name, version, found[name], found[name] in denied)
        for name, version in locked.items()
    ]
    return sorted(table, key=lambda row: (row.license != UNKNOWN, row.license.lower(), row.name))


def _is_in(license: str, pattern: str) -> bool:
    """Tell whether a pattern matches any of the licenses in a text."""
    parts = re.split(r",\s+|\s+(?:AND|OR)\s+", license)
    bare = [part.strip("() \t") for part in parts]
    return any(fnmatchcase(part.lower(), pattern) for part in bare)


def _judged(expressions: Iterable[str], patterns: Sequence[str]) -> set[str]:
    """Return the expressions that leave no choice but an unwanted license."""
    given = json.dumps({"expressions": sorted(expressions), "patterns": list(patterns)})
    command = [python(AUDIT.ensure()), "-I", WORKER]
    done = run(command, stdin=given.encode(), mode="capture", check=False)
    if done.code:
        reason = done.errors.strip().rpartition("\n")[2]
        raise ToolError(f"the licenses could not be compared: {reason}.")
    return set(json.loads(done.output))


def _spelled(text: str) -> str:
    return SPDX.get(text.lower(), text)


def _line(value: object) -> str:
    """Return a header's value without line breaks, or nothing if it is a whole text."""
    text = str(value or "").strip()
    return "" if "\n" in text else text
