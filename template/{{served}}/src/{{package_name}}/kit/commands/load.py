# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`load`: asks the server of a model without a pause, and says how it answers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from ..artifacts import newest_model
from ..errors import ArtefactError, InputError
from ..files import read_json
from ..serving import generates_text, module_of_service

HELP = "ask the server of a model for some seconds; requests a second, p50, p95, p99, errors"
CLIENTS = 32
CLIENTS_FOR_TEXT = 4  # as one answer is generated at a time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is asked, and how much."""
    add_arguments_of_kind = _add_text if generates_text() else _add_examples
    add_arguments_of_kind(parser)
    clients = CLIENTS_FOR_TEXT if generates_text() else CLIENTS
    parser.add_argument("--url", help="a server that runs (default: one is started for it)")
    parser.add_argument("--clients", type=int, default=clients, help="at once (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="at most (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=100_000, help="at most (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_examples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL_DIR",
        help="folder whose first example is sent (default: the newest in models/)",
    )
    parser.add_argument("--body", type=Path, help="JSON for /predict instead of that example")


def _add_text(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL",
        help="what serve takes (default: as in configs/generate.toml)",
    )
    parser.add_argument("--prompt", default="Alice was", help="(default: %(default)s)")
    parser.add_argument("--chat", action="store_true", help="ask it as a message")
    parser.add_argument("--tokens", type=int, default=32, help="of an answer (%(default)s at most)")
    parser.add_argument("--body", type=Path, help="JSON for /v1/... instead of these")


def run(args: argparse.Namespace) -> int:
    """Ask, and print a table; 1 if a request failed or none was answered."""
    from ..serving.load import measure

    folder = args.model
    if folder is None and not generates_text() and not (args.url and args.body):
        folder = newest_model()
    path, body = _text(args) if generates_text() else _request(args, folder)
    key = os.environ.get("SERVING_API_KEY", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with _server(folder, args.url) as url:
        asking = measure(
            f"{url.rstrip('/')}{path}",
            body,
            headers,
            clients=args.clients,
            seconds=args.seconds,
            requests=args.requests,
            generates=generates_text(),
        )
        measured = asyncio.run(asking)
    row = {"clients": str(args.clients), **measured.row()}
    if args.json:
        print(json.dumps(row))
    else:
        widths = [max(len(name), len(text)) for name, text in row.items()]
        for cells in (row.keys(), row.values()):
            print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))
    return 1 if measured.errors or not measured.seconds else 0


def _text(args: argparse.Namespace) -> tuple[str, bytes]:
    """Return where a request for text goes to, and the request, whose answer is streamed."""
    if args.body:
        asked = read_json(args.body)
    elif args.chat:
        asked = {"messages": [{"role": "user", "content": args.prompt}], "max_tokens": args.tokens}
    else:
        asked = {"prompt": args.prompt, "max_tokens": args.tokens}
    if not isinstance(asked, dict):
        example = json.dumps({"prompt": "..."})
        raise InputError(f"{args.body} must have a JSON object, such as {example}.")
    path = "/v1/chat/completions" if "messages" in asked else "/v1/completions"
    streamed = {**asked, "stream": True, "stream_options": {"include_usage": True}}
    return path, json.dumps(streamed).encode()


def _request(args: argparse.Namespace, folder: Path) -> tuple[str, bytes]:
    if args.body:
        return "/predict", args.body.read_bytes()
    request: tuple[str, bytes] = module_of_service().example_request(folder)
    return request


@contextlib.contextmanager
def _server(folder: Path | None, url: str | None) -> Iterator[str]:
    """Yield the address of a server; one that is started for it ends with it."""
    if url:
        yield url
        return
    package = __name__.partition(".")[0]
    given = [] if folder is None else [str(folder)]
    command = [sys.executable, "-m", package, "serve", *given, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        threading.Thread(target=server.stdout.read, daemon=True).start()
        found = re.match(r"(http://\S+) answers", first)
        if found is None:
            raise ArtefactError(f"{folder or 'The model'} cannot be served: see above.")
        try:
            yield found[1]
        finally:
            server.terminate()
