"""Run workflows without GitHub, GitLab and containers: by act, and by gitlab-ci-local.

The machine's Python stands in for the one of the image, and the actions of ``stand_ins/`` for
GitHub's own. Neither shows that the runner's image or those actions exist.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from maintain.stack.data import load_actions, load_runners
from tests.infra.workflows.files import read
from tests.lifecycle.projects import ENVIRONMENT, Project
from tests.support import npm
from tests.support.containers import NoContainersError, engine
from tests.support.copier_runs import ROOT

GITLAB_CI_LOCAL = "4.75.1"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STAND_INS = Path(__file__).parent / "stand_ins"
NO_CONTAINERS = "no-containers"
ACT = Path(sys.executable).parent / "act"


@dataclass(frozen=True)
class Run:
    """How a pipeline ended.

    Attributes:
        green: Whether each job was, by its name; jobs that were left out are not there.
        said: All that was printed.
    """

    green: Mapping[str, bool]
    said: str


@dataclass(frozen=True)
class Machine:
    """What stands for a service's machine.

    Attributes:
        cache: What jobs keep for later ones; also the home folder.
        python: The Python that jobs get.
        programs: A folder of stand-ins for programs, first on the path.
        npm: Where gitlab-ci-local is.
        variables: Further variables of every job.
    """

    cache: Path
    python: Path
    programs: Path
    npm: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a pipeline is started."""
        path = f"{self.programs}:{self.python.parent}:{os.environ['PATH']}"
        settings = Path.home() / ".config" / "pip" / "pip.conf"  # another HOME hides it
        hidden = {"PIP_CONFIG_FILE": str(settings)} if settings.exists() else {}
        return {**ENVIRONMENT, "HOME": str(self.cache), "PATH": path, **hidden, **self.variables}

    def on_github(self, project: Project, workflow: str, event: str = "push") -> Run:
        """Run a workflow of a project on GitHub."""
        path = f".github/workflows/{workflow}"
        (runner,) = load_runners(ROOT / "stack")
        stand_ins = [
            f"--local-repository={row.repository}@{row.commit}={STAND_INS / row.action}"
            for row in load_actions(ROOT / "stack")
            if (STAND_INS / row.action).exists()
        ]
        variables = {
            "STAND_IN_CACHE": str(self.cache),
            "STAND_IN_PYTHON": str(self.python),
            **self.variables,
        }
        done = self._started(
            project,
            *(str(ACT), event, f"--workflows={path}", "--pull=false", "--concurrent-jobs=2"),
            f"--platform={runner.label}=-self-hosted",
            *stand_ins,
            *(f"--env={name}={value}" for name, value in variables.items()),
        )
        jobs = read(project.folder / path)["jobs"].items()
        titles = {job.get("name", name): name for name, job in jobs}
        ends = re.findall(r"^\[[^/\]]+/(.+?) *\].* Job (succeeded|failed)$", done.said, re.M)
        return Run({titles[title]: end == "succeeded" for title, end in ends}, done.said)

    def on_gitlab(self, project: Project, *options: str) -> Run:
        """Run the pipeline of a project on GitLab."""
        services = f"--container-executable={self.programs / NO_CONTAINERS}"
        always = ("--force-shell-executor", "--concurrency=1", services)
        done = self._started(project, str(npm.NODE), str(self.npm), *always, *options)
        ends = re.findall(r"^ *(PASS|FAIL) +([\w-]+)", done.said, re.M)
        return Run({job: end == "PASS" for end, job in ends}, done.said)

    def _started(self, project: Project, *command: str) -> Run:
        done = subprocess.run(
            command,
            cwd=project.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = COLOUR.sub("", f"{done.stdout}\n{done.stderr}\nexit code {done.returncode}")
        return Run({}, said)


def install_gitlab_ci_local(folder: Path) -> Path:
    """Install npm's package, which has no dependencies, and return its program."""
    return npm.install(folder, "gitlab-ci-local", GITLAB_CI_LOCAL) / "dist" / "index.js"


def add_program(folder: Path, name: str, *lines: str) -> None:
    """Write a stand-in for a program."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    (folder / name).chmod(0o755)


def add_stand_ins(folder: Path) -> None:
    """Write what gitlab-ci-local calls for containers, of which there are none here."""
    add_program(folder, "rsync", "exit 0")  # it copies the project for them
    add_program(folder, NO_CONTAINERS, 'if [ "$1" = image ]; then echo "[]"; fi')


def add_docker(folder: Path) -> None:
    """Write a stand-in for Docker: Buildah and Podman, whose base images are stand-ins too.

    Where they cannot be had it does nothing at all; then only the job's steps are tried.
    """
    folder.mkdir(exist_ok=True)
    try:
        found = engine(folder)
    except NoContainersError:
        add_program(folder, "docker", "exit 0")
        return
    add_program(
        folder,
        "docker",
        'case "$1" in',
        f'build) shift; exec buildah bud --format=docker --layers {found.options()} "$@" ;;',
        f"run) shift; export CONTAINERS_CONF={found.configuration}",
        '    exec podman run --pull=never "$@" ;;',
        "esac",
    )
