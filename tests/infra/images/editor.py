"""Open devcontainers as editors do: by the official command line, on Podman.

A program in Podman's place lends each build the stand-in of its base image, and each container this
machine's network, certificates and folder of torch wheels. The project is left as it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.images.files import arguments
from tests.lifecycle.projects import succeeded
from tests.support import npm
from tests.support.containers import BASE, CERTIFICATES, Engine

DEVCONTAINERS_CLI = "0.89.0"
USER = 1000  # of the project's images
# Debian's Podman refuses the option about users if root runs it; the command line always gives it.
PODMAN = """\
#!{python}
import os
import sys

told = [{base!r} if each == {image!r} else each for each in sys.argv[1:]]
told = [each for each in told if each != "--userns=keep-id"]
told[1:1] = {added!r}.get(told[0], [])
os.environ["CONTAINERS_CONF"] = {configuration!r}
os.execvp("podman", ["podman", *told])
"""


@dataclass(frozen=True)
class Editor:
    """The official command line for devcontainers.

    Attributes:
        program: Its file.
        temporary: Where it puts what it needs for a while.
    """

    program: Path
    temporary: Path

    @classmethod
    def installed(cls, folder: Path) -> Editor:
        """Install it."""
        package = npm.install(folder / "npm", "@devcontainers/cli", DEVCONTAINERS_CLI)
        temporary = folder / "temporary"
        temporary.mkdir()
        return cls(package / "devcontainer.js", temporary)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it and return how it ended, whatever its exit code."""
        return subprocess.run(
            [npm.NODE, self.program, *arguments],
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def configuration(self, project: Path, file: Path) -> dict[str, Any]:
        """Return what it reads in a devcontainer.json, variables replaced; no engine is asked."""
        options = [f"--workspace-folder={project}", f"--config={file}", "--docker-path=/bin/true"]
        done = succeeded(self.run("read-configuration", *options))
        found: dict[str, Any] = json.loads(done.stdout)["configuration"]
        return found


@dataclass(frozen=True)
class Devcontainer:
    """The devcontainer of a project, opened.

    Attributes:
        editor: What opened it.
        options: By which it is found again.
    """

    editor: Editor
    options: tuple[str, ...]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it and return how that ended, whatever its exit code."""
        return self.editor.run("exec", *self.options, *command)


@contextmanager
def opened(
    editor: Editor, engine: Engine, project: Path, wheels: Path | None = None
) -> Iterator[Devcontainer]:
    """Build and start a project's devcontainer for the CPU, its own commands after that included.

    Args:
        editor: The official command line.
        engine: What builds and runs images.
        project: The project, which becomes the container's user's.
        wheels: A folder of torch wheels that the project takes them from.
    """
    for path in (project, *project.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    label = f"template-test={project}"
    options = (f"--workspace-folder={project}", f"--id-label={label}")
    options += (f"--docker-path={_podman(editor, engine, project, wheels)}",)
    try:
        succeeded(editor.run("up", *options, "--buildkit=never"))
        yield Devcontainer(editor, options)
    finally:
        listed = ["ps", "--all", f"--filter=label={label}", "--format={{.ID}} {{.Image}}"]
        for line in engine.podman(*listed).stdout.splitlines():
            container, image = line.split()
            engine.podman("rm", "--force", "--time=0", container)
            engine.podman("rmi", image, image.replace("-uid:", ":"))


def _podman(editor: Editor, engine: Engine, project: Path, wheels: Path | None) -> Path:
    run = ["--network=host", f"--env=SSL_CERT_FILE={CERTIFICATES}"]
    run += [f"--volume={wheels}:{wheels}:ro"] if wheels else []
    text = PODMAN.format(
        python=sys.executable,
        base=BASE,
        image=arguments(project)["PYTHON_SLIM_IMAGE"],
        added={"build": engine.options().split(), "run": run},
        configuration=str(engine.configuration),
    )
    program = editor.temporary / "podman"
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program
