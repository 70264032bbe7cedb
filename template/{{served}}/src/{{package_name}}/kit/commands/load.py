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
from ..errors import ArtefactError

HELP = "ask the server of a model for some seconds; requests a second, p50, p95, p99, errors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is asked, and how much."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL_DIR",
        help="folder whose first example is sent (default: the newest in models/)",
    )
    parser.add_argument("--url", help="a server that runs (default: one is started for it)")
    parser.add_argument("--body", type=Path, help="JSON for /predict instead of that example")
    parser.add_argument("--clients", type=int, default=32, help="at once (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="at most (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=100_000, help="at most (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Ask, and print a table; 1 if a request failed or none was answered."""
    from ..serving.load import measure

    folder = args.model or (Path() if args.url and args.body else newest_model())
    path, body = ("/predict", args.body.read_bytes()) if args.body else _example(folder)
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


def _example(folder: Path) -> tuple[str, bytes]:
    """Return where the first example of an exported model goes to, and the request with it."""
    from ..inference import read_metadata
    from ..inference.parity import read_parity
    from ..serving.open_inference import datatype

    inputs, _, _ = read_parity(folder, read_metadata(folder))
    tensors = [
        {
            "name": name,
            "shape": [1, *array.shape[1:]],
            "datatype": datatype(array.dtype),
            "data": array[:1].ravel().tolist(),
        }
        for name, array in inputs.items()
    ]
    return f"/v2/models/{folder.name}/infer", json.dumps({"inputs": tensors}).encode()


@contextlib.contextmanager
def _server(folder: Path, url: str | None) -> Iterator[str]:
    """Yield the address of a server; one that is started for it ends with it."""
    if url:
        yield url
        return
    package = __name__.partition(".")[0]
    command = [sys.executable, "-m", package, "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        threading.Thread(target=server.stdout.read, daemon=True).start()
        found = re.match(r"(http://\S+) answers", first)
        if found is None:
            raise ArtefactError(f"{folder} cannot be served: see above.")
        try:
            yield found[1]
        finally:
            server.terminate()
