"""Projects whose files about containers are read, and one whose images are built."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from envkeep.environments.import_worker import MARK
from tests.lifecycle.conftest import answers
from tests.lifecycle.projects import ENVIRONMENT, Project, succeeded
from tests.render.cells import CELLS
from tests.render.conftest import Projects, fast_copier, projects
from tests.render.pairwise import pairwise
from tests.support.containers import Engine, NoContainersError, engine
from tests.support.copier_runs import Answers, commit, render

__all__ = ["answers", "fast_copier", "projects"]

WITH_DOCKER = [
    cell for cell in CELLS if cell.answers.get("docker", cell.answers.get("profile") != "minimal")
]
GPUS = {"backends": ["cuda", "rocm", "xpu", "mps"], "inference": "native"}


@dataclass(frozen=True)
class Images:
    """A project and what builds its images, which get a name of their own."""

    project: Project
    engine: Engine
    name: str
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"

    def build(self, target: str, *arguments: str) -> tuple[str, str]:
        """Build with the project's own command; return the image's name and what was printed."""
        tag = f"localhost/{self.name}:{target}"
        command = ["image", target, "--engine=buildah", f"--tag={tag}", *arguments]
        done = self.project.tools(*command, f"--options={self.engine.options()}")
        succeeded(done)
        return tag, f"{done.stdout}\n{done.stderr}"

    def run(self, target: str, *arguments: str, **mounted: Path) -> str:
        """Run an image as somebody on a read-only root without network; it must succeed.

        Training gets a folder for temporary files; production does without.

        Args:
            target: The target, built before.
            arguments: What follows the image's name.
            mounted: Folders by the name that they have in /app.

        Returns:
            What it printed.
        """
        image = f"localhost/{self.name}:{target}"
        volumes = [f"--volume={path}:/app/{name}" for name, path in mounted.items()]
        temporary = ["--tmpfs=/tmp"] if target == "train" else []
        options = [*LOCKED_DOWN, *temporary, *volumes]
        done = self.engine.podman("run", "--rm", *options, image, *arguments)
        return succeeded(done).stdout

    def remove(self, *targets: str) -> None:
        """Remove built images, where nobody builds on them any more."""
        names = [f"localhost/{self.name}:{target}" for target in targets]
        self.engine.podman("rmi", "--force", *names)


SOMEBODY = "4321:8765"
LOCKED_DOWN = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--network=none",
    "--cap-drop=all",
    f"--user={SOMEBODY}",
)


@pytest.fixture(scope="session")
def folders(projects: Projects) -> list[Path]:
    """Return every project with containers in which two choices of answers meet."""
    return [projects(answers) for answers in pairwise() if answers["docker"]]


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return what builds and runs images here, or skip with the reason."""
    try:
        return engine(tmp_path_factory.mktemp("containers"))
    except NoContainersError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def images(
    template: Path,
    answers: dict[str, str],
    containers: Engine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Images:
    """Return what builds the images of a project of the defaults."""
    folder = tmp_path_factory.mktemp("images") / "project"
    return Images(locked(template, folder, answers), containers, "template-test")


def locked(template: Path, folder: Path, answers: Answers) -> Project:
    """Return a locked and committed project; its Python is that of the tests."""
    project = Project(render(template, folder, {**answers, "python_version": Images.python}))
    project.git("init", "--quiet")
    succeeded(project.tools("lock"))
    commit(project.folder, "Lock")
    return project


def trained(images: Images, folder: Path) -> dict[str, Path]:
    """Train and export in the training image, built before.

    Returns:
        The folders that were mounted, by the name that they have in /app.
    """
    mounted = {name: folder / name for name in ("data", "experiments", "models")}
    for path in mounted.values():
        path.mkdir()
        path.chmod(0o777)
    for command in ("data", "train", "export"):
        images.run("train", command, **mounted)
    return mounted


IMPORTED = f'{MARK}{{"problems": {{}}, "seconds": 0.1}}'
"""What the import check prints when all could be imported."""
FAKE_ENGINE = """\
#!/bin/sh
if [ "$1" = images ]; then echo 1.5GB; exit; fi
case "$*" in *--interactive*) echo '{imported}';; esac
echo {name} "$@"
echo epoch "$SOURCE_DATE_EPOCH"
"""


@pytest.fixture
def fake_engines(tmp_path: Path) -> Path:
    """Return a folder with git and a docker, a podman, a buildah that print what they are told."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("docker", "podman", "buildah"):
        program = folder / name
        program.write_text(FAKE_ENGINE.format(name=name, imported=IMPORTED), encoding="utf-8")
        program.chmod(0o755)
    (folder / "git").symlink_to(str(shutil.which("git")))
    return folder


def run_tools(project: Path, programs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a project's ``keep.py`` where no other programs are than those of a folder."""
    return subprocess.run(
        [sys.executable, "keep.py", *arguments],
        cwd=project,
        env={**ENVIRONMENT, "PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
