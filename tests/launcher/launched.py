"""Made-up projects that carry wheels, and what their launcher says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.stub_wheels import StubWheel, sha256

LAUNCHER = Path(__file__).resolve().parents[2] / "template" / "keep.py"
STACK = Path("requirements", "stack")
HASHES = STACK / "envkeep.txt"
WHEELS = STACK / "wheels"
NOT_A_USERS = ("ENVKEEP", "ENVKEEP_PROJECT", "LOCALAPPDATA", "PYTHONPATH", "XDG_CACHE_HOME")
TELLS = """\
import json, os, sys
import helper

def main():
    print(json.dumps({
        "version": "{version}",
        "path": sys.path[:2],
        "project": os.environ["ENVKEEP_PROJECT"],
        "arguments": sys.argv[1:],
    }))
    return 3
"""
EXIT_CODE = 3
HELPER = StubWheel("helper", "2.0", modules=(("helper.py", ""),))


def envkeep(version: str = "1.0") -> StubWheel:
    """Return a wheel whose command tells where it runs, and needs another wheel."""
    text = TELLS.replace("{version}", version)
    modules = (("envkeep/__init__.py", ""), ("envkeep/__main__.py", text))
    return StubWheel("envkeep", version, modules=modules)


def hashes(wheels: Iterable[Path]) -> str:
    """Return the lines that name wheels."""
    parts = [(path.name.split("-"), sha256(path)) for path in sorted(wheels)]
    return "".join(f"{name}=={version} --hash=sha256:{it}\n" for (name, version, *_), it in parts)


@dataclass(frozen=True)
class Launched:
    """A project with nothing but the launcher and its wheels, and a home of its own."""

    folder: Path
    home: Path

    @classmethod
    def of(cls, folder: Path, *wheels: StubWheel) -> Launched:
        """Make one."""
        (folder / WHEELS).mkdir(parents=True)
        shutil.copy2(LAUNCHER, folder)
        home = folder.with_name("home")
        home.mkdir(exist_ok=True)
        return cls(folder, home).carry(*(wheels or (envkeep(), HELPER)))

    def carry(self, *wheels: StubWheel) -> Launched:
        """Replace the wheels."""
        for old in (self.folder / WHEELS).iterdir():
            old.unlink()
        about = "# Owned by the template: every update rewrites this file.\n"
        written = [wheel.write(self.folder / WHEELS) for wheel in wheels]
        (self.folder / HASHES).write_text(about + hashes(written), encoding="utf-8")
        return self

    def variables(self, **more: str) -> dict[str, str]:
        """Return the environment of a user who has set nothing."""
        kept = {name: value for name, value in os.environ.items() if name not in NOT_A_USERS}
        return {**kept, "HOME": str(self.home), **more}

    def keep(
        self,
        *arguments: str,
        python: Sequence[str] = (sys.executable,),
        folder: Path | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the launcher as people do, from the project's folder or another one."""
        launcher = os.path.relpath(self.folder / "keep.py", folder or self.folder)
        return subprocess.run(
            [*python, launcher, *arguments],
            cwd=folder or self.folder,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        """Return what envkeep told; it must have run, and be about this project."""
        assert done.returncode == EXIT_CODE, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        assert told["project"] == str(self.folder)
        return told

    def unpacked(self, folder: str = ".venvs") -> list[Path]:
        """Return all that lies in a folder of unpacked wheels."""
        return sorted((self.folder / folder).glob("*"))


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence with which the launcher refused."""
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: "), line
    assert line.endswith("."), line
    return line
