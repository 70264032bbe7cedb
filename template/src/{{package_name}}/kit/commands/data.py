# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`data`: writes the example's data, or takes a file of one's own, and lists it in the manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write the example's data, or take a file of your own, and list it in data/manifest.json"
TAKES_SETTINGS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration and whether a change is wanted."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        help="YAML file with the lines that differ from configs/train.yaml; repeatable",
    )
    parser.add_argument(
        "--accept", action="store_true", help="list what is there, also if it was changed"
    )


def run(args: argparse.Namespace) -> int:
    """Write the example's data to its path, or list the file of one's own at `data.path`."""
    from ...config import DEFAULT_CONFIG, Config
    from ...data import create
    from ..manifest import MANIFEST

    config = Config.load([DEFAULT_CONFIG, *args.config], args.settings)
    sha256 = create(config.data.path, accept=args.accept)
    print(f"{config.data.path}  sha256 {sha256}, listed in {MANIFEST}")
    return 0
