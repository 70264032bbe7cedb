"""Workflow files, read as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.render.cells import CELLS
from tests.render.pairwise import pairwise
from tests.support.copier_runs import Answers

KINDS: Mapping[str, Answers] = {
    "": {},
    "-gpus": {"backends": ["cuda", "rocm", "xpu", "mps"], "python_version": "3.13"},
    "-no-training": {"training": "none", "python_version": "3.11"},
    "-without-docker": {"docker": False},
    "-uv": {"package_manager": "uv"},
    "-adopted": {"adopted": True},
    "-adopted-gpu": {"adopted": True, "backends": ["cuda"], "docker": False},
    "-adopted-no-training": {"adopted": True, "training": "none"},
}
"""What decides about the text of workflows besides the service."""

ANSWERS: Mapping[str, Answers] = {
    f"{service}{kind}": {**answers, "ci": service}
    for service in ("github", "gitlab", "none")
    for kind, answers in KINDS.items()
    if service != "none" or not kind
}
GITHUB = [f"github{kind}" for kind in KINDS]
GITLAB = [f"gitlab{kind}" for kind in KINDS]

MATRIX: list[Answers] = [*(cell.answers for cell in CELLS), *pairwise()]
"""The answers of the matrix, in which every two choices meet; checkers read its workflows too."""

USES = re.compile(r"\buses: (?P<repository>\S+)@(?P<commit>\S+) # (?P<version>\S+)$", re.MULTILINE)


def workflows(folder: Path) -> list[Path]:
    """Return the GitHub workflows of a project."""
    return sorted((folder / ".github" / "workflows").glob("*.yml"))


def pipelines(folder: Path) -> list[Path]:
    """Return the pipelines for GitLab that lie in a folder, each under a name of its own."""
    return sorted(folder.glob("*-.gitlab-ci.yml"))


def read(path: Path) -> dict[str, Any]:
    """Return a YAML file; GitHub's ``on`` keeps its name, which YAML 1.1 takes for true."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in content.items()}


def jobs(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every GitHub job with a name that says where it stands."""
    for path in workflows(folder):
        for name, job in read(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def steps(job: Mapping[str, Any]) -> list[str]:
    """Return the commands of a GitHub job."""
    return [step["run"] for step in job["steps"] if "run" in step]


def gitlab_jobs(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of .gitlab-ci.yml, hidden ones too, with all that they extend."""
    return jobs_in(folder / ".gitlab-ci.yml")


def jobs_in(path: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of a file for GitLab, hidden ones too, with all that they extend."""
    content = read(path)
    known = ("include", "workflow", "stages", "variables")
    found = {name: job for name, job in content.items() if name not in known}

    def whole(name: str) -> dict[str, Any]:
        job = found[name]
        return {**(whole(job["extends"]) if "extends" in job else {}), **job}

    return {name: whole(name) for name in found}


def targets(lines: Iterable[str]) -> list[str]:
    """Return the targets of make that some commands call, alone or after others in a line."""
    parts = [part.split() for each in lines for part in re.split(r"\n|&&", each)]
    return [word for part in parts if part[:1] == ["make"] for word in part[1:2] if word.islower()]
