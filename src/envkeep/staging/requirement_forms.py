"""Parse the forms in which people type packages to try."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from envkeep.errors import ToolError
from envkeep.paths import ROOT
from envkeep.project.versions import version_of
from envkeep.redact import redactor

FORMS = (
    "NAME==VERSION, NAME>=1,<2, NAME[EXTRA], NAME @ https://HOST/FILE.whl, upgrade, git:COMMIT, a "
    "folder of locks, or order:LAYER,LAYER"
)
ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_PASTED = re.compile(
    r"\s*[$!%]?\s*(?:(?:python[\d.]*\s+-m\s+|uv\s+)?pip[\d.]*\s+install|(?:uv|poetry|pdm)\s+add|"
    r"pipenv\s+install)\s+"
)
"""What pages and notebooks put before the packages that one shall install."""
_OF_CONDA = re.compile(r"\s*[$!%]?\s*(?:conda|mamba|micromamba)\s+install\s")
WORDS_OF_MARKERS = ("and", "or", "in", "not")

_FORM = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[\w, .-]*\])?\s*(?P<rest>[^;\[\]]*)"
    r"(?:;\s*(?P<marker>.*))?"
)
_VALUE = re.compile(r"(===?|[!<>~]=|<|>|\bnot in\b|\bin\b)\s*['\"]?([\w.+-]+)['\"]?")


@dataclass(frozen=True)
class Wanted:
    """A package request.

    Attributes:
        name: As it was typed.
        extras: With their brackets, or an empty text.
        version: Comparisons such as ``>=1,<2``, or ``@`` and an address, or an empty text.
        marker: When it is asked for, or an empty text.
    """

    name: str
    extras: str = ""
    version: str = ""
    marker: str = ""

    @property
    def key(self) -> str:
        """The name in the one spelling that indexes compare."""
        return canonicalize_name(self.name)

    @property
    def whole(self) -> str:
        """All of it as a line of a requirements file."""
        return self._line(self.extras + self._version)

    @property
    def without_version(self) -> str:
        """The line of a layer whose version stands among the overrides."""
        return self._line(self.extras)

    @property
    def version_alone(self) -> str:
        """The line of the overrides, which know no extras."""
        return self._line(self._version)

    @property
    def _version(self) -> str:
        return f" {self.version}" if self.version.startswith("@") else self.version

    def _line(self, rest: str) -> str:
        return f"{self.name}{rest} ; {self.marker}" if self.marker else f"{self.name}{rest}"


def words(text: str) -> list[str]:
    """Return the changes of a text, each as one word: blanks around comparisons part nothing.

    Raises:
        ToolError: A quotation mark is missing, or it is a command of conda.
    """
    if _OF_CONDA.match(text):
        raise ToolError(
            "conda's packages are not those of the index: name the package alone, as PyPI calls it."
        )
    try:
        parts = shlex.split(_PASTED.sub("", text, count=1) if _PASTED.match(text) else text)
    except ValueError as error:
        raise ToolError(f"cannot understand {text!r}: a quotation mark is missing.") from error
    found: list[str] = []
    for part in parts:
        if found and (part[:1] in "=<>~!@,;[" or found[-1][-1:] in "=<>~!@,;"):
            found[-1] += part
        elif found and _goes_on(found[-1], part):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def read(word: str, before: str = "") -> Wanted:
    """Parse the package request of a word.

    Args:
        word: One of ``words``.
        before: The word before it, for the sentence about a version that stands alone.

    Raises:
        ToolError: A package cannot be asked for in this form; the sentence says why.
    """
    _refuse_what_has_no_hash(word)
    if version_of(word):
        name = before if before and _FORM.fullmatch(before) else "NAME"
        raise ToolError(f'"{word}" is a version without a package: write {name}=={word}.')
    if re.match(r"https?://", word):
        return _of_address(word)
    found = _FORM.fullmatch(word)
    if not found or ("://" not in word and Path(word).is_file()):
        raise ToolError(f'cannot understand "{redacted(word)}": write {FORMS}.')
    version = _version(found["name"], found["rest"].strip())
    return Wanted(found["name"], found["extras"] or "", version, _marker(found["marker"] or ""))


def redacted(text: str) -> str:
    """Return a text without the passwords in its addresses."""
    return redactor(os.environ, ROOT)(text)


def of_line(line: str) -> Wanted | None:
    """Return what a line of a requirements file asks for, None if it has another form."""
    found = _FORM.fullmatch(re.sub(r"(^|\s)#.*$", "", line).strip())
    if not found:
        return None
    marker = (found["marker"] or "").strip()
    return Wanted(found["name"], found["extras"] or "", found["rest"].strip(), marker)


def _goes_on(before: str, part: str) -> bool:
    """Tell whether a word belongs to the marker that the word before it began."""
    last = before.rpartition(" ")[2]
    return ";" in before and (part in WORDS_OF_MARKERS or last in WORDS_OF_MARKERS)


def _refuse_what_has_no_hash(word: str) -> None:
    """Refuse options, repositories, folders and files.

    Raises:
        ToolError: The word is one of these.
    """
    known = redacted(word)
    named = re.fullmatch(r"[A-Za-z0-9][\w.-]*(?:\[[\w, .-]*\])?\s*@\s*(?P<place>\D.*)", word)
    place = named["place"] if named else word
    if word.startswith("-"):
        raise ToolError(
            f'"{known}" is an option and no package: name the packages themselves; another index '
            "is set in pip's configuration or by PIP_INDEX_URL, for pip and uv."
        )
    if re.search(r"^git(\+|@)|\.git(@|#|$)", place):
        raise ToolError(
            f'"{known}" is a repository, whose files have no hash and may change: name a released '
            "version, or an archive of one commit (NAME @ https://HOST/.../COMMIT.zip)."
        )
    if place.startswith((".", "/", "~")) or "\\" in place or re.match(r"[^:]*\.whl$", place):
        is_folder = Path(place).expanduser().is_dir()
        kind = "a folder, which has no hash" if is_folder else "a file of this machine alone"
        raise ToolError(
            f'"{known}" is {kind}: name a released version, or the address of a wheel or an '
            "archive that every machine can reach (NAME @ https://HOST/FILE.whl)."
        )


def _of_address(word: str) -> Wanted:
    """Return the package of a wheel's address, whose file's name begins with the package's.

    Raises:
        ToolError: The address is that of something else.
    """
    try:
        name = parse_wheel_filename(unquote(urlsplit(word).path.rpartition("/")[2]))[0]
    except InvalidWheelFilename as error:
        raise ToolError(
            f'"{redacted(word)}" does not say which package it is: write NAME @ {redacted(word)}, '
            "the address of a wheel or an archive."
        ) from error
    return Wanted(name, version=f"@ {word}")


def _version(name: str, rest: str) -> str:
    """Return comparisons, or ``@`` and an address; ``=`` and ``@`` before a version mean ``==``.

    Raises:
        ToolError: The text is neither comparisons nor an address.
    """
    if _is_specifier(rest):
        return re.sub(r"\s+", "", rest)
    if rest[:1] in "=@" and _is_specifier(one := f"=={rest[1:].strip()}"):
        return one
    address = rest.removeprefix("@").strip()
    parts = urlsplit(address)
    if rest.startswith("@") and parts.scheme in ("http", "https", "file"):
        if parts.path.endswith(ARCHIVES):
            return f"@ {address}"
        raise ToolError(
            f'"{redacted(address)}" is not the address of a wheel or an archive, which end in '
            f"{', '.join(ARCHIVES)}."
        )
    raise ToolError(
        f'"{name}{redacted(rest)}" names no version: compare by ==, >=, <=, >, <, != or ~=, with '
        f"commas between several ({name}>=1,<2), and with blanks between several packages."
    )


def _is_specifier(text: str) -> bool:
    """Tell whether a text is comparisons of versions with commas between them, or empty."""
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _marker(text: str) -> str:
    """Return a marker with the quotation marks that the shell took away.

    Raises:
        ToolError: The text is no marker.
    """
    if not text:
        return ""
    for form in (text, _VALUE.sub(r'\1 "\2"', text)):
        with suppress(InvalidMarker):
            return str(Marker(form))
    raise ToolError(f'"{text}" is no marker: write one such as "NAME ; python_version < \'3.13\'".')
