"""Recorded machines, and how a test is put on one of them.

Each file of ``recorded/`` is one machine: where its content comes from, the files that detection
reads, and what vendors' programs answer. What no recording could be found for is constructed from
documentation, and its ``source`` says so.
"""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RECORDED = Path(__file__).parent / "recorded"
NAMES = sorted(path.stem for path in RECORDED.glob("*.toml"))


@dataclass(frozen=True)
class Placed:
    """A recorded machine, written to disk.

    Attributes:
        root: The folder that stands for the file system's root.
        programs: The only folder of programs.
    """

    root: Path
    programs: Path

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file of the machine, its folders included."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def program(self, name: str, script: str) -> None:
        """Put a program on the PATH, or with a path somewhere in the root."""
        path = self.root / name.lstrip("/") if "/" in name else self.programs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)


def recording(name: str) -> Mapping[str, Any]:
    """Return a recorded machine as it stands in its file."""
    return tomllib.loads((RECORDED / f"{name}.toml").read_text(encoding="utf-8"))


def place(name: str, folder: Path, patched: pytest.MonkeyPatch) -> Placed:
    """Put this process on a recorded machine: its name, its files and its programs."""
    recorded = recording(name)
    placed = Placed(folder / "root", folder / "programs")
    placed.programs.mkdir(parents=True)
    for path, text in recorded.get("files", {}).items():
        placed.write(path, text.lstrip("\n"))
    for program in {answer["program"] for answer in recorded.get("answers", ())}:
        answers = [each for each in recorded["answers"] if each["program"] == program]
        placed.program(program, _script(answers, folder))
    machine = recorded["machine"]
    patched.setattr(platform, "system", lambda: machine["system"])
    patched.setattr(platform, "machine", lambda: machine["architecture"])
    patched.setattr(platform, "mac_ver", lambda: (machine.get("macos", ""), ("", "", ""), ""))
    patched.setenv("PATH", str(placed.programs))
    for variable in ("BACKEND", "CI", "SYSTEMROOT"):
        patched.delenv(variable, raising=False)
    return placed


def _script(answers: list[Mapping[str, Any]], folder: Path) -> str:
    """Return a shell script that answers as recorded, the first answer that fits the question."""
    cases = []
    for answer in answers:
        output = folder / f"answer-{len(list(folder.glob('answer-*')))}"
        output.write_text(answer["output"].lstrip("\n"), encoding="utf-8")
        question = f"*{answer['when']}*" if "when" in answer else "*"
        cases.append(f"{question}) /bin/cat '{output}'; exit {answer.get('exit', 0)};;")
    return "\n".join(['case "$*" in', *cases, "esac"])


def without_shell() -> pytest.MarkDecorator:
    """Skip a test where the recorded programs, which are shell scripts, cannot run."""
    return pytest.mark.skipif(os.name == "nt", reason="the recorded programs are shell scripts")
