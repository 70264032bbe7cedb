# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`search`: finds the texts that mean what a query does."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from ..errors import InputError

HELP = "find the texts that are nearest to a query, in a file of `embed`"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file and the query."""
    parser.add_argument("vectors", type=Path, help="file that `embed` wrote")
    parser.add_argument("query", help="what to look for")
    parser.add_argument("--count", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--config", type=Path, help="YAML file (default: configs/embed.yaml)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Search and print a table."""
    from rich.table import Table
    from rich.text import Text

    from ..embeddings import DEFAULT_CONFIG, EmbedConfig, Encoder, Vectors
    from ..reporting import Reporter

    if args.count < 1:
        raise InputError("--count must be at least 1.")
    vectors = Vectors.read(args.vectors)
    encoder = Encoder.load(EmbedConfig.from_file(args.config or DEFAULT_CONFIG))
    found = vectors.search(args.query, encoder, args.count)
    table = Table("similarity", "text")
    for each in found:
        table.add_row(f"{each.similarity:.4f}", Text(each.text))
    Reporter(as_json=args.json).finish([asdict(each) for each in found], table)
    return 0
