# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`plan`: what training takes of each GPU's memory, by strategy, before it starts."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..plan import OPTIMIZERS, PRECISIONS, STRATEGIES, Model, memory_of, transformer

if TYPE_CHECKING:
    from rich.table import Table

HELP = "compute the memory of each GPU by strategy, for the project's model or given sizes"
TAKES_SETTINGS = True

_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_SIZES = ("parameters", "layers", "width", "sequence_length", "vocabulary", "batch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the GPUs, and the sizes of a model that is not the project's."""
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8], help="(default: 1 8)")
    parser.add_argument("--memory", type=float, metavar="GB", help="of each GPU, to compare with")
    parser.add_argument("--config", type=Path, action="append", default=[], help="as for `train`")
    sizes = parser.add_argument_group("a transformer of these sizes, not the project's model")
    sizes.add_argument("--layers", type=int, help="its blocks")
    sizes.add_argument("--width", type=int, help="of the vector of each token")
    sizes.add_argument("--sequence-length", type=int, help="tokens of an example")
    sizes.add_argument("--vocabulary", type=int, default=0, help="tokens to choose from")
    sizes.add_argument("--parameters", type=float, default=0, help="such as 7e9 (default: by size)")
    sizes.add_argument("--batch", type=int, default=1, help="examples of one GPU (default: 1)")
    sizes.add_argument("--precision", choices=PRECISIONS, default="bf16", help="(default: bf16)")
    sizes.add_argument("--optimizer", choices=OPTIMIZERS, default="adamw", help="(default: adamw)")
    sizes.add_argument("--checkpoint-activations", action="store_true", help="compute them twice")
    parser.add_argument("--json", action="store_true", help="print the bytes as JSON")
    parser.epilog = "For the project's model, any setting can follow, as --section.key VALUE."


def run(args: argparse.Namespace) -> int:
    """Print a table of the parts of the memory."""
    from ..reporting import Reporter

    if min(args.gpus) < 1:
        raise ConfigError("--gpus must be at least 1.")
    model, about = _given(args) if args.layers else _own(args)
    rows = [
        {"gpus": gpus, "strategy": strategy, **asdict(memory), "total": memory.total}
        for gpus in args.gpus
        for strategy in (STRATEGIES if gpus > 1 else STRATEGIES[:1])
        for memory in [memory_of(_shared(model, strategy, gpus, args), strategy, gpus)]
    ]
    reporter = Reporter(as_json=args.json)
    reporter.say(about)
    reporter.finish({"model": asdict(model), "plan": rows}, _table(rows, args.memory))
    return 0


def _given(args: argparse.Namespace) -> tuple[Model, str]:
    if args.settings:
        raise ConfigError(f"{args.settings[0]} is for the project's model: leave out --layers.")
    for name in ("layers", "width", "sequence_length", "batch"):
        if (getattr(args, name) or 0) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be given, and at least 1.")
    model = transformer(
        **{name: int(getattr(args, name)) for name in _SIZES},
        precision=args.precision,
        optimizer=args.optimizer,
        checkpoint_activations=args.checkpoint_activations,
    )
    again = ", activations computed twice" if args.checkpoint_activations else ""
    return model, (
        f"{_billions(model)} parameters, {args.layers} blocks of width {args.width}, "
        f"{args.batch} x {args.sequence_length} tokens on each GPU, "
        f"{args.precision}, {args.optimizer}{again}"
    )


def _own(args: argparse.Namespace) -> tuple[Model, str]:
    from ...config import DEFAULT_CONFIG, Config
    from ..training.footprint import measure

    if args.width or args.parameters or args.sequence_length or args.vocabulary:
        raise ConfigError("--layers is missing; without sizes, the project's model is measured.")
    config = Config.load([DEFAULT_CONFIG, *args.config], args.settings)
    model = measure(config)
    return model, f"The project's model, measured in one step: {_billions(model)} parameters"


def _shared(model: Model, strategy: str, gpus: int, args: argparse.Namespace) -> Model:
    """Return the model with a GPU's part of the batch, which the settings give for all of them."""
    if args.layers or strategy == "single":
        return model
    return replace(model, activations=-(-model.activations // gpus))


def _billions(model: Model) -> str:
    count = model.weights // PRECISIONS["fp32"]
    return f"{count / 10**9:.2f} billion" if count >= 10**8 else f"{count:,}"


def _table(rows: list[dict[str, int | str]], memory: float | None) -> Table:
    from rich.table import Table

    names = [name for name in rows[0] if name not in ("gpus", "strategy")]
    most = max(int(row["total"]) for row in rows)
    unit, size = next(each for each in _UNITS if most >= 5 * each[1] or each is _UNITS[-1])
    headers = ["GPUs", "strategy", *names]
    table = Table(*headers, title=f"{unit} on each GPU", title_justify="left")
    if memory:
        table.add_column(f"fits in {memory:g} GB")
    for column in table.columns[2 : 2 + len(names)]:
        column.justify = "right"
    for row in rows:
        cells = [_shown(int(row[name]) / size) for name in names]
        fits = ["yes" if int(row["total"]) <= memory * 10**9 else "no"] if memory else []
        table.add_row(str(row["gpus"]), str(row["strategy"]), *cells, *fits)
    return table


def _shown(value: float) -> str:
    return f"{value:.1f}" if value >= 1 or not value else f"{value:.2f}"
