"""What a project's files about containers say, as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GROUP = re.compile(r"\$\{(?:localEnv:)?[A-Z]+_GROUP:-?(\w+)\}")


@dataclass(frozen=True)
class Stage:
    """A stage of a Dockerfile: what it stands on and its instructions, continued lines joined."""

    name: str
    base: str
    instructions: tuple[str, ...]


def stages(project: Path) -> dict[str, Stage]:
    """Return the stages of the Dockerfile by name, in order."""
    text = re.sub(r"\s*\\\n\s*", " ", (project / "Dockerfile").read_text(encoding="utf-8"))
    found: dict[str, Stage] = {}
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for number, line in enumerate(lines):
        if start := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            following = lines[number + 1 :]
            ends = [at for at, each in enumerate(following) if each.startswith("FROM ")]
            own = following[: ends[0]] if ends else following
            found[start[2]] = Stage(start[2], start[1], tuple(own))
    return found


def arguments(project: Path) -> dict[str, str]:
    """Return the arguments before the first stage and their defaults."""
    head = (project / "Dockerfile").read_text(encoding="utf-8").partition("\nFROM ")[0]
    return dict(re.findall(r"^ARG (\w+)=(\S+)$", head, re.MULTILINE))


def ancestry(found: Mapping[str, Stage], name: str) -> Iterator[Stage]:
    """Yield a stage and those that it stands on."""
    while name in found:
        yield found[name]
        name = found[name].base


def services(project: Path) -> dict[str, dict[str, Any]]:
    """Return the services of compose.yaml by name."""
    content = yaml.safe_load((project / "compose.yaml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = content["services"]
    return found


def devcontainers(project: Path) -> dict[Path, dict[str, Any]]:
    """Return the devcontainers by the path of their file."""
    found = {}
    for path in sorted((project / ".devcontainer").rglob("devcontainer.json")):
        lines = path.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.strip().startswith("//"))
        found[path] = json.loads(text)
    return found


def options_of_devcontainer(content: Mapping[str, Any]) -> list[str]:
    """Return the options of `docker run`, groups as the catalog names them."""
    return [GROUP.sub(r"\1", option) for option in content.get("runArgs", [])]


def options_of_service(service: Mapping[str, Any]) -> set[str]:
    """Return the options of `docker run` that a service's settings mean."""
    found = {f"--device={each.partition(':')[0]}" for each in service.get("devices", [])}
    found |= {"--group-add=" + GROUP.sub(r"\1", each) for each in service.get("group_add", [])}
    found |= {
        f"--security-opt={each.replace(':', '=')}" for each in service.get("security_opt", [])
    }
    if "ipc" in service:
        found.add(f"--ipc={service['ipc']}")
    if "deploy" in service:
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
        found.add("--gpus=all")
    return found
