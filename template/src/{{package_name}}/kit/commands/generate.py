# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`generate`: answers a prompt with the model or the server of configs/generate.toml.

With `--verify` it answers the prompts that travel with an exported model instead, and compares.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..artifacts import newest_model, note_on_age
from ..errors import InputError

HELP = "generate text from a prompt, or verify an exported model"
_NEWEST = Path()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the prompt, what changes the settings, and the output format."""
    parser.add_argument(
        "prompt", nargs="?", help="the text to answer; - reads it from standard input"
    )
    parser.add_argument("--config", type=Path, help="TOML file (default: configs/generate.toml)")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="end the answer there")
    parser.add_argument("--temperature", type=float, help="0: always the likeliest token")
    parser.add_argument("--seed", type=int, help="makes varied answers repeatable")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--stream", action="store_true", help="print while it is generated")
    group.add_argument("--json", action="store_true", help="print prompt and answer as JSON")
    parser.add_argument(
        "--verify",
        type=Path,
        nargs="?",
        const=_NEWEST,
        metavar="MODEL_DIR",
        help="compare with what the training framework said, which travels with the model "
        "(default: the newest in models/)",
    )


def run(args: argparse.Namespace) -> int:
    """Generate and print the answer, or verify; a failed verification returns 1."""
    from ..generation import DEFAULT_CONFIG, open_generator, read_settings

    config = args.config or DEFAULT_CONFIG
    if (args.verify is None) == (args.prompt is None):
        raise InputError("Give either a prompt or --verify MODEL_DIR.")
    if args.verify is not None:
        result = _verified(config, newest_model() if args.verify == _NEWEST else args.verify)
        print(json.dumps(result) if args.json else _shown(result))
        return 0 if result["passed"] else 1
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


def _verified(config: Path, folder: Path) -> dict[str, Any]:
    from ..generation import open_generator
    from ..generation.artifact import read_text_model
    from ..generation.parity import check_text_parity

    model = read_text_model(folder)
    if note := note_on_age(folder, model.origin):
        print(note, file=sys.stderr)
    with open_generator(config, folder) as generator:
        report = check_text_parity(generator, folder, model)
    return {"model": str(folder), **report.to_json()}


def _shown(result: dict[str, Any]) -> str:
    texts = f"{result['equal_texts']} of {result['texts']} texts are the same"
    if result["places"]:
        texts += (
            f", same likeliest token at {100 * result['agreement']:.1f} % of {result['places']} "
            f"places, largest difference of a log-probability {result['max_abs_difference']:.3g} "
            f"(tolerance {result['tolerance']:.3g})"
        )
    return f"{'Equal' if result['passed'] else 'NOT EQUAL'}: {result['model']}, {texts}"
