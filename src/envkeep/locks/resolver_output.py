"""Parse the errors of pip-compile, pip and uv into facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

_NAME = r"(?<![\w.=-])(?P<name>[A-Za-z0-9](?:[\w.-]*\w)?)(?:\[[^\]]*\])?(?:\{[^}]*\})?"
_SPEC = r"(?P<spec>(?:[<>=!~]=?=?[^\s,;`]+,?)*)"
_SUBJECTS = [
    re.compile(pattern)
    for pattern in (
        rf"{_NAME} was not found in the ",
        rf"[Tt]here (?:is|are) no versions? of {_NAME}{_SPEC}",
        rf"{_NAME}{_SPEC} has no (?:wheels with|usable wheels|available)",
        rf"{_NAME}{_SPEC} depends on Python[<>=!~]",
        rf"Could not find a version that satisfies the requirement {_NAME}{_SPEC}",
    )
]
_LATER = re.compile(
    rf"{_NAME}==(?P<version>\S+) (?:requires Python |depends on Python)"
    r"(?P<needs>[<>=!~]=?\d[\d.]*\d)"
)
_ONLY = re.compile(rf"[Oo]nly {_NAME}(?:[<>=!~]\S+)? (?:is|are) available")
_UNMATCHED = re.compile(
    r"have no matching distributions available for your environment: (?P<names>.*?)(?: To fix |$)"
)
_MISSING = re.compile(r"was not found in the |\(from versions: none\)")
_BUILD = re.compile(
    r"Failed to (?:download and )?build `(?P<uv>[^`]+)`|"
    r"Failed to build '(?P<pip>[^']+)' when|"
    r"Failed building wheel for (?P<wheel>[\w.-]+)"
)
_SAID_BY_BUILD = re.compile(
    r"lines? of output\](?P<pip>.*?)\[end of output\]|\[stderr\](?P<uv>.*?)(?:\nhint: |\Z)", re.S
)
_ERROR = re.compile(r"^\s*((?:\w+\.)*\w*(?:Error|Exception|Exit)\b.*)$", re.MULTILINE)
_TOOLS = re.compile(
    r"require (?P<name>[\w.-]+)(?P<one>[<>=!~]\S+) and (?P=name)(?P<other>[<>=!~]\S+)"
)
_SYNTAX = re.compile(
    r"Couldn't parse requirement in `[^`]+` at position \d+\s+cause: (?P<why>[^\n]+)\n"
    r"\s+(?P<line>[^\n]+)|"
    r"Invalid requirement: (?P<quote>['\"])(?P<text>[^\n]+?)(?P=quote): (?P<reason>[^\n]+)\n"
    r"\s+(?P<part>[^\n]+)"
)
_MARKERS = r"(?:\{[^}]*\})?"
_OPTION = re.compile(
    r"error: (?P<why>Unexpected [^\n]+): (?P<file>[^\s:]+):(?P<number>\d+):\d+|"
    r"RequirementsFileParseError: Invalid requirement: (?P<text>[^\n]+)"
)
_TWICE = re.compile(
    rf"you require {_NAME}(?P<one>[<>=!~]\S+) and (?P=name)(?:\[[^\]]*\])?{_MARKERS}"
    r"(?P<other>[<>=!~]\S+?),? we can conclude|"
    r"The user requested (?P<pip>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?(?P<pip_one>[<>=!~]\S+) "
    r"The user requested \(constraint\) (?P=pip)(?P<pip_other>[<>=!~]\S+)"
)


@dataclass(frozen=True)
class FailedBuild:
    """A package that was to be built from its source.

    Attributes:
        name: Of the package.
        version: Its version, an empty text if it is not said.
        why: The last error of its build, or an empty text.
        needs: What it needs for that, if the pinned build tools contradict it.
        tools: What those have instead.
    """

    name: str
    version: str
    why: str = ""
    needs: str = ""
    tools: str = ""


@dataclass(frozen=True)
class BadLine:
    """A line that is no requirement.

    Attributes:
        text: What it begins with.
        part: What is wrong in it, or an empty text.
        why: The reason that is given, or an empty text.
    """

    text: str
    part: str = ""
    why: str = ""


def subjects(output: str) -> list[tuple[str, str]]:
    """Return the unavailable packages, each with a version or an empty text."""
    return list(dict.fromkeys(_subjects(" ".join(output.split()))))


def for_pythons(output: str) -> list[tuple[str, str, str]]:
    """Return the versions that uv cannot take for their Pythons: package, version, Pythons."""
    found = _LATER.finditer(" ".join(output.split()))
    return [(canonicalize_name(each["name"]), each["version"], each["needs"]) for each in found]


def without_match(output: str) -> list[str]:
    """Return the packages of a contradiction of which pip found no file that fits all of it."""
    found = _UNMATCHED.search(" ".join(output.split()))
    return list(map(canonicalize_name, found["names"].split())) if found else []


def is_missing(output: str) -> bool:
    """Tell whether a package was found nowhere."""
    return _MISSING.search(output) is not None


def failed_build(output: str) -> FailedBuild | None:
    """Return the package whose build failed, None if none did."""
    found = _BUILD.search(output)
    if not found:
        return None
    name, _, version = (found["uv"] or found["pip"] or found["wheel"]).partition("==")
    collected = re.search(rf"Collecting {re.escape(name)}==([^\s(]+)", output)
    version = version or (collected[1] if collected else "")
    tools = _TOOLS.search(" ".join(output.split()))
    if tools:
        needs, has = (f"{tools['name']}{tools[which].rstrip(',')}" for which in ("one", "other"))
        return FailedBuild(name, version, needs=needs, tools=has)
    said = _SAID_BY_BUILD.search(output)
    text = (said["pip"] or said["uv"] or "") if said else ""
    reasons = _ERROR.findall(text)[-1:] or text.split("\n\n")[:1]
    return FailedBuild(name, version, " ".join(" ".join(reasons).split()))


def bad_line(output: str) -> BadLine | None:
    """Return the line that cannot be read, None if all can be."""
    if found := _SYNTAX.search(output):
        if found["line"]:
            return BadLine(found["line"].strip(), why=found["why"].strip())
        return BadLine(found["text"].strip(), found["part"].strip(), found["reason"].strip())
    found = _OPTION.search(output)
    return BadLine((found["text"] or "-").strip()) if found else None


def asked_twice(output: str) -> tuple[str, str, str] | None:
    """Return a package that two versions are required of, and both; None if there is none."""
    found = _TWICE.search(" ".join(output.split()))
    if not found:
        return None
    name, one, other = (found[each] or found[f"pip{end}"] for each, end in _PARTS_OF_TWICE)
    return canonicalize_name(name), one.rstrip(","), other.rstrip(",")


_PARTS_OF_TWICE = (("name", ""), ("one", "_one"), ("other", "_other"))


def parent_of(name: str, output: str) -> str:
    """Return the package that asks for another one, as an exact requirement, or an empty text."""
    said = " ".join(output.split())
    found = re.search(rf"([\w.-]+==[\w.!+-]+) depends on {re.escape(name)}\b", said)
    return found[1] if found else ""


def mentions(output: str, name: str, version: str) -> bool:
    """Tell whether the output mentions an exact version of a package."""
    said = " ".join(output.split())
    pattern = rf"\b{re.escape(name)}(?:\[[^\]]*\])?{_MARKERS}(?:[<>=]=| ){re.escape(version)}"
    return bool(version) and re.search(pattern, said) is not None


def _subjects(said: str) -> Iterator[tuple[str, str]]:
    follows = " depends on " in said  # then what is left of a package follows from the rest
    for pattern in _SUBJECTS if follows else (*_SUBJECTS, _ONLY):
        for found in pattern.finditer(said):
            exact = re.fullmatch(r"===?(\d[^,*]*),?", found.groupdict().get("spec") or "")
            yield canonicalize_name(found["name"]), exact[1] if exact else ""
