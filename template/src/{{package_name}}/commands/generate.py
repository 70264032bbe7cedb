"""`generate`: answers a prompt with the model or the server of configs/generate.toml."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "generate text from a prompt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the prompt, what changes the settings, and the output format."""
    parser.add_argument("prompt", help="the text to answer; - reads it from standard input")
    parser.add_argument("--config", type=Path, help="TOML file (default: configs/generate.toml)")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="end the answer there")
    parser.add_argument("--temperature", type=float, help="0: always the likeliest token")
    parser.add_argument("--seed", type=int, help="makes varied answers repeatable")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--stream", action="store_true", help="print while it is generated")
    group.add_argument("--json", action="store_true", help="print prompt and answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Generates and prints the answer."""
    from ..generation import DEFAULT_CONFIG, open_generator, read_settings

    config = args.config or DEFAULT_CONFIG
    prompt = sys.stdin.read() if args.prompt == "-" else args.prompt
    settings = read_settings(
        config, max_tokens=args.max_tokens, temperature=args.temperature, seed=args.seed
    )
    with open_generator(config) as generator:
        if args.json:
            text = generator.generate(prompt, settings)
            print(json.dumps({"prompt": prompt, "text": text}, ensure_ascii=False))
        elif args.stream:
            for piece in generator.stream(prompt, settings):
                print(piece, end="", flush=True)
            print()
        else:
            print(generator.generate(prompt, settings))
    return 0
