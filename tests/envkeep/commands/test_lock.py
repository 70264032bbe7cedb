"""What a command locks on its own is locked by uv; `make lock` says that there is a faster way."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from envkeep.commands import lock
from envkeep.environments import store
from envkeep.environments.managers import chosen
from envkeep.locks import package_managers, torch_wheels
from envkeep.locks.compile import ResolverFor
from envkeep.locks.torch_builds import TorchBuild
from envkeep.project import target as backends
from envkeep.project.target import Target
from envkeep.toolchain import interpreters, locking_tools

TARGET = Target("linux-x86_64", "cpu")


@pytest.fixture
def resolvers(monkeypatch: pytest.MonkeyPatch) -> list[ResolverFor]:
    """Return what the locks are compiled with; nothing is compiled."""
    found: list[ResolverFor] = []

    def compile_locks(wanted: Sequence[Target], resolver_for: ResolverFor, **_: bool) -> None:
        found.append(resolver_for)

    monkeypatch.setattr(lock, "compile_locks", compile_locks)
    monkeypatch.setattr(interpreters, "whole_version", lambda: "3.12.1")
    monkeypatch.setattr(backends, "targets_here", lambda: (TARGET,))
    monkeypatch.setattr(backends, "targets", lambda: (TARGET,))
    monkeypatch.setattr(store, "exclusive", nullcontext)
    monkeypatch.setattr(package_managers, "package_manager", lambda: "pip-tools")
    monkeypatch.setattr(locking_tools, "pip_settings", dict)
    return found


@pytest.mark.parametrize("usable", [True, False])
def test_uv_compiles_what_nobody_asked_for_where_it_can(
    usable: bool, resolvers: list[ResolverFor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking_tools, "uses_uv", lambda: usable)
    lock.compile_first([TARGET])
    [resolver] = resolvers
    by_uv = isinstance(resolver, partial) and resolver.keywords == {"python": "3.12.1"}
    assert by_uv == usable
    assert by_uv or getattr(resolver, "__func__", None) is type(chosen()).resolver


@pytest.mark.parametrize(
    ("index", "read"), [("/wheels", "/fetched"), ("https://example.org", "https://example.org")]
)
def test_uv_reads_the_folder_that_environments_are_filled_from(
    index: str, read: str, resolvers: list[ResolverFor], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[TorchBuild | None] = []
    monkeypatch.setattr(locking_tools, "uses_uv", lambda: True)
    monkeypatch.setattr(torch_wheels, "fetch_torch", lambda build: Path("/fetched"))
    monkeypatch.setattr(lock, "Uv", lambda target, build, *, python: seen.append(build))
    lock.compile_first([TARGET])
    build = TorchBuild(TARGET, {"torch": "2.13.0+cpu"}, (), index)
    resolvers[0](TARGET, build)
    resolvers[0](TARGET, None)
    assert seen == [replace(build, index=read), None]


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


@pytest.mark.parametrize("manager", ["uv", "poetry"])
def test_with_uv_and_poetry_all_that_is_locked_is_locked_together_by_uv(
    manager: str,
    resolvers: list[ResolverFor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = Target("macos-arm64", "cpu")
    monkeypatch.setattr(package_managers, "package_manager", lambda: manager)
    monkeypatch.setattr(lock.group_lock, "locked_targets", lambda: (other, TARGET))
    arguments = argparse.Namespace(fast=False, quiet=False, changed=False, loosen=False)
    assert lock.run(arguments).data["locks"] == [TARGET.name, other.name]
    assert "pip-compile" not in capsys.readouterr().out
    assert isinstance(resolvers[0], partial)
    seen: list[Target] = []
    monkeypatch.setattr(lock, "Uv", lambda target, build, **_: seen.append(target))
    resolvers[0](other, None)
    assert seen == [other]


def test_lock_names_the_settings_of_this_machine_that_count_for_no_lock(
    resolvers: list[ResolverFor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {
        "extra-index-url": "https://bob:s3cret@corp/simple",  # pragma: allowlist secret
        "find-links": "/wheels",
    }
    monkeypatch.setattr(locking_tools, "pip_settings", lambda: settings)
    monkeypatch.setenv("UV_INDEX", "https://corp/simple")
    lock.compile_here(argparse.Namespace(fast=True, quiet=True, loosen=False), upgrade=False)
    said = capsys.readouterr().out
    assert "note: pip's extra-index-url, pip's find-links, UV_INDEX of this machine" in said
    assert "corp" not in said
