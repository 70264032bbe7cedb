# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`tune`: searches the best settings of a training; every trial is a recorded run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..answers import optional

if TYPE_CHECKING:
    from rich.table import Table

    from ...config import Config
    from ..tuning import Search, TrialResult

HELP = "search the best settings of a training, or continue a search"
TAKES_SETTINGS = True
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the search; settings of the training itself are read by the configuration."""
    parser.add_argument("--space", type=Path, help="YAML file (default: configs/tune.yaml)")
    parser.add_argument("--trials", type=int, help="how many trainings, instead of the file's")
    parser.add_argument("--resume", metavar="STUDY", help="continue this search, as it was begun")
    parser.add_argument(
        "--trial", type=int, metavar="NUMBER", help="train this one alone, beside others (--resume)"
    )
    if (Path(__file__).parents[1] / "by_ray.py").is_file():
        parser.add_argument("--by", choices=["ray"], help="train trials side by side, by Ray Tune")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.epilog = "Any setting of configs/train.yaml can follow, as --section.key VALUE."


def run(args: argparse.Namespace) -> int:
    """Search and print the best trials."""
    from ..errors import RunError
    from ..reporting import Reporter

    if args.trials is not None and args.trials < 1:
        raise RunError("--trials must be at least 1.")
    if args.resume and (args.space or args.settings):
        raise RunError("--resume keeps the search's own settings: give --trials and nothing else.")
    if args.trial is not None and (args.trial < 1 or not args.resume):
        raise RunError("--trial needs --resume STUDY, and a number from 1 on.")
    search = _open(args)
    if args.trial is not None:
        return _one(search, args)
    trials = args.trials or search.settings.trials
    reporter = Reporter(as_json=args.json)
    reporter.say(f"Study {search.id}")
    with reporter.training(trials, len(search.results)) as progress:

        def report(result: TrialResult) -> None:
            progress.step()
            progress.epoch(_line(result))

        if getattr(args, "by", None):
            optional("by_ray").tune(search.id, trials)
        else:
            search.run(trials, _train, report)
    best = [result.to_json() for result in search.best]
    everything = [result.to_json() for result in search.results]
    found = {"study": search.id, "best": best[0] if best else None, "trials": everything}
    reporter.finish(found, _table(search))
    if best:
        path = Path("experiments", best[0]["run_id"], "config.yaml")
        reporter.say(f"Train with the best settings: train --config {path.as_posix()}")
    return 0


def _one(search: Search, args: argparse.Namespace) -> int:
    from ..reporting import Reporter

    result = search.run_alone(args.trial, _train)
    summary = _line(result) if result else f"Trial {args.trial} is done already."
    Reporter(as_json=args.json).finish(result and result.to_json(), summary)
    return 0


def _open(args: argparse.Namespace) -> Search:
    from ...config import DEFAULT_CONFIG, Config
    from ..tuning import Search, TuneConfig
    from ..tuning.space import DEFAULT_SPACE

    if args.resume:
        return Search.reopen(args.resume)
    settings = TuneConfig.from_file(args.space or DEFAULT_SPACE)
    return Search.create(settings, Config.load(DEFAULT_CONFIG, args.settings))


def _train(config: Config, name: str) -> dict[str, Any]:
    from ...train import start_run
    from ..out_of_memory import advised
    from ..tuning import SilentReporter

    with advised():
        return start_run(config, name, SilentReporter())


def _line(result: TrialResult) -> str:
    value = "failed" if result.value is None else f"{result.value:.4f}"
    tried = "  ".join(f"{name} {_shown(value)}" for name, value in result.settings.items())
    return f"trial {result.number:3d}  {value}  {tried}"


def _table(search: Search) -> Table:
    from rich.table import Table

    names = list(search.settings.space)
    table = Table("trial", search.settings.metric, *names, "run")
    for result in search.best[:SHOWN]:
        tried = [_shown(result.settings[name]) for name in names]
        table.add_row(str(result.number), f"{result.value:.4f}", *tried, str(result.run_id))
    return table


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
