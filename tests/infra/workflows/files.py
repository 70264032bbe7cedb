"""Workflow files, read as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.copier_runs import Answers

ANSWERS: Mapping[str, Answers] = {
    "github": {},
    "github-gpus": {"backends": ["cuda", "rocm", "xpu", "mps"]},
    "github-no-training": {"training": "none", "python_version": "3.11"},
    "github-adopted": {"adopted": True},
    "gitlab": {"ci": "gitlab"},
    "gitlab-gpus": {"ci": "gitlab", "backends": ["cuda", "mps"], "python_version": "3.13"},
    "gitlab-no-training": {"ci": "gitlab", "training": "none"},
    "none": {"ci": "none"},
}
"""What decides about the text of workflows: the service, training, GPUs, the example, Python."""

GITHUB = [name for name in ANSWERS if name.startswith("github")]
GITLAB = [name for name in ANSWERS if name.startswith("gitlab")]
USES = re.compile(r"\buses: (?P<repository>\S+)@(?P<commit>\S+) # (?P<version>\S+)$", re.MULTILINE)


def workflows(folder: Path) -> list[Path]:
    """Return the GitHub workflows of a project."""
    return sorted((folder / ".github" / "workflows").glob("*.yml"))


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
    content = read(folder / ".gitlab-ci.yml")
    known = ("include", "workflow", "stages", "variables")
    found = {name: job for name, job in content.items() if name not in known}

    def whole(name: str) -> dict[str, Any]:
        job = found[name]
        return {**(whole(job["extends"]) if "extends" in job else {}), **job}

    return {name: whole(name) for name in found}


def targets(lines: Iterable[str]) -> list[str]:
    """Return the targets of make that some commands call."""
    words = [line.split() for each in lines for line in each.splitlines()]
    return [word for line in words if line[:1] == ["make"] for word in line[1:2] if word.islower()]
