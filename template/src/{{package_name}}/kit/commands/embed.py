# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`embed`: makes a vector of every line of a text file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError

HELP = "make a vector of every line of a text file"
SUFFIX = ".npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files."""
    parser.add_argument("texts", type=Path, help="text file in UTF-8, one text a line")
    parser.add_argument("output", type=Path, help="file for texts and vectors, .npz")
    parser.add_argument("--config", type=Path, help="YAML file (default: configs/embed.yaml)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Encode and write."""
    from ..embeddings import DEFAULT_CONFIG, EmbedConfig, Encoder, Vectors
    from ..reporting import Reporter

    texts = _lines(args.texts)
    if args.output.suffix != SUFFIX:
        raise InputError(f"{args.output} must end with {SUFFIX}.")
    encoder = Encoder.load(EmbedConfig.from_file(args.config or DEFAULT_CONFIG))
    vectors = Vectors.encode(texts, encoder)
    vectors.write(args.output)
    size = vectors.vectors.shape[1]
    result = {"output": args.output.as_posix(), "texts": len(texts), "dimensions": size}
    summary = f"{len(texts)} texts as vectors of {size} numbers: {args.output}"
    Reporter(as_json=args.json).finish({**result, "model": vectors.model}, summary)
    return 0


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(f"{path} cannot be read: {reason}.") from error
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise InputError(f"{path} holds no text: write one a line.")
    return texts
