"""Redact a report: names, folders, secrets."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

HIDDEN = "***"
SECRET_NAMES = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|AUTH|COOKIE|PRIVATE|(^|_)(KEY|PWD|PAT)$|API_?KEY",
    re.IGNORECASE,
)
SHORTEST = 6  # characters of a value that is looked for wherever it stands
CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
PARAMETERS = re.compile(
    r"(?<=[?&])([\w.-]*(?:token|key|secret|password|signature|sig|auth)[\w.-]*=)[^&\s'\"]+",
    re.IGNORECASE,
)
NOBODY = ("", "root")  # names of users that say nothing


def redactor(
    variables: Mapping[str, str],
    project: Path,
    *,
    home: Path | None = None,
    user: str | None = None,
) -> Callable[[str], str]:
    """Return a function that redacts what is private in a text.

    Args:
        variables: The environment variables; the values of those with secret names are redacted.
        project: The project's folder, which becomes ``.``.
        home: The home folder, which becomes ``~``; by default that of whoever runs this.
        user: The name of the user; by default that of whoever runs this.
    """
    home, user = home or _home(), _user() if user is None else user
    secrets = [
        value
        for name, value in variables.items()
        if SECRET_NAMES.search(name) and len(value) >= SHORTEST and not value.startswith(os.sep)
    ]
    folders = {**_spellings(home, "~"), **_spellings(project, ".")}
    replaced = [(re.compile(re.escape(each)), HIDDEN) for each in _longest_first(secrets)]
    replaced += [(CREDENTIALS, HIDDEN), (PARAMETERS, rf"\g<1>{HIDDEN}")]
    replaced += [
        (re.compile(rf"{re.escape(each)}(?![\w-])"), folders[each])
        for each in _longest_first(folders)
    ]
    if user not in NOBODY:
        name = re.escape(user)
        replaced.append((re.compile(rf"(?<=[/\\]){name}(?![\w-])|\b{name}(?=@)"), "<user>"))

    def redact(text: str) -> str:
        for private, shown in replaced:
            text = private.sub(shown, text)
        return text

    return redact


def redacted(report: object, redact: Callable[[str], str]) -> object:
    """Return a report of texts, numbers, lists and tables with every text of it redacted."""
    if isinstance(report, str):
        return redact(report)
    if isinstance(report, Mapping):
        return {redact(str(key)): redacted(value, redact) for key, value in report.items()}
    if isinstance(report, list | tuple):
        return [redacted(each, redact) for each in report]
    return report


def _longest_first(texts: Iterable[str]) -> list[str]:
    """Return texts in an order in which a longer one comes before its parts."""
    return sorted(texts, key=lambda each: (-len(each), each))


def _spellings(folder: Path | None, shown: str) -> dict[str, str]:
    if folder is None or folder == Path(folder.anchor):
        return {}
    found = {str(folder), folder.as_posix()}
    with suppress(OSError):
        found.add(str(folder.resolve()))
    return dict.fromkeys(found, shown)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
