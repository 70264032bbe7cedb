"""A real Slurm of one node on loopback, of Debian's packages, with no service of the system."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
PORT = 16817
WAIT_SECONDS = 60.0


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
        """The environment in which Slurm's commands talk to it."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def said(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it said."""
        return _must(list(command), self.variables)

    def state_of(self, job: str) -> str:
        """Return the state of a job, such as RUNNING, and how often it was queued again."""
        for word in self.said("scontrol", "show", "job", "--oneliner", job).split():
            if word.startswith("JobState="):
                return word.partition("=")[2]
        raise AssertionError(job)

    def logs(self) -> str:
        """Return what both daemons wrote, for a message."""
        files = [self.folder / f"{name}.log" for name in ("slurmctld", "slurmd")]
        return "\n".join(file.read_text(encoding="utf-8")[-3000:] for file in files)


@contextmanager
def slurm(folder: Path, wait_for: Callable[[Callable[[], bool], float], None]) -> Iterator[Slurm]:
    """Start Slurm, installed by apt-get if it is not there, and end it afterwards.

    Args:
        folder: An empty folder of a short path, for all its files.
        wait_for: Waits until something holds, at most so many seconds.

    Raises:
        NoSlurmError: That is not possible here.
    """
    _install()
    for name in ("state", "spool"):
        (folder / name).mkdir()
    found = Slurm(folder)
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            folder=folder, host=platform.node().partition(".")[0], port=PORT, other_port=PORT + 1
        ),
        encoding="utf-8",
    )
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    daemons = [_start_munge(folder, key)]
    try:
        for name, *options in (("slurmctld", "-c", "-D"), ("slurmd", "-D")):
            daemons.append(_start([name, *options, "-f", f"{folder}/slurm.conf"], found.variables))
        wait_for(lambda: _is_idle(found, daemons), WAIT_SECONDS)
        yield found
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(timeout=WAIT_SECONDS)


def _is_idle(found: Slurm, daemons: list[subprocess.Popen[bytes]]) -> bool:
    if any(daemon.poll() is not None for daemon in daemons):
        raise NoSlurmError(f"a daemon ended: {found.logs()}")
    command = ["sinfo", "--noheader", "--format=%T"]
    done = subprocess.run(
        command, env=found.variables, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() == "idle"


def _install() -> None:
    if not sys.platform.startswith("linux") or os.geteuid():
        raise NoSlurmError("Slurm's daemons are started by root on Linux")
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get"):
        raise NoSlurmError(f"no apt-get to install {', '.join(PACKAGES)} with")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _must(["apt-get", "update", "--quiet"], variables)
    _must(["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES], variables)


def _start_munge(folder: Path, key: Path) -> subprocess.Popen[bytes]:
    files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    options = [f"--{option}={folder}/munge.{name}" for option, name in files.items()]
    return _start(["munged", "--foreground", "--force", f"--key-file={key}", *options], os.environ)


def _start(command: list[str], variables: os._Environ[str] | dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _must(command: list[str], variables: dict[str, str]) -> str:
    try:
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoSlurmError(f"{command[0]} cannot be started: {error}") from error
    if done.returncode:
        raise NoSlurmError(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    return done.stdout
