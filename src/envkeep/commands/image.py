"""Build an image of the project with Docker, Podman or Buildah, and try whether it starts."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envkeep.environments import import_check
from envkeep.errors import CommandError, ToolError
from envkeep.inputs import given
from envkeep.lint import adopted
from envkeep.locks import indexes, lock_set
from envkeep.locks.lock_set import Locks
from envkeep.locks.torch_builds import torch_build
from envkeep.paths import DOCKERFILE, INDEXES, MODELS, shown
from envkeep.process import announce, say
from envkeep.process import run as run_program
from envkeep.project.metadata import is_adopted, machine, project_metadata
from envkeep.project.requirements import PRODUCTION_LAYERS, direct_names, layers
from envkeep.project.target import CPU, Target
from envkeep.result import Result
from envkeep.toolchain import pip_by_name

HELP = "build an image, prod by default; `train --backend cuda` chooses, --smoke tries prod"
SHOWS_PROGRAMS = True
DEVELOPING_LAYERS = 2
PRODUCTION = "prod"
# As strict as production can be run: by anybody, with nothing to write to and nobody to talk to.
LOCKED_DOWN = ("--rm", "--read-only", "--network=none", "--cap-drop=all", "--user=4321:8765")
FOR_EVERY_BACKEND = ("prod", "serve", "serverless")
TARGET = re.compile(
    r"^FROM \S+ AS ((?:prod|train|dev|serve|serverless|devcontainer)(?:-\w+)?)$", re.MULTILINE
)


@dataclass(frozen=True)
class Engine:
    """What builds images.

    Attributes:
        name: The program.
        build: Its command that builds, up to the options that all engines share.
        takes_timestamp: Whether an option, not a variable, says what time the files bear.
        runs: Whether it runs images as well.
    """

    name: str
    build: tuple[str, ...]
    takes_timestamp: bool
    runs: bool = True


# The format keeps the health check, which that of OCI has no place for.
ENGINES = (
    Engine("docker", ("docker", "build"), False),
    Engine("podman", ("podman", "build", "--format=docker", "--layers"), True),
    Engine("buildah", ("buildah", "bud", "--format=docker", "--layers"), True, runs=False),
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
    parser.add_argument(
        "--smoke", action="store_true", help="then run prod: imports, its command, its models"
    )


def run(arguments: argparse.Namespace) -> Result:
    """Build the image and return its name.

    Raises:
        ToolError: The image cannot be built, or does not start.
    """
    if arguments.smoke and arguments.target != PRODUCTION:
        raise ToolError("--smoke tries prod alone; leave it out for other targets.")
    backend = given(arguments.backend, "BACKEND") or CPU
    stage = _stage(arguments.target, backend)
    engine = _engine(arguments.engine, runs=arguments.smoke)
    target = Target(f"linux-{machine().platform.partition('-')[2]}", backend)
    name = (
        arguments.tag
        or f"{project_metadata()['package_name'].strip('_').replace('_', '-')}:{stage}"
    )
    command = [*engine.build, "--target", stage, "--tag", name]
    command += [part for each in _labels(arguments.target, target) for part in ("--label", each)]
    command += _torch(arguments.target, target)
    command += _tied(arguments.target, target)
    if arguments.pip_config:
        command += ["--secret", f"id=pip,src={arguments.pip_config.resolve()}"]
    time = run_program(["git", "log", "-1", "--format=%ct"], mode="probe").answer
    if time and engine.takes_timestamp:
        command += ["--timestamp", time]
    run_program([*command, *shlex.split(arguments.options), "."], env=_variables(time))
    sizes = run_program(
        [engine.name, "images", "--format", "{{.Size}}", name], mode="probe"
    ).answer.splitlines()
    say(f"Built {name}{f', {sizes[0]}' if sizes else ''}.")
    data = {"image": name, "size": sizes[0] if sizes else None, "tried": arguments.smoke}
    if not arguments.smoke:
        return Result(data)
    _try_out(engine, name, backend)
    return Result(data, [f"{name} works for anybody, on a read-only root, without network."])


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


def _engine(wanted: str | None, *, runs: bool) -> Engine:
    """Return the engine of a name, or the first that is installed.

    Args:
        wanted: The name, if it is given.
        runs: Whether it must run images too.

    Raises:
        ToolError: No engine is installed.
    """
    suited = [each for each in ENGINES if each.runs or not runs]
    names = [wanted] if wanted else [each.name for each in suited]
    for engine in suited:
        if engine.name in names and shutil.which(engine.name):
            return engine
    if wanted in [each.name for each in ENGINES if each not in suited]:
        raise ToolError(f"{wanted} runs no images; take docker or podman for --smoke.")
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
    commit = run_program(["git", "rev-parse", "HEAD"], mode="probe").answer
    if commit:
        changed = (
            "-dirty" if run_program(["git", "status", "--porcelain"], mode="probe").answer else ""
        )
        found.append(f"org.opencontainers.image.revision={commit}{changed}")
    return found


def _torch(target: str, chosen: Target) -> list[str]:
    """Return the options that say where torch's wheels come from.

    Raises:
        ToolError: The folder of the wheels is missing, or a build cannot read it.
    """
    files = Locks(chosen).require(_layers(target))
    build = torch_build(chosen)
    if build is None or not any("torch" in lock_set.pinned(path) for path in files):
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


def _tied(target: str, chosen: Target) -> list[str]:
    """Return the options that say where packages with an index of their own come from.

    pip then sees their pages beside its index, and the hashes in the locks decide.

    Raises:
        ToolError: A build cannot read where one of them comes from.
    """
    ties, build = indexes.ties(chosen), torch_build(chosen)
    files = Locks(chosen).require(_layers(target)) if ties else []
    names = {name for path in files for name in lock_set.pinned(path)}
    pages: dict[str, None] = {}
    for name in sorted(names - {*(build.packages if build else ())}):
        tie = pip_by_name.tie_of(ties, name)
        if tie and tie.is_folder:
            raise ToolError(
                f"a build cannot read {shown(tie.url)}, where {name} comes from by "
                f"{shown(INDEXES)}: name an address there."
            )
        if tie:
            pages[tie.url if tie.flat else f"{tie.url.rstrip('/')}/{name}/"] = None
    return ["--build-arg", f"TIED_PAGES={' '.join(pages)}"] if pages else []


def _variables(time: str) -> dict[str, str]:
    """Return variables for Docker: BuildKit, and the timestamp of files."""
    return {"DOCKER_BUILDKIT": "1", **({"SOURCE_DATE_EPOCH": time} if time else {})}


def _try_out(engine: Engine, name: str, backend: str) -> None:
    """Run the production image as strictly as possible.

    Raises:
        ToolError: Something cannot be imported, the command does not start, or a model of the image
            does not predict.
    """
    package = project_metadata()["package_name"]
    command = [engine.name, "run", *LOCKED_DOWN]
    in_python = ["--entrypoint=python", name]
    wanted = direct_names(PRODUCTION_LAYERS, backend)
    check = [*command, "--interactive", *in_python, "-", *import_check.arguments(wanted)]
    announce(check)
    try:
        import_check.judge(
            run_program(check, stdin=import_check.WORKER.read_bytes(), mode="capture", check=False)
        )
    except CommandError as error:
        raise ToolError(f"{name} does not work: {error}") from error
    if is_adopted():
        if adopted.package():
            run_program([*command, *in_python, "-c", f"import {package}"])
    else:
        run_program([*command, name], mode="quiet")
        _ask_models([*command, *in_python, "-m"], package)


def _ask_models(command: Sequence[str], package: str) -> None:
    """Let the models in the image answer by its health check, which fails if there are none."""
    is_there = any(MODELS.glob("*/metadata.json"))
    if project_metadata().get("generates", False):
        is_there = is_there or any(MODELS.rglob("*.gguf"))
        health = [f"{package}.kit.generation.health"]
    else:
        health = [f"{package}.kit.inference.health", "models"]
    if is_there:
        run_program([*command, *health])
    else:
        say(f"{shown(MODELS)} holds no exported model, so none was asked to predict.")
