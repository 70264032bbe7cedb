"""Render releases with Copier in a repository that nobody edited.

Copier sees the template's files alone, never the project's. What its merge could lose is therefore
not there; the user's edits are merged by ``merge``, path by path.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envkeep import temporary
from envkeep.errors import ToolError
from envkeep.paths import ANSWERS
from envkeep.process import Completed, announce, run
from envkeep.project.git import APART, Git, variables
from envkeep.toolchain.pinned_tools import COPIER
from envkeep.updates.plan import changelog

MISSING_VERSION = re.compile(r"^ValueError: Unknown revision: '(.+)'$", re.MULTILINE)
TOO_OLD = re.compile(
    r"requires Copier version >= (\S+), while your version of Copier is (\S+?)\.?$"
)
HOSTS = {"gh": "https://github.com", "gl": "https://gitlab.com"}  # as Copier reads them
OFFLINE = ("only supported in git-tracked templates", "Local template must be a directory")


@dataclass(frozen=True)
class Versions:
    """Versions of the template: the project's, and the newest."""

    current: str
    latest: str
    is_newer: bool


@dataclass(frozen=True)
class Workbench:
    """The repository in which the template's releases are rendered.

    Attributes:
        git: Git in its folder; it also knows the objects of the project's repository.
        copier: The program.
        settings: An empty file of Copier's settings.
        template: Where the template is, for messages.
    """

    git: Git
    copier: str
    settings: Path
    template: str

    def versions(self) -> Versions:
        """Look up which versions the template has.

        Raises:
            ToolError: the template cannot be reached, or lacks the project's version.
        """
        printed = self._copier("check-update", "--output-format", "json").output
        found = json.loads(printed)
        return Versions(
            found["current_version"], found["latest_version"], bool(found["update_available"])
        )

    def render_present_release(self) -> str:
        """Render the release that the project has, with its answers, and return the tree's name.

        Raises:
            ToolError: Copier failed.
        """
        answers = (self.git.folder / ANSWERS.name).read_bytes()
        self._copier("recopy", "--defaults", "--overwrite", "--quiet", "--vcs-ref", ":current:")
        (self.git.folder / ANSWERS.name).write_bytes(answers)
        return self._commit("The release that the project has")

    def render_next_release(self, wanted: str | None, answers: Sequence[str]) -> str:
        """Update the rendered release and return the name of the tree.

        Args:
            wanted: The version; by default the newest.
            answers: What to answer otherwise, each as ``NAME=VALUE``.

        Raises:
            ToolError: Copier failed, or left a conflict though nobody had edited a file.
        """
        options = [part for answer in answers for part in ("--data", answer)]
        options += ["--vcs-ref", wanted] if wanted else []
        self._copier("update", "--defaults", "--conflict", "inline", "--quiet", *options)
        if self.git.text("diff", "--name-only", "--diff-filter=U") or _rejected(self.git.folder):
            raise ToolError(
                "the template cannot be updated even where nobody edited it; "
                "report it to the template's maintainers."
            )
        return self._commit("The release that the project will have")

    def changelog(self, before: str, after: str) -> str:
        """Return what the template's changelog says between two versions, if it can be read."""
        address = re.sub(r"^git\+", "", self.template)
        for short, host in HOSTS.items():
            address = re.sub(rf"^{short}:/*", f"{host}/", address)
        folder = str(self.settings.parent / "template")
        clone = ("clone", "--quiet", "--no-checkout", "--depth", "1", "--branch", after)
        self.git.run(*clone, "--", address, folder, GIT_TERMINAL_PROMPT="0")
        return changelog(self.git.says("-C", folder, "show", "HEAD:CHANGELOG.md"), before, after)

    def _commit(self, message: str) -> str:
        self.git.output("add", "--all", "--force")
        self.git.output("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
        return self.git.text("rev-parse", "HEAD^{tree}")

    def _copier(self, *arguments: str) -> Completed:
        announce([Path(self.copier).name, *arguments])
        extra = {"COPIER_SETTINGS_PATH": str(self.settings), "NO_COLOR": "1", "PYTHONUTF8": "1"}
        command = [self.copier, *arguments]
        done = run(
            command, cwd=self.git.folder, env=variables(APART, **extra), mode="capture", check=False
        )
        if done.code:
            raise ToolError(self._refusal(done.errors))
        return done

    def _refusal(self, errors: str) -> str:
        """Say in a sentence why Copier failed; what it printed goes before it if it says more."""
        missing, old = MISSING_VERSION.search(errors), TOO_OLD.search(errors.strip())
        if missing:
            return (
                f"the template {self.template} has no version {missing[1]}; if its tag was moved "
                "or deleted, ask the template's maintainers to restore it."
            )
        if old:
            return (
                f"the template asks for Copier {old[1]} and this project has {old[2]}; install a "
                "newer one and run `COPIER=/path/to/copier make update`."
            )
        if any(text in errors for text in OFFLINE) or "ls-remote" in errors:
            return (
                f"the template {self.template} cannot be reached; if it moved, write its new "
                f"address as _src_path in {ANSWERS.name}, commit that and run the command again."
            )
        print(errors.strip(), file=sys.stderr, flush=True)
        return f"Copier refused: {_last_line(errors)}."


@contextmanager
def opened(project: Git, template: str) -> Iterator[Workbench]:
    """Make a workbench with the project's answers, and remove it afterwards.

    Args:
        project: Git in the project's folder.
        template: Where the template is.

    Raises:
        ToolError: the workbench could not be made.
    """
    copier = _copier()
    with temporary.folder() as top:
        folder = top / "project"
        folder.mkdir()
        settings = top / "copier-settings.yml"
        settings.write_text("{}\n", encoding="utf-8")
        git = Git(folder, APART)
        kind = project.text("rev-parse", "--show-object-format")
        git.output("init", "--quiet", "--template=", f"--object-format={kind}")
        _share_objects(project, folder)
        (folder / ANSWERS.name).write_bytes(ANSWERS.read_bytes())
        git.output("add", "--all", "--force")
        git.output("commit", "--quiet", "--message", "The answers")
        yield Workbench(git, copier, settings, template)


def _copier() -> str:
    named = os.environ.get("COPIER")
    if not named:
        return str(COPIER.tool("copier"))
    found = shutil.which(named)
    if not found:
        raise ToolError(f"COPIER names {named}, which is not a program here.")
    return str(Path(found).absolute())


def _share_objects(project: Git, folder: Path) -> None:
    objects = (project.folder / project.text("rev-parse", "--git-path", "objects")).resolve()
    alternates = folder / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    alternates.write_text(f"{objects.as_posix()}\n", encoding="utf-8")


def _rejected(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.rej") if ".git" not in path.parts]


def _last_line(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = lines[-1] if lines else "it gave no reason"
    return last.rpartition("| ")[2].rstrip(".")
