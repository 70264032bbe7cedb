"""Make copies of templates in this process more than ten times as fast, and updates twice as fast.

Copier starts git dozens of times per copy, compiles every Jinja text anew and renders every part of
every path, most of which are plain. Tests that copy one release over and over can share that work:
``FastCopier`` shares all of it among copies of a release, ``read_once`` what is only read and
compiled among all that Copier does here, updates too. The output is the same, byte for byte, as
``tests/render/test_fast_copier.py`` shows. This reaches into Copier 9.19.1; what Copier's command
line does in a process of its own is as people run it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar
from unittest.mock import patch

import yaml
from copier._main import Worker
from copier._template import Template
from copier._types import Phase
from copier._user_data import Question
from jinja2 import Environment

MARKS = ("variable_start_string", "block_start_string", "comment_start_string")
"""Where Jinja says what a text has that it changes."""
SYNTAX = (*MARKS, "trim_blocks", "lstrip_blocks", "keep_trailing_newline", "autoescape")
RenderedPaths = Iterable[tuple[Path, dict[str, Any] | None]]
Matcher = Callable[[Path], bool]
_COMPILED: dict[tuple[object, ...], CodeType] = {}
_MATCHERS: dict[tuple[str, ...], Matcher] = {}


@contextmanager
def read_once() -> Iterator[None]:
    """Let Copier compile a text once, read patterns once, and YAML by the library in C.

    No template may use the tag ``yield``, whose state Copier keeps beside the compiled text.
    """
    with ExitStack() as patches:
        for owner, name, replacement in (
            (Worker, "_render_string", _leaving_plain(Worker._render_string)),
            (Worker, "_path_matcher", _matching(Worker._path_matcher)),
            (Environment, "compile", _compiling(Environment.compile)),
            (yaml, "SafeLoader", yaml.CSafeLoader),
        ):
            patches.enter_context(patch.object(owner, name, replacement))
        yield


class FastCopier:
    """What copies of a template share: its clone and its compiled Jinja texts.

    The template must not use the tag ``yield``, and no answer in the name of its file of answers.
    """

    _at_work: ClassVar[bool] = False

    def __init__(self) -> None:
        self._templates: dict[tuple[str, ...], Template] = {}
        self._plain_paths: dict[tuple[Path, Path], RenderedPaths] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Speed up all copies that Copier makes meanwhile in this process."""
        if FastCopier._at_work:
            yield
            return
        with ExitStack() as patches:
            patches.enter_context(patch.object(FastCopier, "_at_work", True))
            patches.enter_context(read_once())
            for owner, name, replacement in (
                (Worker, "template", property(self._template_of)),
                (Worker, "_sync_git_index_executable_bit", _do_nothing),
                (
                    Worker,
                    "_answers_to_remember",
                    _once_all_is_answered(Worker._answers_to_remember),
                ),
                (Worker, "_render_string", _rendering(Worker._render_string)),
                (Worker, "_render_path", self._rendering_paths(Worker._render_path)),
                (Worker, "answers_relpath", _once_a_copy("answers_relpath")),
                (Question, "get_default", _once_a_question(Question.get_default)),
            ):
                patches.enter_context(patch.object(owner, name, replacement))
            yield

    def close(self) -> None:
        """Delete the shared clones."""
        for template in self._templates.values():
            template._cleanup()
        self._templates.clear()

    def _template_of(self, worker: Worker) -> Template:
        """Return one template per address, release and state of its repository.

        Copier makes, and deletes, one per copy.
        """
        found = vars(worker)
        if "_shared_template" not in found:
            assert worker.src_path, "only copies name their template; an update needs plain Copier"
            ref = worker.resolved_vcs_ref
            key = (worker.src_path, str(ref), _state_of(worker.src_path))
            if key not in self._templates:
                self._templates[key] = Template(worker.src_path, ref)
            found["_shared_template"] = self._templates[key]
        template: Template = found["_shared_template"]
        return template

    def _rendering_paths(self, render: Callable[..., RenderedPaths]) -> Callable[..., Any]:
        """Wrap ``Worker._render_path`` so that a plain path is looked at once in a template."""

        def render_path(worker: Worker, path: Path) -> RenderedPaths:
            if not _is_plain(worker, str(path)):
                return render(worker, path)
            key = (worker.template_copy_root, path)
            if key not in self._plain_paths:
                self._plain_paths[key] = [*render(worker, path)]
            return self._plain_paths[key]

        return render_path


def _state_of(repository: str) -> str:
    """Return what is checked out in a repository, and all its branches and tags."""
    if not Path(repository).is_dir():
        return ""
    command = ["git", "show-ref", "--head"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    return done.stdout


def _compiling(compile_text: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``Environment.compile`` so that it compiles a text once."""

    def compile_once(environment: Environment, source: Any, *names: Any, **options: Any) -> Any:
        if not isinstance(source, str):
            return compile_text(environment, source, *names, **options)
        syntax = tuple(getattr(environment, name) for name in SYNTAX)
        key = (source, names, *sorted(options.items()), syntax, *sorted(environment.extensions))
        if key not in _COMPILED:
            _COMPILED[key] = compile_text(environment, source, *names, **options)
        return _COMPILED[key]

    return compile_once


def _matching(matcher: Callable[..., Matcher]) -> Callable[..., Matcher]:
    """Wrap ``Worker._path_matcher`` so that the same patterns are read once."""

    def match(worker: Worker, patterns: Iterable[str]) -> Matcher:
        key = (*patterns,)
        if key not in _MATCHERS:
            _MATCHERS[key] = matcher(worker, key)
        return _MATCHERS[key]

    return match


def _leaving_plain(render: Callable[..., str]) -> Callable[..., str]:
    """Wrap ``Worker._render_string`` so that a text in which Jinja changes nothing is left."""

    def render_string(worker: Worker, text: str, extra_context: Any = None) -> str:
        return text if _is_plain(worker, text) else render(worker, text, extra_context)

    return render_string


def _is_plain(worker: Worker, text: str) -> bool:
    environment = worker.jinja_env
    return "\r" not in text and not any(getattr(environment, mark) in text for mark in MARKS)


def _once_a_question(get_default: Callable[[Question], Any]) -> Callable[[Question], Any]:
    """Wrap ``Question.get_default``, which Copier calls twice for questions that are not asked."""

    def get_default_once(question: Question) -> Any:
        found = vars(question)
        if "_default_of_this_copy" not in found:
            found["_default_of_this_copy"] = get_default(question)
        return found["_default_of_this_copy"]

    return get_default_once


def _once_all_is_answered(remember: Callable[[Worker], Any]) -> Callable[[Worker], Any]:
    """Wrap ``Worker._answers_to_remember``, which change no more once a copy renders."""

    def answers_to_remember(worker: Worker) -> Any:
        if Phase.current() is not Phase.RENDER:
            return remember(worker)
        found = vars(worker)
        if "_remembered_in_this_copy" not in found:
            found["_remembered_in_this_copy"] = remember(worker)
        return found["_remembered_in_this_copy"]

    return answers_to_remember


def _rendering(render: Callable[..., str]) -> Callable[..., str]:
    """Wrap ``Worker._render_string`` so that a text renders once.

    A copy renders the texts of paths and exclusions when all questions are answered.
    """

    def render_string(worker: Worker, text: str, extra_context: Any = None) -> str:
        rendered: dict[str, str] = vars(worker).setdefault("_rendered_in_this_copy", {})
        if extra_context:
            return render(worker, text, extra_context)
        if text not in rendered:
            rendered[text] = render(worker, text)
        return rendered[text]

    return render_string


def _once_a_copy(name: str) -> cached_property[Any]:
    """Return a property of ``Worker`` as a cached one; Copier renders it for every path."""
    cached = cached_property(vars(Worker)[name].fget)
    cached.__set_name__(Worker, name)
    return cached


def _do_nothing(*_: object) -> None:
    """Stand in for writing modes to the index of a git repository: a fresh copy has none."""
