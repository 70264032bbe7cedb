"""What conda's clients do when they make an environment, by rattler; see conda_channel.py."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import yaml
from rattler import MatchSpec, VirtualPackage, install, solve
from rattler.exceptions import SolverError


def main(argv: list[str]) -> int:
    """Solve and install from the folder that CHANNEL names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", type=Path, required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--channel")
    parser.add_argument("specs", nargs="*")
    words = argv[1:] if argv[0] == "env" else argv
    assert words[0] == "create", argv
    given = parser.parse_args(words[1:])
    assert os.environ["CONDA_ALWAYS_YES"] == os.environ["MAMBA_ALWAYS_YES"] == "true"
    specs = given.specs
    if given.file:
        content = yaml.safe_load(given.file.read_text(encoding="utf-8"))
        assert content["channels"] == ["conda-forge", "nodefaults"]
        specs = content["dependencies"]
    try:
        asyncio.run(_make(given.prefix, [MatchSpec(each) for each in specs]))
    except SolverError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _make(prefix: Path, specs: list[MatchSpec]) -> None:
    found = VirtualPackage.detect()
    records = await solve([os.environ["CHANNEL"]], specs, virtual_packages=found)
    await install(records, prefix, cache_dir=Path(os.environ["CHANNEL_CACHE"]), show_progress=False)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # rattler's threads may outlive the interpreter, which then crashes as it ends
