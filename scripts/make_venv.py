"""Make this repository's own environment and say how far it is: `make venv` runs this.

    PYTHONPATH=src python3.11 scripts/make_venv.py FOLDER REQUIREMENTS

Runs in any Python from 3.11 on, with nothing installed but envkeep's sources on its path.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from envkeep import progress

PIN = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
OPTIONS = ("--disable-pip-version-check", "--require-hashes", "--requirement")


def main(folder: Path, requirements: Path) -> int:
    """Make it anew; the exit code is that of what failed."""
    progress.say(f"[1/2] Making {folder} with Python {sys.version.partition(' ')[0]}")
    code = subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=False).returncode
    if code:
        return code
    count = len(PIN.findall(requirements.read_text(encoding="utf-8")))
    progress.say(f"[2/2] Installing the {count} packages of {requirements}, every file by its hash")
    return install(folder, requirements, count)


def install(folder: Path, requirements: Path, count: int) -> int:
    """Fill the environment by its pip, whose words are shown if it fails."""
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [str(interpreter), "-m", "pip", "install", *OPTIONS, str(requirements)]
    lines: list[str] = []
    with (
        progress.waiting(f"0 of {count} packages") as waited,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as pip,
    ):
        found = 0
        for line in pip.stdout or ():
            lines.append(line)
            if line.startswith("Collecting "):
                found += 1
                waited.what = f"{found} of {count} packages"
            elif line.startswith("Installing "):
                waited.what = "unpacking them"
    if pip.returncode:
        print("".join(lines), file=sys.stderr)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
