"""Images for GPUs: all that needs no wheel of a GPU's build is real.

The wheels of torch and of what comes from its index are stubs without code, served on the loopback
interface as PyTorch serves the real ones, and depend on nothing that weighs gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkeep.hardware.machine import detect
from maintain.stack.rows import Build
from tests.infra.images.conftest import Images
from tests.lifecycle.projects import Project, succeeded
from tests.resolve.projects import small
from tests.support.catalog import Row, checked_builds, rows, torch_version
from tests.support.containers import Engine
from tests.support.copier_runs import commit, render
from tests.support.loopback import serving
from tests.support.torch_index import make_torch_index

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.xdist_group("images"),
]

PLATFORM = f"linux-{detect().architecture}"
GPUS = [
    row for row in rows("backends") if row["container"]["base_image"] and row["backend"] != "cpu"
]
OWN_PACKAGES = ("g++", "libgomp1", "patch")
OWN_FILE = "# ours\n\n  g++\tlibgomp1 # for a test\npatch\r\n"
VERSIONS = """
import importlib.metadata
print(*(f"{found.name}=={found.version}" for found in importlib.metadata.distributions()))
"""


def build_of(backend: str) -> Build:
    """Return the default build of a backend, whose torch needs its own index's packages alone."""
    build = next(each for each in checked_builds() if each.backend == backend)
    helpers = [each for each in build.requires if each.startswith(tuple(build.index_packages))]
    return build.model_copy(update={"requires": helpers if build.index_packages else []})


@pytest.fixture(scope="module")
def gpu_images(
    template: Path, containers: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Images]:
    """Return a project for every GPU, with few packages, locked for each of them."""
    builds = [build_of(row["backend"]) for row in GPUS]
    if not all(PLATFORM in build.wheels for build in builds):
        pytest.skip(f"torch has no wheels of every build for {PLATFORM}")
    index = make_torch_index(tmp_path_factory.mktemp("torch-index"), builds)
    project = Project(tmp_path_factory.mktemp("gpus") / "project")
    with serving(index.root) as address:
        answers = {"backends": [build.backend for build in builds], "torch_index": address}
        render(template, project.folder, {**answers, "python_version": Images.python})
        small(project)
        (project.folder / "apt.txt").write_text(OWN_FILE, encoding="utf-8", newline="")
        for build in builds:
            told = ("--platform", PLATFORM, "--backend", build.backend)
            succeeded(project.tools("lock-all", *told))
        commit(project.folder, "Lock")
        yield Images(project, containers, "template-test-gpu")


@pytest.mark.parametrize("row", GPUS, ids=lambda row: str(row["backend"]))
@pytest.mark.parametrize("target", ["train", "devcontainer"])
def test_what_a_gpu_needs_is_in_its_image(target: str, row: Row, gpu_images: Images) -> None:
    tag, _ = gpu_images.build(target, f"--backend={row['backend']}")
    flags = "\n".join(row["container"]["device_flags"])
    groups = re.findall(r"^--group-add=(\w+)$", flags, re.MULTILINE)
    packages = [*row["system_packages"], *OWN_PACKAGES]
    shell = ["run", "--rm", "--network=none", "--entrypoint=/bin/sh", tag, "-ec"]
    told = [f"dpkg-query --show {each} >&2" for each in packages]
    told += [f"getent group {each} >&2" for each in groups]
    found = succeeded(gpu_images.engine.podman(*shell, "\n".join([*told, "env"]))).stdout
    variables = {f"{name}={value}" for name, value in row["container"]["environment"].items()}
    assert variables <= set(found.splitlines())


@pytest.mark.parametrize("row", GPUS, ids=lambda row: str(row["backend"]))
def test_torch_is_the_build_of_the_gpu(row: Row, gpu_images: Images) -> None:
    build = build_of(row["backend"])
    tag, _ = gpu_images.build("train", f"--backend={row['backend']}")
    command = ["run", "--rm", "--network=none", "--entrypoint=python", tag, "-c", VERSIONS]
    found = succeeded(gpu_images.engine.podman(*command)).stdout.split()
    assert f"torch=={torch_version()}{build.wheels[PLATFORM].local_version}" in found
    assert {each.partition(";")[0].strip() for each in build.requires} <= set(found)
