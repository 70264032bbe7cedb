# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Build an image of the project with Docker, Podman or Buildah."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import locks
from ..backends import CPU, Target
from ..errors import ToolError
from ..locks import Locks
from ..paths import DOCKERFILE
from ..project import facts, machine
from ..requirements import PRODUCTION_LAYERS, layers
from ..run import output_of, say
from ..run import run as run_program
from ..torch_builds import torch_build

HELP = "build an image: prod, train, dev, serverless or devcontainer"
DEVELOPING_LAYERS = 2
FOR_EVERY_BACKEND = ("prod", "serverless")
TARGET = re.compile(
    r"^FROM \S+ AS ((?:prod|train|dev|serverless|devcontainer)(?:-\w+)?)$", re.MULTILINE
)


@dataclass(frozen=True)
class Engine:
    """What builds images.

    Attributes:
        name: The program.
        build: Its command that builds, up to the options that all engines share.
        takes_timestamp: Whether an option, not a variable, says what time the files bear.
    """

    name: str
    build: tuple[str, ...]
    takes_timestamp: bool


# The format keeps the health check, which that of OCI has no place for.
ENGINES = (
    Engine("docker", ("docker", "build"), False),
    Engine("podman", ("podman", "build", "--format=docker", "--layers"), True),
    Engine("buildah", ("buildah", "bud", "--format=docker", "--layers"), True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("target", nargs="?", default="prod", help="what to build; prod by default")
    parser.add_argument("--backend", help="one of the project's; by default BACKEND, or cpu")
    parser.add_argument("--tag", help="name of the image; by default PROJECT:TARGET")
    parser.add_argument("--engine", help="docker, podman or buildah; by default the first there")
    parser.add_argument(
        "--options", default="", help="more options for the engine, as in --options='--no-cache'"
    )
    parser.add_argument(
        "--pip-config", type=Path, metavar="FILE", help="pip.conf of the build, such as a mirror's"
    )


def run(arguments: argparse.Namespace) -> int:
    """Build the image."""
    backend = arguments.backend or os.environ.get("BACKEND", "").strip() or CPU
    stage = _stage(arguments.target, backend)
    engine = _engine(arguments.engine)
    target = Target(f"linux-{machine().platform.partition('-')[2]}", backend)
    name = arguments.tag or f"{facts()['package_name'].strip('_').replace('_', '-')}:{stage}"
    command = [*engine.build, "--target", stage, "--tag", name]
    command += [part for each in _labels(arguments.target, target) for part in ("--label", each)]
    command += _torch(arguments.target, target)
    if arguments.pip_config:
        command += ["--secret", f"id=pip,src={arguments.pip_config.resolve()}"]
    time = output_of(["git", "log", "-1", "--format=%ct"])
    if time and engine.takes_timestamp:
        command += ["--timestamp", time]
    run_program([*command, *shlex.split(arguments.options), "."], extra=_variables(time))
    say(f"Built {name}.")
    return 0


def _stage(target: str, backend: str) -> str:
    """Return the stage of the Dockerfile that a target is for a backend.

    Raises:
        ToolError: The Dockerfile is not there, or has no such stage.
    """
    if not DOCKERFILE.exists():
        raise ToolError(
            'there is no Dockerfile; `make update ARGS="--data docker=true"` brings one.'
        )
    known = TARGET.findall(DOCKERFILE.read_text(encoding="utf-8"))
    stage = target if backend == CPU or target in FOR_EVERY_BACKEND else f"{target}-{backend}"
    if stage not in known:
        raise ToolError(f"the Dockerfile has no target {stage}; it has {', '.join(known)}.")
    return stage


def _engine(wanted: str | None) -> Engine:
    """Return the engine of a name, or the first that is installed.

    Raises:
        ToolError: There is none.
    """
    names = [wanted] if wanted else [each.name for each in ENGINES]
    for engine in ENGINES:
        if engine.name in names and shutil.which(engine.name):
            return engine
    raise ToolError(f"there is no {' or '.join(names)} here; install one of them.")


def _layers(target: str) -> Sequence[str]:
    return {
        "dev": layers(),
        "train": layers()[:-DEVELOPING_LAYERS],
        "devcontainer": (),
    }.get(target, PRODUCTION_LAYERS)


def _labels(target: str, chosen: Target) -> list[str]:
    found = [f"backend={chosen.backend}"]
    wanted = _layers(target)
    if wanted:
        found.append(f"lock-sha256={Locks(chosen).sha256(wanted)}")
    commit = output_of(["git", "rev-parse", "HEAD"])
    if commit:
        changed = "-dirty" if output_of(["git", "status", "--porcelain"]) else ""
        found.append(f"org.opencontainers.image.revision={commit}{changed}")
    return found


def _torch(target: str, chosen: Target) -> list[str]:
    """Return the options that say where torch's wheels come from.

    Raises:
        ToolError: They come from a folder that is not there, or that a build cannot read.
    """
    files = Locks(chosen).require(_layers(target))
    build = torch_build(chosen)
    if build is None or not any("torch" in locks.pinned(path) for path in files):
        return []
    if build.index.startswith("file:"):
        raise ToolError(
            f"a build cannot read {build.index}: set TORCH_INDEX to the path of the folder."
        )
    if build.is_folder:
        build.require_folder()
        context = ["--build-context", f"torch-wheels={build.index}"]
        return [*context, "--build-arg", "PIP_FIND_LINKS=/torch-wheels"]
    base = build.index.removesuffix(f"/{chosen.build['index']}")
    return ["--build-arg", f"TORCH_INDEX={base}"]


def _variables(time: str) -> dict[str, str]:
    """Return what Docker reads: the builder that knows mounts, and the time that files bear."""
    return {"DOCKER_BUILDKIT": "1", **({"SOURCE_DATE_EPOCH": time} if time else {})}
