# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`slurm`: submits a training, or a search, as a job of Slurm, and tells where its log is."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from ..errors import ProjectError, RunError
from ..project_folder import in_project

HELP = "submit a training as a job of Slurm, which is queued again until it is done"
TAKES_SETTINGS = True

TRAIN = Path("slurm/train.sh")
TUNE = Path("slurm/tune.sh")
_OPTIONS = {
    "nodes": ("nodes", "machines"),
    "gpus": ("gpus-per-node", "GPUs of each machine"),
    "time": ("time", "limit, such as 02:30:00"),
    "partition": ("partition", "where it waits"),
    "account": ("account", "who pays"),
}
_ALL = "4294967294"  # Slurm's number for all tasks of an array that waits
_LOG = re.compile(r"^ *StdOut=(.*)$", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what differs from the script's own lines for Slurm."""
    for name, (option, about) in _OPTIONS.items():
        parser.add_argument(f"--{name}", help=f"{about}, instead of #SBATCH --{option}")
    parser.add_argument("--test", action="store_true", help="let Slurm check it, submit nothing")
    if in_project(TUNE).is_file():
        parser.add_argument("--tune", action="store_true", help=f"start a search, by {TUNE}")
        parser.add_argument("--at-once", type=int, default=4, help="trials (default: 4)")
    parser.epilog = "Any setting of configs/train.yaml can follow, as --section.key VALUE."


def run(args: argparse.Namespace) -> int:
    """Submit the script and print the job, its log and how to follow it."""
    if not shutil.which("sbatch"):
        raise ProjectError("slurm needs sbatch: call it where jobs are submitted, on a login node.")
    options = [
        f"--{option}={value}"
        for name, (option, _) in _OPTIONS.items()
        if (value := getattr(args, name))
    ]
    is_search = getattr(args, "tune", False)
    script = _search(args, options) if is_search else _training(args, options)
    if args.test:
        print(_said(["sbatch", "--test-only", *script]))
        return 0
    job = _said(["sbatch", "--parsable", *script]).partition(";")[0]
    print(f"Job {job}: {shlex.join(['sbatch', *script])}")
    print(f"Log: {_log(job)}")
    print(f"See it: squeue --job {job}. End it: scancel {job}")
    if is_search:
        print(f"What its trials reached: tune --resume {script[-1]} --trials 1")
    return 0


def _training(args: argparse.Namespace, options: list[str]) -> list[str]:
    """Return what sbatch is given, after the settings were checked."""
    from ...config import DEFAULT_CONFIG, Config

    Config.load_all([DEFAULT_CONFIG], args.settings)
    return [*options, str(TRAIN), *args.settings]


def _search(args: argparse.Namespace, options: list[str]) -> list[str]:
    """Return what sbatch is given for the array of a new study."""
    from ...config import DEFAULT_CONFIG, Config
    from ..answers import optional

    tuning, space = optional("tuning"), optional("tuning.space")
    settings = tuning.TuneConfig.from_file(space.DEFAULT_SPACE)
    config = Config.load(DEFAULT_CONFIG, args.settings)
    study = "none" if args.test else tuning.Search.create(settings, config).id
    array = f"--array=1-{settings.trials}%{args.at_once}"
    return [*options, array, str(TUNE), study]


def _log(job: str) -> str:
    """Return where the job writes to, as Slurm has read the script."""
    found = _LOG.search(_said(["scontrol", "show", "job", job]))
    return found.group(1).replace(_ALL, "*") if found else "as #SBATCH --output says"


def _said(command: list[str]) -> str:
    """Run a program of Slurm and return what it said.

    Raises:
        RunError: Slurm refuses.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise RunError(f"Slurm refuses: {reason[0]}")
    return f"{done.stdout}{done.stderr}".strip()
