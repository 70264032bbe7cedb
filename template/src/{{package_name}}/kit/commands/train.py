# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`train`: train a model and record the run, or several of them."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..answers import optional
from ..errors import RunError

if TYPE_CHECKING:
    from ..reporting import Reporter

HELP = "train a model, or continue an interrupted run"
TAKES_SETTINGS = True

_DISTRIBUTED = "training.distributed"
_KIT = Path(__file__).parents[1]
_FOLDER = _KIT.joinpath(*_DISTRIBUTED.split("."))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration and the run; settings themselves are read by the configuration."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        help="YAML file with the lines that differ from configs/train.yaml; repeatable",
    )
    parser.add_argument("--name", help="name that ends the run's id")
    parser.add_argument("--resume", metavar="RUN", help="continue this run, with its own settings")
    if _FOLDER.is_dir():  # importing it takes long
        parser.add_argument("--processes", type=int, help="how many on this machine, by torchrun")
    if (_KIT / "by_ray.py").is_file():
        parser.add_argument("--by", choices=["ray"], help="what starts --processes (torchrun)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.epilog = "Any setting of the YAML file can follow, as --section.key VALUE."


def run(args: argparse.Namespace) -> int:
    """Train and print the result."""
    processes = getattr(args, "processes", None)
    if processes is not None:
        launch = optional(f"{_DISTRIBUTED}.launch")
        if launch.must_launch(processes):
            starter = optional("by_ray") if getattr(args, "by", None) else launch
            return starter.launch(processes)  # type: ignore[no-any-return]
    elif getattr(args, "by", None):
        raise RunError("--by goes with --processes and a number.")
    from ..reporting import Reporter

    reporter = Reporter(as_json=args.json)
    distributed = optional(_DISTRIBUTED)
    with distributed.working(processes, reporter) if distributed else nullcontext():
        results = _train(args, reporter)
        if distributed is None or distributed.rank() == 0:
            _finish(reporter, results)
    return 0


def _train(args: argparse.Namespace, reporter: Reporter) -> list[dict[str, Any]]:
    from ...config import DEFAULT_CONFIG, Config
    from ...train import resume_run, start_run
    from ..out_of_memory import advised
    from ..tracking import find_run

    if args.resume is not None:
        if args.config or args.name or args.settings:
            raise RunError("--resume keeps the run's own settings and name: give nothing else.")
        with advised():
            return [resume_run(find_run(args.resume), reporter)]
    results = []
    for config in Config.load_all([DEFAULT_CONFIG, *args.config], args.settings):
        with advised():
            results.append(start_run(config, args.name, reporter))
    return results


def _finish(reporter: Reporter, results: list[dict[str, Any]]) -> None:
    """Print the result of a run, or of several."""
    if len(results) == 1:
        reporter.finish(results[0], _summary(results[0]))
    else:
        lines = [f"{facts['run_id']}: {_summary(facts)}" for facts in results]
        reporter.finish(results, "\n".join(lines))


def _summary(facts: dict[str, Any]) -> str:
    return f"{_result(facts)} after {facts['seconds']:.1f} s"


def _result(facts: dict[str, Any]) -> str:
    best = facts.get("best")
    name, value = list((best["metrics"] if best else facts["final_metrics"]).items())[-1]
    shown = name.replace("_", " ").capitalize().replace("Held out", "Held-out")
    return f"{shown} {value:.4f}" + (f" in epoch {best['epoch']}, the best," if best else "")
