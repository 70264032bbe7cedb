"""Release the template as it stands and run Copier on that release.

Copier takes a template from git and follows its tags. Tests therefore release the work tree,
uncommitted and untracked files included, in a clone of their own; this repository's own git
directory is only read.
"""

from __future__ import annotations

import atexit
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from copier import run_copy, run_update
from copier._cli import CopierApp

from maintain.releases.record import load, tag
from maintain.wheel import write_wheel
from tests.support.fast_copier import FastCopier

ROOT = Path(__file__).resolve().parents[2]
NEWEST = "999.0.0"
"""The version that tests give the work tree: higher than any real release."""

STARTED = "copier started "
WATCHED_COPIER = f"""
import sys
from copier._cli import CopierApp

def tell(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        print("\\n{STARTED}" + str(arguments[0]), file=sys.stderr)

sys.addaudithook(tell)
CopierApp.run()
"""
"""Copier's command line in a Python that reports every program it starts (PEP 578)."""

Answers = Mapping[str, object]
SHARED = FastCopier()
"""What the copies of this process share."""
atexit.register(SHARED.close)


@dataclass(frozen=True)
class FileState:
    """What a copy of a file must preserve."""

    content: bytes
    executable: bool


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it printed.

    Raises:
        AssertionError: git failed; the message is git's.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def stage(folder: Path, version: str = NEWEST, source: Path = ROOT) -> Path:
    """Clone the template with all its releases and release its work tree there, envkeep rebuilt.

    Args:
        folder: Where the clone goes; it must not exist yet.
        version: Version (PEP 440) of the release that is the work tree.
        source: Repository of the template.

    Returns:
        The clone, checked out at the new release.
    """
    git(source, "clone", "--quiet", "--no-checkout", str(source), str(folder))
    tag(folder, load(source / "releases.yml"))
    git(source, f"--git-dir={folder / '.git'}", f"--work-tree={source}", "add", "--all")
    git(folder, "checkout-index", "--all", "--quiet", "--force")
    if (folder / "src" / "envkeep").exists():  # earlier commits have none
        write_wheel(folder)
    git(folder, "add", "--all")
    _commit_and_tag(folder, version)
    git(folder, "checkout", "--quiet", "--force", version)
    return folder


def checked_out(folder: Path, commit: str, source: Path = ROOT) -> Path:
    """Clone the template with a commit of it as the work tree, which `stage` can release."""
    git(source, "clone", "--quiet", "--no-checkout", str(source), str(folder))
    git(folder, "checkout", "--quiet", "--detach", git(source, "rev-parse", commit).strip())
    return folder


def release(template: Path, version: str) -> None:
    """Release what was changed in a staged template as its next version."""
    git(template, "add", "--all")
    _commit_and_tag(template, version)


def _commit_and_tag(template: Path, version: str) -> None:
    git(template, "commit", "--quiet", "--allow-empty", "--message", f"Release {version}")
    git(template, "tag", version)


def render(
    template: Path, project: Path, answers: Answers | None = None, *, version: str | None = None
) -> Path:
    """Copy a staged template in this process, untrusted and without questions.

    Args:
        template: A staged template.
        project: Where the project goes.
        answers: Answers that differ from the defaults.
        version: The release to copy; by default the newest.

    Returns:
        The folder of the project.
    """
    with SHARED.active():
        run_copy(
            str(template),
            project,
            data=dict(answers or {}),
            defaults=True,
            overwrite=True,
            quiet=True,
            vcs_ref=version,
        )
    return project


def update(project: Path, answers: Answers | None = None, *, version: str | None = None) -> None:
    """Update a committed project in this process, untrusted and without questions.

    Args:
        project: A project in a git repository without uncommitted changes.
        answers: Answers that change.
        version: The release to update to; by default the newest.
    """
    run_update(
        project,
        data=dict(answers or {}),
        defaults=True,
        overwrite=True,
        quiet=True,
        conflict="inline",
        vcs_ref=version,
    )


def copier(
    *arguments: str, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line as people do and return how it ended, whatever its exit code.

    Args:
        arguments: What follows ``copier``.
        cwd: The folder that it runs in; by default that of the tests.
        variables: Environment variables that are set for this run.
    """
    return subprocess.run(
        [sys.executable, "-m", "copier", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def copier_here(*arguments: str, shared: bool = False) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line in this process, which spares starting one, and say how it ended.

    Args:
        arguments: What follows ``copier``.
        shared: Whether it is a copy, which may share its template with other copies.
    """
    output, errors = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(errors))
        stack.enter_context(patch.object(sys, "stdin", io.StringIO()))
        if shared:
            stack.enter_context(SHARED.active())
        try:
            _, code = CopierApp.run(["copier", *arguments], exit=False)
        except Exception:
            code = 1
            traceback.print_exc()
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def programs_that_copier_starts(*arguments: str) -> list[str]:
    """Run Copier's command line; it must succeed.

    Returns:
        The names of the programs that it started, in order.
    """
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_COPIER, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    return [Path(line.removeprefix(STARTED)).name for line in lines if line.startswith(STARTED)]


def commit(project: Path, message: str) -> None:
    """Commit everything in a project that git does not ignore; make the repository if needed."""
    if not (project / ".git").exists():
        git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--allow-empty", "--message", message)


def conflicts(project: Path) -> list[str]:
    """Return the paths that an update left in conflict."""
    unmerged = git(project, "diff", "--name-only", "--diff-filter=U").split()
    rejected = [path.relative_to(project).as_posix() for path in project.rglob("*.rej")]
    return sorted([*unmerged, *rejected])


def texts_of(folder: Path) -> dict[str, str]:
    """Return the texts of a folder by their path in it: all files but wheels, and those of git."""
    files = files_of(folder).items()
    return {path: file.content.decode() for path, file in files if not path.endswith(".whl")}


def files_of(folder: Path) -> dict[str, FileState]:
    """Return all files of a folder by their path in it, without those of git."""
    return {
        path.relative_to(folder).as_posix(): FileState(
            path.read_bytes(), bool(path.stat().st_mode & 0o111)
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
