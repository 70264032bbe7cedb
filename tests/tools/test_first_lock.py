"""What a command locks on its own is locked by uv; `make lock` says that there is a faster way."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

import pytest

from template.tools import backends, generations, interpreters, toolchain
from template.tools.backends import Target
from template.tools.commands import lock
from template.tools.locking import ResolverFor
from template.tools.managers import chosen
from template.tools.resolvers import Uv

TARGET = Target("linux-x86_64", "cpu")


@pytest.fixture
def resolvers(monkeypatch: pytest.MonkeyPatch) -> list[ResolverFor]:
    """Return what the locks are compiled with; nothing is compiled."""
    found: list[ResolverFor] = []

    def compile_locks(wanted: Sequence[Target], resolver_for: ResolverFor, **_: bool) -> None:
        found.append(resolver_for)

    monkeypatch.setattr(lock, "compile_locks", compile_locks)
    monkeypatch.setattr(interpreters, "whole_version", lambda: "3.12.1")
    monkeypatch.setattr(backends, "here", lambda: (TARGET,))
    monkeypatch.setattr(backends, "targets", lambda: (TARGET,))
    monkeypatch.setattr(generations, "exclusive", nullcontext)
    return found


@pytest.mark.parametrize("usable", [True, False])
def test_uv_compiles_what_nobody_asked_for_where_it_can(
    usable: bool, resolvers: list[ResolverFor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "uses_uv", lambda: usable)
    lock.compile_first([TARGET])
    [resolver] = resolvers
    by_uv = isinstance(resolver, partial) and resolver.func is Uv
    assert by_uv == usable
    assert by_uv or getattr(resolver, "__func__", None) is type(chosen()).resolver


@pytest.mark.parametrize(
    ("fast", "quiet", "said"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_lock_first_names_the_faster_way(
    fast: bool,
    quiet: bool,
    said: bool,
    resolvers: list[ResolverFor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    lock.run(argparse.Namespace(fast=fast, quiet=quiet, changed=False, loosen=False))
    first = capsys.readouterr().out.partition("\n")[0]
    assert ("ARGS=--fast" in first and "seconds" in first) == said
    assert len(resolvers) == 1
