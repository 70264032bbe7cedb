"""Buildah and Podman as root on Debian, and stand-ins for public base images.

A stand-in is the smallest system of the public image's Debian with the CPython that runs the tests.
It shows that our files build and run, and that Debian has the packages that they name; it shows
nothing about the public image. No registry of images is asked for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.catalog import rows

PROGRAMS = ("buildah", "podman", "runc", "debootstrap")
LIBRARIES = (
    "ca-certificates,libbz2-1.0,libffi8,liblzma5,libncursesw6,libreadline8t64,libsqlite3-0,"
    "libssl3t64,libuuid1"
)
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SOURCES = """\
Types: deb
URIs: {mirror}
Suites: {release}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp
"""
LAGGING = 'Acquire::Check-Valid-Until "false";\n'  # a mirror may be one of an earlier day
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RELEASE = re.findall(r"-slim-(\w+)$", "\n".join(row["reference"] for row in rows("images")), re.M)[
    0
]
BASE = f"localhost/stand-in-python:{PYTHON}-{RELEASE}"
LAMBDA = f"localhost/stand-in-lambda:{PYTHON}-{RELEASE}"
LAMBDA_FILE = f"FROM {BASE}\nENV LAMBDA_TASK_ROOT=/var/task\nWORKDIR /var/task\n"
CONFIGURATION = """\
[containers]
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
"""
BUILD_OPTIONS = ("--pull-never", "--isolation=chroot", "--network=host")


class NoContainersError(Exception):
    """Why no image can be built on this machine."""


@dataclass(frozen=True)
class Engine:
    """Buildah, which builds, and Podman, which runs.

    Attributes:
        configuration: Podman's settings, for a machine without systemd.
    """

    configuration: Path

    def options(self) -> str:
        """Return what a build takes here beside what it takes everywhere."""
        bases = {"PYTHON_SLIM_IMAGE": BASE, "LAMBDA_IMAGE": LAMBDA}
        arguments = [f"--build-arg={name}={image}" for name, image in bases.items()]
        return " ".join([*BUILD_OPTIONS, *arguments])

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Podman and return how it ended, whatever its exit code."""
        return _ended(["podman", *arguments], CONTAINERS_CONF=str(self.configuration))

    def size_mb(self, image: str) -> int:
        """Return how large an image is, in 10^6 bytes."""
        printed = self.podman("image", "inspect", "--format", "{{.Size}}", image)
        return int(printed.stdout) // 10**6


def engine(folder: Path) -> Engine:
    """Return the engine, installed and with its base images made if they are not there.

    Args:
        folder: Where its settings go.

    Raises:
        NoContainersError: That is not possible here.
    """
    _install()
    configuration = folder / "containers.conf"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    found = Engine(configuration)
    if found.podman("image", "exists", BASE).returncode:
        _import_base(found)
    if found.podman("image", "exists", LAMBDA).returncode:
        build = ["buildah", "bud", "--pull-never", "--isolation=chroot", f"--tag={LAMBDA}", "-"]
        _must(_ended(build, given=LAMBDA_FILE))
    return found


def _install() -> None:
    if not sys.platform.startswith("linux") or os.geteuid():
        raise NoContainersError("images are built by root on Linux")
    if Path(sys.base_prefix) == Path("/usr"):
        raise NoContainersError("the stand-in takes a CPython that has a folder of its own")
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get"):
        raise NoContainersError(f"no apt-get to install {', '.join(PROGRAMS)} with")
    _must(_ended(["apt-get", "update", "--quiet"]))
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *PROGRAMS]
    _must(_ended(install, DEBIAN_FRONTEND="noninteractive"))


def _import_base(found: Engine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        mirror = _mirror()
        variant = ["--variant=minbase", f"--include={LIBRARIES}"]
        _must(_ended(["debootstrap", *variant, RELEASE, str(root), mirror]))
        _configure_apt(root / "etc" / "apt", mirror)
        _copy_python(root / "usr" / "local")
        if CERTIFICATES.exists():  # of this machine, whose network may have its own
            shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        for command in (["ldconfig"], ["python3", "-m", "ensurepip"]):
            _must(_ended(["chroot", str(root), *command], PATH="/usr/local/bin:/usr/sbin:/usr/bin"))
        for made in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / made)
            (root / made / "partial").mkdir(parents=True)
        archive = Path(folder) / "root.tar"
        _must(_ended(["tar", "--create", f"--file={archive}", f"--directory={root}", "."]))
        settings = [
            "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            f"ENV PIP_CERT={CERTIFICATES}",
            'CMD ["python3"]',
        ]
        changes = [part for each in settings for part in ("--change", each)]
        _must(found.podman("import", *changes, str(archive), BASE))


def _mirror() -> str:
    """Return the mirror that apt takes the base system from."""
    listed = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"]
    for line in _ended(listed).stdout.splitlines():
        site, _, release = line.partition(" ")
        if "-" not in release:
            return site
    raise NoContainersError("apt knows no mirror of Debian; run apt-get update")


def _configure_apt(folder: Path, mirror: str) -> None:
    """Write the sources in the form that public images have them in."""
    (folder / "sources.list").unlink()
    text = SOURCES.format(mirror=mirror, release=RELEASE)
    (folder / "sources.list.d" / "debian.sources").write_text(text, encoding="utf-8")
    (folder / "apt.conf.d" / "lagging-mirror").write_text(LAGGING, encoding="utf-8")


def _copy_python(destination: Path) -> None:
    prefix = Path(sys.base_prefix)
    configuration = Path(sysconfig.get_config_var("LIBPL") or "config").name
    ignored = shutil.ignore_patterns("test", configuration, "site-packages", "__pycache__", "*.a")
    shutil.copytree(prefix / "lib", destination / "lib", ignore=ignored, dirs_exist_ok=True)
    (destination / "lib" / f"python{PYTHON}" / "site-packages").mkdir()
    programs = destination / "bin"
    programs.mkdir(exist_ok=True)
    shutil.copy(prefix / "bin" / f"python{PYTHON}", programs)
    for name in ("python", "python3"):
        (programs / name).symlink_to(f"python{PYTHON}")


def _ended(
    command: Sequence[str], given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, **variables},
        input=given,
        stdin=None if given else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()[-600:]
        raise NoContainersError(f"{' '.join(done.args)} failed: {said}")
