"""Make many copies of one template in one process more than ten times as fast.

Copier starts git dozens of times per copy, compiles every Jinja text anew and renders every part of
every path, most of which are plain. Tests that copy one release over and over can share that work.
The output is the same, byte for byte, as ``tests/render/test_fast_copier.py`` shows. This reaches
into Copier 9.19.1, so it is for copies in the render tests alone: updates and the command line are
tested as people run them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import CodeType
from typing import Any
from unittest.mock import patch

import yaml
from copier._main import Worker
from copier._template import Template
from copier._types import Phase
from copier._user_data import Question
from jinja2 import Environment

MARKS = ("{{", "{%", "{#")
"""What a text has that Jinja changes."""
RenderedPaths = Iterable[tuple[Path, dict[str, Any] | None]]


class FastCopier:
    """What copies of a template share: its clone and its compiled Jinja texts.

    The template must not use the tag ``yield``, whose state Copier keeps beside the compiled text,
    and no answer in the name of its file of answers.
    """

    def __init__(self) -> None:
        """Share nothing yet."""
        self._templates: dict[tuple[str, str | None], Template] = {}
        self._compiled: dict[tuple[object, ...], CodeType] = {}
        self._plain_paths: dict[tuple[Path, Path], RenderedPaths] = {}
        self._matchers: dict[tuple[str, ...], Callable[[Path], bool]] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Speed up all copies that Copier makes meanwhile in this process."""
        with ExitStack() as patches:
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
                (Worker, "_path_matcher", self._matching(Worker._path_matcher)),
                (Worker, "answers_relpath", _once_a_copy("answers_relpath")),
                (Question, "get_default", _once_a_question(Question.get_default)),
                (Environment, "compile", self._compiling(Environment.compile)),
                (yaml, "safe_load", partial(yaml.load, Loader=yaml.CSafeLoader)),
            ):
                patches.enter_context(patch.object(owner, name, replacement))
            yield

    def close(self) -> None:
        """Delete the shared clones."""
        for template in self._templates.values():
            template._cleanup()
        self._templates.clear()

    def _template_of(self, worker: Worker) -> Template:
        """Return one template per address and release; Copier makes, and deletes, one per copy."""
        assert worker.src_path, "only copies name their template; an update needs plain Copier"
        address = (worker.src_path, worker.resolved_vcs_ref)
        if address not in self._templates:
            self._templates[address] = Template(*address)
        return self._templates[address]

    def _compiling(self, compile_text: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap ``Environment.compile`` so that it compiles a text once."""

        def compile_once(environment: Environment, source: Any, *names: Any, **options: Any) -> Any:
            syntax = (environment.trim_blocks, environment.lstrip_blocks)
            key = (source, names, tuple(sorted(options.items())), syntax)
            if key not in self._compiled:
                self._compiled[key] = compile_text(environment, source, *names, **options)
            return self._compiled[key]

        return compile_once

    def _rendering_paths(self, render: Callable[..., RenderedPaths]) -> Callable[..., Any]:
        """Wrap ``Worker._render_path`` so that a plain path is looked at once in a template."""

        def render_path(worker: Worker, path: Path) -> RenderedPaths:
            if any(mark in str(path) for mark in MARKS):
                return render(worker, path)
            key = (worker.template_copy_root, path)
            if key not in self._plain_paths:
                self._plain_paths[key] = [*render(worker, path)]
            return self._plain_paths[key]

        return render_path

    def _matching(self, matcher: Callable[..., Callable[[Path], bool]]) -> Callable[..., Any]:
        """Wrap ``Worker._path_matcher`` so that the same patterns are read once."""

        def match(worker: Worker, patterns: Iterable[str]) -> Callable[[Path], bool]:
            key = (*patterns,)
            if key not in self._matchers:
                self._matchers[key] = matcher(worker, key)
            return self._matchers[key]

        return match


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
    """Wrap ``Worker._render_string`` so that a plain text is what it is, and others render once.

    A copy renders the texts of paths and exclusions when all questions are answered.
    """

    def render_string(worker: Worker, text: str, extra_context: Any = None) -> str:
        if not any(mark in text for mark in MARKS):
            return text
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
