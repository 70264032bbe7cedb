"""Decide for every file of the template what becomes of it in a repository that has its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import tomlkit

from envkeep.project.ownership import Owners
from hooks.adoption.layers import PROD, TRAIN, Sorted
from hooks.adoption.pyproject_merge import above_fence, merge
from hooks.adoption.repository import LINK, MODULE, Change, Repository, has_all_lines
from hooks.adoption.survey import MAKEFILES, Survey, make_targets, named
from hooks.adoption.wanted import DEVELOP, without
from hooks.errors import HookError

KEPT = "before-adoption"
OWNERS = Path("requirements", "stack", "owners.json")
ADDED, MOVED, MERGED, STAYS = "new", "moved", "merged", "yours stays"
_LAYER = re.compile(r"requirements/(?P<layer>\d\d-[a-z]+)\.in")
_WHEELS_STAY = """\
# Git keeps envkeep's wheels as they are: neither in LFS nor as text.
/requirements/stack/wheels/*.whl -text -filter -diff -merge
"""
_JOINED = ("pyproject.toml", ".gitignore", ".gitattributes")
DOCS = "docs"
INDEXES = "requirements/indexes.toml"
_OVERRIDES = "requirements/overrides.txt"
_VARIABLE = re.compile(r"^(?P<name>[A-Za-z_]\w*)\s*[:?+]?=", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """The outcome for a path."""

    path: str
    verdict: str
    detail: str = ""


@dataclass
class FilePlan:
    """The outcome for each file, and the new contents.

    Attributes:
        steps: For people, by path.
        change: The repository's tree after the moves.
        written: Contents that the second commit writes.
        executable: Which of them are programs.
    """

    change: Change
    steps: list[Step] = field(default_factory=list)
    written: dict[str, bytes] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)


def plan(found: Survey, rendered: Path, requirements: Sorted, *, trains: bool) -> FilePlan:
    """Plan the files.

    Args:
        found: The repository.
        rendered: A project, rendered with the answers.
        requirements: What the layers and the overrides ask for.
        trains: Whether the project has the layers of training.

    Raises:
        HookError: A file of the template cannot get a place.
    """
    planned = FilePlan(Change(dict(found.repository.tree)))
    _make_room_for_make(planned, found)
    owners = Owners.parse((rendered / OWNERS).read_bytes())
    for path in sorted(rendered.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(rendered).parts:
            _place(planned, found, rendered, path.relative_to(rendered).as_posix(), owners)
    if has_docs(found.repository):
        why = "the template's pages are not written; they are in its repository, in template/docs/"
        planned.steps.append(Step(f"{DOCS}/", STAYS, why))
    _write_requirements(planned, requirements, trains=trains)
    _write_indexes(planned, found)
    _write_environments(planned, found)
    planned.steps.sort(key=lambda step: step.path)
    return planned


def clashes_in_make(found: Survey, rendered: Path) -> list[str]:
    """Return the targets and variables that both Makefiles have; the repository's win."""
    theirs = "".join(found.repository.text(path) or "" for path in MAKEFILES)
    ours = (rendered / "Makefile").read_text(encoding="utf-8")
    targets = make_targets(theirs) & make_targets(ours)
    variables = set(_VARIABLE.findall(theirs)) & set(_VARIABLE.findall(ours))
    # The template's Makefile has read PYTHON before it includes local.mk.
    return sorted(targets) + sorted(variables - {"PYTHON"})


def has_docs(repository: Repository) -> bool:
    """Tell whether a repository has a folder of documentation, which stays its own alone."""
    return any(path.partition("/")[0].casefold() == DOCS for path in repository.tree)


def _make_room_for_make(planned: FilePlan, found: Survey) -> None:
    """Move the Makefile that make would read to where the template's includes it."""
    present = [path for path in MAKEFILES if path in found.repository.tree]
    for path in present:
        is_free = "local.mk" not in planned.change.tree
        if path == present[0] and is_free:
            _move(planned, path, "local.mk", "the template's Makefile includes it; its targets win")
        else:
            _move(planned, path, f"{KEPT}/{path}", "make reads the template's")


def _place(planned: FilePlan, found: Survey, rendered: Path, path: str, owners: Owners) -> None:
    content = (rendered / path).read_bytes()
    text = content.decode("utf-8", errors="replace")
    is_yours = owners.of(path) == "yours"
    if _is_left_out(path, found):
        if path in found.repository.tree:
            planned.steps.append(Step(path, STAYS))
        return
    if path == "pyproject.toml" and path not in planned.change.tree:
        _write(planned, path, merge(text, found).encode())
        planned.steps.append(Step(path, ADDED))
        return
    if is_yours and path in planned.change.tree and not path.startswith("requirements/"):
        if path not in planned.change.moves.values():
            planned.steps.append(Step(path, STAYS))
        return
    standing = _standing(planned, path)
    if standing == path and found.repository.content(planned.change.tree[path]) == content:
        planned.steps.append(Step(path, STAYS, "the same as the template's"))
        return
    if standing == path and _merge(planned, found, path, text):
        return
    if standing:
        _move(planned, standing, f"{KEPT}/{standing}", "the template's file takes its place")
    elif any(other.startswith(f"{path}/") for other in planned.change.tree):
        raise HookError(
            f"{path} is a folder here and a file of the template: rename the folder, commit, and "
            "adopt again."
        )
    _write(planned, path, content, executable=bool((rendered / path).stat().st_mode & 0o111))
    planned.steps.append(Step(path, ADDED))


def _is_left_out(path: str, found: Survey) -> bool:
    """Tell whether a repository has its own in a file's place, or must decide itself."""
    return path == "LICENSE" or (path == "README.md" and bool(named(found.repository, "README")))


def _standing(planned: FilePlan, path: str) -> str:
    """Return the file that is in the way of a path: there, in another case, or as its folder."""
    wanted = {path.casefold(), *(str(each).casefold() for each in PurePosixPath(path).parents)}
    if path in planned.change.tree:
        return path
    return next((other for other in planned.change.tree if other.casefold() in wanted), "")


def _merge(planned: FilePlan, found: Survey, path: str, text: str) -> bool:
    """Join a file that has lines of both sides; tell whether it is one."""
    if path not in _JOINED or found.repository.linked(path) != path:
        return False
    entry = planned.change.tree[path]
    had = found.repository.content(entry)
    if path == "pyproject.toml":
        joined = merge(text, found).encode()
        whose = "Python is" if found.own_build else "build backend and Python are"
        detail = f"your tables below the template's; {whose} the template's"
    elif path == ".gitignore":
        joined = above_fence(text, path).encode() + had
        detail = "your lines below the template's"
    else:
        joined = above_fence(text, path).encode() + had.rstrip()
        joined += f"\n\n{_WHEELS_STAY}".encode() if had.strip() else b""
        detail = "your lines below the template's, where they win but for envkeep's wheels"
    joined = joined if joined.endswith(b"\n") else joined + b"\n"
    planned.change.merged[path] = entry
    _write(planned, path, joined)
    planned.steps.append(Step(path, MERGED, detail))
    if not has_all_lines(had, joined):
        _write(planned, f"{KEPT}/{path}", had)
        planned.steps.append(Step(f"{KEPT}/{path}", ADDED, "as it was"))
    return True


def _write_requirements(planned: FilePlan, requirements: Sorted, *, trains: bool) -> None:
    for path, content in list(planned.written.items()):
        if path == _OVERRIDES:
            planned.written[path] = _with_lines(content.decode(), requirements.overrides)
        elif layer := _LAYER.fullmatch(path):
            text = content.decode()
            if layer["layer"] == TRAIN or (layer["layer"] == PROD and not trains):
                text = _without_example(text)
            planned.written[path] = _with_lines(text, requirements.lines(layer["layer"]))


def _write_indexes(planned: FilePlan, found: Survey) -> None:
    """Tie packages to the indexes that the repository takes them from."""
    if not found.findings.ties or INDEXES in planned.change.tree:
        return
    rows = tomlkit.aot()
    for (name, address), packages in found.findings.ties.items():
        row = tomlkit.table()
        row.update({"name": name, "url": address, "packages": sorted(packages)})
        rows.append(row)
    document = tomlkit.document()
    document.add(tomlkit.comment("Packages that come from an index of their own."))
    document.add("index", rows)
    _write(planned, INDEXES, tomlkit.dumps(document).encode())
    planned.steps.append(Step(INDEXES, ADDED, "from your sources"))


def _write_environments(planned: FilePlan, found: Survey) -> None:
    """Write what an optional part needs, and what everybody needs with it, as one environment."""
    optional = found.findings.optional()
    everybody = [each for each in found.findings.once_each() if each.use != DEVELOP]
    for part in found.findings.apart:
        names = {each.name for each in optional[part]}
        wanted = [*optional[part], *without(everybody, names)]
        words = re.sub(r"^(extra|group|feature)s? |^requirements[-/]|\.(txt|in|ya?ml)$", "", part)
        name = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
        path = f"requirements/environments/{name}.in"
        lines = [
            f"# The {part} of the repository, with what everybody needs: `make env NAME={name}`."
        ]
        lines += [str(each.requirement) for each in wanted]
        _write(planned, path, "".join(f"{line}\n" for line in lines).encode())
        planned.steps.append(Step(path, ADDED, part))


def _with_lines(text: str, lines: list[str]) -> bytes:
    return (text + "".join(f"{line}\n" for line in lines)).encode()


def _without_example(text: str) -> str:
    """Turn the line that takes the template's packages of a layer into a comment.

    They serve the template's example, which is not there, and would bind older versions.
    """
    return re.sub(
        r"^(-r stack/.*)$",
        r"# What the template's own example needs; not here, as the example is not:\n# \1",
        text,
        flags=re.MULTILINE,
    )


def _move(planned: FilePlan, old: str, new: str, why: str) -> None:
    if new in planned.change.tree:
        raise HookError(f"{new} exists: rename it, commit, and adopt again.")
    kind = {MODULE: "submodule", LINK: "symbolic link"}.get(planned.change.tree[old].mode)
    if kind and posixpath.dirname(old) != posixpath.dirname(new):
        raise HookError(
            f"{old} is a {kind} in the place of a file of the template, and would not work "
            "elsewhere: rename it, commit, and adopt again."
        )
    planned.change.move(old, new)
    planned.steps.append(Step(old, MOVED, f"to {new}: {why}"))


def _write(planned: FilePlan, path: str, content: bytes, *, executable: bool = False) -> None:
    planned.written[path] = content
    if executable:
        planned.executable.add(path)


def by_verdict(steps: list[Step]) -> Mapping[str, int]:
    """Count the steps of each kind."""
    kinds = [step.verdict for step in steps]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
