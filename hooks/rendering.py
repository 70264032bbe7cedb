"""Copy the template with Copier so that the destination is there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import copier
import yaml
from copier.errors import CopierError, CopierWarning, DirtyLocalWarning

from hooks.errors import HookError

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "questions"
DIRTY = (
    "the template has uncommitted changes. They are in the project, but no commit holds them, so "
    "`copier update` cannot start from there."
)


@dataclass(frozen=True)
class Request:
    """A project to render.

    Attributes:
        source: Path or address of the template; the project remembers it for its updates.
        destination: Folder of the project, missing or empty.
        answers: Answers that are not asked.
        preselected: Answers that are asked and stand there as the default.
        ref: Version of the template, None for its newest release.
        ask: Whether Copier asks the questions that are left; else their defaults count.
    """

    source: str
    destination: Path
    answers: Mapping[str, str] = field(default_factory=dict)
    preselected: Mapping[str, str] = field(default_factory=dict)
    ref: str | None = None
    ask: bool = False


def check_destination(destination: Path) -> None:
    """Refuse a destination that holds something.

    Raises:
        HookError: The destination is a file, or a folder with something in it.
    """
    if destination.exists() and not destination.is_dir():
        raise HookError(f"{destination} is a file: name a folder that is missing or empty.")
    if destination.exists() and any(destination.iterdir()):
        raise HookError(f"{destination} is not empty: name a folder that is missing or empty.")


def check_answers(answers: Mapping[str, str]) -> None:
    """Refuse answers to unasked questions, which Copier would accept silently.

    Raises:
        HookError: The template has no such question.
    """
    known = questions()
    for name in answers:
        if name not in known:
            raise HookError(f"the template has no question {name}: use one of {', '.join(known)}.")


def questions() -> list[str]:
    """Return the names of the questions that people can answer."""
    found = {}
    for path in sorted(QUESTIONS.glob("[0-9]*.yml")):
        found.update(yaml.load(path.read_text(encoding="utf-8"), _QuestionLoader))
    asked = {name: row for name, row in found.items() if not name.startswith("_")}
    return [name for name, question in asked.items() if question.get("when") is not False]


def render(request: Request) -> list[str]:
    """Render a project beside its destination, then put it there in one step.

    Returns:
        What Copier warned of, for people.

    Raises:
        HookError: The destination is taken or cannot be written, or Copier refused; nothing is
            left behind.
    """
    destination = request.destination.resolve()
    check_destination(destination)
    existing = next(parent for parent in destination.parents if parent.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=".new-project-", dir=existing) as staging:
            staged = Path(staging) / destination.name
            notes = _copy(request, staged)
            destination.parent.mkdir(parents=True, exist_ok=True)
            if destination.exists():
                destination.rmdir()
            staged.rename(destination)
    except OSError as error:
        raise HookError(f"{destination} cannot be written: {error.strerror}.") from error
    return notes


def _copy(request: Request, staged: Path) -> list[str]:
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("always", CopierWarning)
        try:
            copier.run_copy(
                request.source,
                staged,
                data=dict(request.answers),
                user_defaults=dict(request.preselected),
                vcs_ref=request.ref,
                defaults=not request.ask,
                quiet=True,
            )
        except KeyboardInterrupt:  # Copier's own one is a CopierError as well
            raise
        except (CopierError, ValueError) as error:
            raise HookError(f"Copier refused: {_one_line(error)}") from error
        except OSError as error:
            raise _from_git(error) from error
    relevant = [each for each in caught if issubclass(each.category, CopierWarning)]
    return [
        DIRTY if issubclass(each.category, DirtyLocalWarning) else _one_line(each.message)
        for each in relevant
    ]


def _one_line(message: object) -> str:
    text = " ".join(str(message).split())
    return text if text.endswith(".") else f"{text}."


def _from_git(error: OSError) -> Exception:
    """Return a sentence if git failed, whose errors carry what it printed; else the same error."""
    printed = str(getattr(error, "stderr", "")).strip().splitlines()
    return HookError(f"git failed on the template: {_one_line(printed[-1])}") if printed else error


class _QuestionLoader(yaml.SafeLoader):
    """Reads the questions without the files that they include."""


_QuestionLoader.add_constructor("!include", lambda loader, node: None)
