"""A real Slurm of one node on loopback, of Debian's packages, with no service of the system."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
# What signs requests is good for seconds: a job that was queued again may start only after that.
CONFIGURATION = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={port}
SlurmdPort={other_port}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
OverTimeLimit=0
KillWait=30
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES State=UP
"""
END_SECONDS = 60.0
LOGS = {"slurmctld": "Running as primary controller", "slurmd": "slurmd started on"}
"""What each daemon logs once it is up, in the order of their starts."""


class NoSlurmError(Exception):
    """Why there is no Slurm on this machine."""


@dataclass(frozen=True)
class Slurm:
    """A controller and a node that are up.

    Attributes:
        folder: Their configuration, state and logs.
    """

    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """The variable by which Slurm's commands find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def said(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it said."""
        return _must([*command], self.variables)

    def facts_of(self, job: str) -> dict[str, str]:
        """Return what Slurm says of a job, such as its JobState."""
        words = self.said("scontrol", "show", "job", "--oneliner", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)


@contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """Start Slurm, installed by apt-get if it is not there, and end it afterwards.

    Args:
        folder: An empty folder of a short path, for all its files.

    Raises:
        NoSlurmError: That is not possible here.
    """
    _install()
    for name in ("state", "spool"):
        (folder / name).mkdir()
    found = Slurm(folder)
    host = platform.node().partition(".")[0]
    values = {"folder": folder, "host": host, "port": _free_port(), "other_port": _free_port()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**values), encoding="utf-8")
    with ExitStack() as stack:
        stack.enter_context(_munge(folder))
        for name, text in LOGS.items():
            log = folder / f"{name}.log"
            command = [name, "-D", "-f", f"{folder}/slurm.conf"]
            stack.enter_context(_daemon(command, found.variables, log, text))
        yield found


def wait_for_line(path: Path, text: str, seconds: float = 120.0) -> None:
    """Wait until a file, which may come yet, has a line with a text."""
    command = ["timeout", str(seconds), "tail", "--lines=+1", "--follow=name", "--retry", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as following:
        assert following.stdout is not None
        found = any(text in line for line in following.stdout)
        following.terminate()
    assert found, f"{path} never had {text!r}: {path.read_text() if path.exists() else 'no file'}"


@contextmanager
def _daemon(
    command: list[str], variables: Mapping[str, str], log: Path, text: str
) -> Iterator[None]:
    """Run a daemon until the block ends; it is up when its log says so."""
    with subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        try:
            wait_for_line(log, text)
            yield
        finally:
            daemon.terminate()
            daemon.wait(END_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _munge(folder: Path) -> Iterator[None]:
    """Run what signs the requests; it returns once it listens, and stays in the background."""
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    files = {"pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    socket_option = f"--socket={folder}/munge.socket"
    options = [f"--{option}={folder}/munge.{name}" for option, name in files.items()]
    _must(["munged", "--force", f"--key-file={key}", socket_option, *options], {})
    try:
        yield
    finally:
        _must(["munged", "--stop", socket_option], {})


def _install() -> None:
    if not sys.platform.startswith("linux") or os.geteuid():
        raise NoSlurmError("Slurm's daemons are started by root on Linux")
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get"):
        raise NoSlurmError(f"no apt-get to install {', '.join(PACKAGES)} with")
    variables = {"DEBIAN_FRONTEND": "noninteractive"}
    _must(["apt-get", "update", "--quiet"], variables)
    _must(["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES], variables)


def _must(command: list[str], variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoSlurmError(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    return done.stdout
