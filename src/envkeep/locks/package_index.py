"""Ask the package index about versions: which exist, for which Pythons, which were yanked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.locks import index_pages, indexes
from envkeep.locks.index_pages import FORMS, IndexFile
from envkeep.project.versions import version_of
from envkeep.toolchain import interpreters, locking_tools, web
from envkeep.toolchain.pip_by_name import Tie
from envkeep.toolchain.web import Request, Response

NOBODY = (
    "nobody could be asked about sizes, licenses and yanked releases that are not installed here: "
    "check the network."
)
NEWEST = 3  # versions that are named


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
        days_behind: How many days before the newest of them the version was released, 0 where no
            newer one is there; None where the index says no dates.
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
    days_behind: int | None = None


def fits(wanted: Collection[tuple[str, str]]) -> list[Fit]:
    """Return whether this Python can have some versions, each with its package.

    Those with a build's label are not asked for, as no ordinary index has them.

    Raises:
        ToolError: Nobody answers where the index should be, or it lets nobody in.
    """
    asked = [(name, version) for name, version in wanted if "+" not in version]
    pages = files_of([name for name, _ in asked])
    python = Version(interpreters.whole_version()) if asked else Version("3")
    return [fit(name, version, pages[name], python) for name, version in asked]


def fit(name: str, version: str, files: Sequence[IndexFile], python: Version) -> Fit:
    """Return whether a Python can have a version, whatever the platform, and which it can have.

    Args:
        name: Of the package.
        version: Which is asked for; an empty text for none.
        files: What stands on the package's page.
        python: The whole version of the Python.
    """
    mine = index_pages.of_version(files, version)
    usable = index_pages.usable_versions(files, python)
    with_wheel = [each for each in usable if any(file.serves(python) for file in usable[each])]
    return Fit(
        name=name,
        version=version,
        is_known=bool(files),
        has_version=bool(mine),
        by=index_pages.how(mine, python),
        pythons=index_pages.pythons(mine),
        requires_python=next((e.requires_python for e in mine if not e.admits(python)), None),
        yanked=index_pages.why_withdrawn(mine),
        nearest=_nearest(with_wheel, version_of(version)),
        newest=[str(each) for each in reversed([*usable][-NEWEST:])],
        days_behind=_days_behind(mine, usable),
    )


def files_of(names: Sequence[str]) -> dict[str, list[IndexFile]]:
    """Return the index's files of some packages, by name; none for an unknown package.

    Raises:
        ToolError: Nobody answers where the index should be, or it lets nobody in.
    """
    found: dict[str, list[IndexFile]] = {name: [] for name in names}
    ties = {name: indexes.index_of(name) for name in found}
    asked: dict[str, Request] = {}
    for name, tie in ties.items():
        if tie and tie.is_folder:
            found[name] = [each for each in _in_folder(Path(tie.url)) if each.package == name]
        else:
            asked[name] = Request(_page_of(name, tie), FORMS)
    responses = request([*asked.values()])
    if any(each.is_refusal for each in responses):
        raise ToolError(NOBODY)
    for (name, wanted), page in zip(asked.items(), responses, strict=True):
        files = index_pages.files_on(page.text, wanted.address) if _is_page(page) else []
        tie = ties[name]
        found[name] = [each for each in files if not (tie and tie.flat) or each.package == name]
    return found


def _page_of(name: str, tie: Tie | None) -> str:
    """Return the address of the page with a package's files, on the index that it comes from."""
    if tie and tie.flat:
        return tie.url
    index = tie.url.rstrip("/") if tie else locking_tools.index_address()
    return f"{index}/{name}/"


def _in_folder(folder: Path) -> list[IndexFile]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [IndexFile(path.name, path.as_uri()) for path in files]


def request(wanted: Sequence[Request]) -> list[Response]:
    """Return what is answered.

    Raises:
        ToolError: Nobody answers at one of the addresses.
    """
    try:
        return web.fetch(wanted)
    except ToolError as error:
        raise ToolError(NOBODY) from error


def _is_page(response: Response) -> bool:
    return response.is_good and response.kind in FORMS


def _days_behind(
    mine: Sequence[IndexFile], usable: Mapping[Version, Sequence[IndexFile]]
) -> int | None:
    """Return how long before the last of the usable versions some files of one were uploaded."""
    last = max(usable, default=None)
    version = mine[0].version if mine else None
    if last is None or version is None or version >= last:
        return 0
    before, after = index_pages.released(mine), index_pages.released(usable[last])
    return (after - before).days if before and after else None


def _nearest(versions: Sequence[Version], wanted: Version | None) -> str | None:
    """Return the next of some versions after one, or without such the last one before it."""
    if wanted is None or not versions:
        return None
    return str(next((each for each in versions if each > wanted), versions[-1]))
