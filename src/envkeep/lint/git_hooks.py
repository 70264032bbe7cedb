"""The checks of ``.pre-commit-config.yaml``: installed as git's hooks, or run over all files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import ALL_FILES, PRE_COMMIT_CONFIG, ROOT, program, python, shown
from envkeep.process import run, say
from envkeep.project.metadata import is_adopted

MOST_SHOWN = 5  # untracked files


def install() -> None:
    """Install git's hooks, or say why that is impossible.

    What git runs in a project that was there before the template stays its own affair.
    """
    if is_adopted() or not PRE_COMMIT_CONFIG.exists():
        return
    if reason := _no_hooks():
        say(f"note: no git hooks were installed: {reason}")
        return
    run([*_pre_commit(), "install"])


def are_missing() -> bool:
    """Tell whether git could run the checks at every commit here, and nobody has told it to."""
    if is_adopted() or not PRE_COMMIT_CONFIG.exists() or not (ROOT / ".git").exists():
        return False
    if DEVELOPMENT.link.exists() and not has_pre_commit():
        return False
    asked = ("--git-common-dir", "--git-path", "hooks", "--git-path", "hooks/pre-commit")
    found = run(["git", "rev-parse", *asked], mode="probe").answer.splitlines()
    folders = [(ROOT / each).resolve() for each in found]
    is_gits_own = bool(folders) and folders[1] == folders[0] / "hooks"  # core.hooksPath is not set
    return is_gits_own and not folders[2].exists()


def check_all(check: str | None) -> int:
    """Run the checks over all files and return the exit code.

    Args:
        check: The id of the only one to run.

    Raises:
        ToolError: The active environment or the list of checks is missing.
    """
    if not PRE_COMMIT_CONFIG.exists():
        name = shown(PRE_COMMIT_CONFIG)
        raise ToolError(f"{name} is missing; restore it with `git checkout -- {name}`.")
    if not has_pre_commit():
        raise ToolError(
            "pre-commit is not in the active environment; run `make lock-all`, then `make install`."
        )
    command = [*_pre_commit(), "run", "--all-files", *([check] if check else [])]
    variables = {**_shell_of_git(), **_repository()}
    return run(command, env=variables, mode="foreground").code


def _no_hooks() -> str:
    """Return why git cannot run the checks here, or nothing."""
    folder = run(["git", "config", "core.hooksPath"], mode="probe").answer
    if folder:
        return f"git takes them from {folder} (its setting core.hooksPath); `make lint` checks too."
    if not _is_root():
        return "this folder is a part of another repository; `make lint` checks it."
    if not has_pre_commit():
        return "these locks have no pre-commit; `make lock-all`, then `make setup` bring it."
    return ""


def _is_root() -> bool:
    top = run(["git", "rev-parse", "--show-toplevel"], mode="probe").answer
    return bool(top) and Path(top).resolve() == ROOT


def _repository() -> dict[str, str]:
    """Return variables for git with which this folder is a whole repository.

    pre-commit checks whole repositories only. Without one, or in a part of another one, an index of
    its own lists the files that git would not ignore; none of these variables are needed otherwise.
    """
    if _is_root():
        _name_untracked()
        return {}
    variables = {"GIT_DIR": str(ALL_FILES), "GIT_WORK_TREE": str(ROOT)}
    ALL_FILES.parent.mkdir(exist_ok=True)
    run(["git", "init", "--quiet"], env=variables, mode="quiet")
    run(["git", "add", "--all"], env=variables, mode="quiet")
    return variables


def _name_untracked() -> None:
    files = run(
        ["git", "ls-files", "--others", "--exclude-standard"], mode="probe"
    ).answer.splitlines()
    if files:
        more = f" and {len(files) - MOST_SHOWN} more" if len(files) > MOST_SHOWN else ""
        named = ", ".join(files[:MOST_SHOWN])
        say(f"note: not checked, as git does not know them yet: {named}{more}; `git add` them.")


def _shell_of_git() -> dict[str, str]:
    """Return a PATH with the shell that comes with Git for Windows, where PATH has none."""
    if shutil.which("sh"):
        return {}
    programs = run(["git", "--exec-path"], mode="probe").answer
    folder = Path(programs).parents[2] / "bin"
    return {"PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{folder}"}


def _pre_commit() -> list[object]:
    """Return the prefix of pre-commit's commands; such a hook follows .venv wherever it points."""
    return [python(DEVELOPMENT.link), "-m", "pre_commit"]


def has_pre_commit() -> bool:
    """Tell whether the active environment has what installs and runs the checks."""
    return program(DEVELOPMENT.link, "pre-commit").exists()
