"""Follow up on ``tools/``, which ``keep.py`` replaced.

The template took its own files out of it; a file that somebody added stays. What is left to do is
here: remove what only the update needed, and find what still names the old way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from envkeep.paths import ROOT
from envkeep.process import say
from envkeep.project.git import Git, is_tracked

FOLDER = "tools"
CROSSING = ("__main__.py", "owners.json", "project.toml")
"""What an update renders there for the `make update` of before, which asks for these files."""

CROSSING_SIGN = "keep.py took the place of tools/"
MOST_NAMED = 5


@dataclass(frozen=True)
class FormerName:
    """A place in a file that git tracks and that names what is gone.

    Attributes:
        place: The file and the number of the line, as ``local.mk:4``.
        former: The name as people know it.
        instead: What to write for it.
    """

    place: str
    former: str
    instead: str


@dataclass(frozen=True)
class _Form:
    pattern: str
    former: str
    instead: str
    is_gone: Callable[[Path, Path], bool]
    """Whether nothing has this name any more, given the project and the file that names it."""


def _is_no_program(project: Path, _: Path) -> bool:
    start = project / FOLDER / "__main__.py"
    return not start.exists() or _is_crossing(project)


def _is_no_hook(project: Path, _: Path) -> bool:
    return not (project / FOLDER / "hook.sh").exists()


def _is_no_variable(_: Path, file: Path) -> bool:
    return not re.search(r"^\s*(export\s+)?TOOLS\s*[:?]?=", _text(file), re.MULTILINE)


FORMS = (
    _Form(r"-m['\", ]+tools\b", "python -m tools", "python keep.py", _is_no_program),
    _Form(r"\$[({]TOOLS[)}]", "$(TOOLS)", "$(KEEP)", _is_no_variable),
    _Form(
        r"tools/hook\.sh",
        "sh tools/hook.sh PROGRAM",
        "the entry *keep with args: [hook, PROGRAM]",
        _is_no_hook,
    ),
    _Form(
        r"tools/(owners\.json|project\.toml|catalog\.json)\b",
        "tools/*.json and *.toml",
        "requirements/stack/",
        _is_no_program,
    ),
)


def finish(project: Path = ROOT) -> None:
    """Remove what only the transition needed, and say what is left for people to do."""
    remove_crossing(project)
    left = sentence(names(project))
    if left:
        say(f"note: {left}")


def remove_crossing(project: Path = ROOT) -> None:
    """Remove what only the update to ``keep.py`` needed, and what Python compiled there."""
    folder = project / FOLDER
    if _is_crossing(project):
        for name in CROSSING:
            (folder / name).unlink(missing_ok=True)
    for compiled in sorted(folder.rglob("__pycache__/*.pyc")):
        if not (compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py").exists():
            compiled.unlink()
            _remove_empty(compiled.parent, project)
    _remove_empty(folder, project)


def names(project: Path = ROOT) -> tuple[FormerName, ...]:
    """Return what still names the old way, in files that git tracks; pages come last.

    Outside a repository, and where git is not installed, there is none.
    """
    if not is_tracked(project):
        return ()
    command = ["grep", "-z", "-n", "-I", "-E"]
    command += [part for form in FORMS for part in ("-e", form.pattern)]
    ours = (*(f":!{FOLDER}/{name}" for name in CROSSING), ":!requirements/stack/owners.json")
    found = Git(project).run(*command, "--", ".", *ours)
    lines = found.output.decode("utf-8", "replace").splitlines()
    found_names = (name for line in lines for name in _names_in(line, project))
    return tuple(sorted(found_names, key=lambda name: ".md:" in name.place))


def sentence(found: Sequence[FormerName]) -> str:
    """Say in one sentence where the old way is named and what to write; "" where it is not."""
    if not found:
        return ""
    places = list(dict.fromkeys(each.place for each in found))
    rest = len(places) - MOST_NAMED
    shown = ", ".join([*places[:MOST_NAMED], *([f"{rest} more"] if rest > 0 else [])])
    instead = dict.fromkeys((each.former, each.instead) for each in found)
    changes = ", ".join(f"`{new}` for `{old}`" for old, new in instead)
    return f"tools/ is gone but still named in {shown}: write {changes}."


def _names_in(line: str, project: Path) -> Iterator[FormerName]:
    """Return the names in a line that `git grep -z -n` printed."""
    path, number, text = line.split("\0", 2)
    for form in FORMS:
        if re.search(form.pattern, text) and form.is_gone(project, project / path):
            yield FormerName(f"{path}:{number}", form.former, form.instead)


def _is_crossing(project: Path) -> bool:
    return CROSSING_SIGN in _text(project / FOLDER / "__main__.py").partition("\n")[0]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _remove_empty(folder: Path, project: Path) -> None:
    with suppress(OSError):
        while folder != project:
            folder.rmdir()
            folder = folder.parent
