"""Run the safe fixes of ``doctor --fix``.

A fix deletes no file of the user's, overwrites no edit, moves no version that nobody asked to move,
and needs neither root nor a password. Everything else is a command that the doctor only names.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import Finding, Fix, typed
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind
from envkeep.errors import ToolError
from envkeep.lint import git_hooks
from envkeep.paths import ENVIRONMENTS, ROOT, shown
from envkeep.process import run_envkeep, say
from envkeep.project.named_environments import is_named
from envkeep.toolchain import locking_tools

Remedy = str | tuple[Fix, ...]
INSTALLS = {DEVELOPMENT: "install", PRODUCTION: "install-prod"}


@dataclass(frozen=True)
class Applied:
    """The result of a fix.

    Attributes:
        fix: Which one.
        error: Why it failed, or an empty text.
    """

    fix: Fix
    error: str = ""


def apply(findings: Iterable[Finding]) -> list[Applied]:
    """Run each fix of some findings once; skip what follows a failed fix."""
    done: dict[str, Applied] = {}
    for finding in findings:
        for fix in finding.fixes:
            if fix.command not in done:
                done[fix.command] = _applied(fix)
            if done[fix.command].error:
                break
    return list(done.values())


def lock(context: DoctorContext) -> Remedy:
    """Return the fix that compiles the locks of this machine, safe only where none exist."""
    command = context.make("lock")
    if context.locks is None or context.locks.adds_only:
        return (Fix(command, "compile the locks that are missing", _lock),)
    return command


def install(context: DoctorContext, kind: Kind = DEVELOPMENT) -> tuple[Fix, ...]:
    """Return the fix that makes an environment from its locks, beside the existing one."""
    effect = f"make {shown(kind.link)} from its locks, beside the environment that was there"
    if kind in INSTALLS:
        target = INSTALLS[kind]
        return (Fix(context.make(target), effect, partial(_keep, target)),)
    name = kind.name.rpartition("/")[2]
    if is_named(kind.name):
        command = f"{context.make('env')} NAME={name}"
        return (Fix(command, effect, partial(_keep, "env", name)),)
    return (Fix(f"python keep.py exporter {name}", effect, partial(_keep, "exporter", name)),)


def remake(context: DoctorContext, kind: Kind = DEVELOPMENT) -> Remedy:
    """Return the fix that makes an environment, after its locks if they are missing."""
    state = context.locks
    if state is None or not state.missing:
        return install(context, kind)
    first, then = restore_locks(context) or lock(context), install(context, kind)
    return f"{first} && {typed(then)}" if isinstance(first, str) else (*first, *then)


def restore_locks(context: DoctorContext) -> str:
    """Return the command that restores deleted locks from git, or nothing."""
    deleted = context.locks.deleted if context.locks else ()
    return f"git checkout -- {shlex.join(deleted)}" if deleted else ""


def remove_half_made() -> tuple[Fix, ...]:
    """Return the fix that removes incomplete environments."""
    return (Fix("make prune", "remove environments that were never completed", _remove_half_made),)


def withdraw_writing(environment: str) -> tuple[Fix, ...]:
    """Return the fix that takes other users' right to write to an environment."""
    folder = f".venvs/{environment}"
    apply = partial(_withdraw_writing, environment)
    return (Fix(f"chmod -R o-w {folder}", f"let nobody else write to {folder}", apply),)


def install_hooks() -> tuple[Fix, ...]:
    """Return the fix that installs git's hooks."""
    return (Fix("make setup", "install git's hooks", _install_hooks),)


def _applied(fix: Fix) -> Applied:
    say(f"To {fix.effect}: {fix.command}")
    try:
        fix.apply()
    except ToolError as error:
        return Applied(fix, str(error))
    except Exception as error:  # the other fixes go on
        return Applied(fix, f"{type(error).__name__}: {error}")
    return Applied(fix)


def _lock() -> None:
    """Compile missing locks; existing ones stay as they are."""
    _keep("lock", "--changed", "--quiet", *(("--fast",) if locking_tools.uses_uv() else ()))


def _keep(*arguments: str) -> None:
    """Run a command of envkeep in a process of its own.

    Raises:
        ToolError: The command fails.
    """
    done = run_envkeep(ROOT, *arguments)
    if done.code:
        raise ToolError(done.errors or f"it ended with exit code {done.code}; see above.")


def _remove_half_made() -> None:
    with store.exclusive():
        pass  # whoever begins to change environments removes these first


def _withdraw_writing(environment: str) -> None:
    for path in (ENVIRONMENTS / environment, *(ENVIRONMENTS / environment).rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o002)


def _install_hooks() -> None:
    """Install git's hooks.

    Raises:
        ToolError: The active environment has no pre-commit, or pre-commit fails.
    """
    if not git_hooks.has_pre_commit():
        raise ToolError(f"there is no pre-commit in {shown(DEVELOPMENT.link)}.")
    git_hooks.install()
