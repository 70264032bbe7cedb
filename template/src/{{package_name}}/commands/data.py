"""`data`: writes the data set and lists its hash in the manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write the data set and check it against data/manifest.json"
TAKES_SETTINGS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the configuration and whether a change is wanted."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        help="YAML file with the lines that differ from configs/train.yaml; repeatable",
    )
    parser.add_argument(
        "--accept", action="store_true", help="take over content that the manifest does not list"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the data to `data.path`."""
    from ..config import DEFAULT_CONFIG, Config
    from ..data import create

    config = Config.load([DEFAULT_CONFIG, *args.config], args.settings)
    sha256 = create(config.data.path, accept=args.accept)
    print(f"{config.data.path}  sha256 {sha256}")
    return 0
