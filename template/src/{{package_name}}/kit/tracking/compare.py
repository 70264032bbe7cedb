# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Compare runs side by side: only what differs in their settings, facts and metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ..errors import RunError
from .store import CONFIG_FILE, Run, find_run, list_runs

if TYPE_CHECKING:
    from rich.table import Table

# What differs between any two runs, or stands among the settings or metrics too.
_LEFT_OUT = {
    "run_id", "name", "started", "finished", "command", "process", "resumed", "checkpoint", "error",
    "advice", "seed", "threads", "epochs", "final_metrics", "best", "trackers",
}  # fmt: skip
_MEASURED = ("seconds", "samples_per_second", "peak_memory_bytes", "peak_accelerator_bytes")
_LOWER = {"loss", "perplexity", "error", "mae", "mse", "rmse", "seconds", "bytes"}
_HIGHER = {
    "accuracy", "precision", "recall", "f1", "auc", "r2", "score", "iou", "bleu", "rouge",
    "samples",
}  # fmt: skip
_OLD_PREFIX, _PREFIX = "held_out_", "val_"
_DIGEST = 40  # hex digits of a commit; a SHA-256 has more
_SHOWN_DIGITS = 8


@dataclass(frozen=True)
class Row:
    """Something that differs.

    Attributes:
        name: A setting, a fact or a metric.
        values: One of each run; None where a run has none.
        best: The places of the best values, where it is known which are better.
    """

    name: str
    values: list[Any]
    best: list[int]


@dataclass(frozen=True)
class Comparison:
    """What differs between runs.

    Attributes:
        runs: Their ids.
        settings: Of the configuration, such as `training.batch_size`.
        facts: How a run ended, its code, environment and data.
        metrics: What it reached last, and what it took.
    """

    runs: list[str]
    settings: list[Row]
    facts: list[Row]
    metrics: list[Row]

    def to_json(self) -> dict[str, Any]:
        """Return all values, ready for JSON."""
        return {
            "runs": self.runs,
            "settings": {row.name: row.values for row in self.settings},
            "facts": {row.name: row.values for row in self.facts},
            "metrics": {
                row.name: {"values": row.values, "best": [self.runs[at] for at in row.best]}
                for row in self.metrics
            },
        }

    def to_table(self) -> Table:
        """Return the table for people, in which `*` marks the best values."""
        from rich.table import Table
        from rich.text import Text

        table = Table("", *self.runs, caption="* the best", caption_justify="left")
        for title, rows in (
            ("settings", self.settings), ("facts", self.facts), ("metrics", self.metrics),
        ):  # fmt: skip
            table.add_section()
            table.add_row(Text(title if rows else f"the same {title}", style="bold"))
            for row in rows:
                cells = [shown(row.name, value) for value in row.values]
                marked = [cell + " *" * (at in row.best) for at, cell in enumerate(cells)]
                table.add_row(row.name, *marked)
        return table


def choose_runs(texts: Sequence[str]) -> list[Run]:
    """Return the named runs; with fewer than two of them the newest finished ones as well.

    Runs that nobody named come in the order of their start.

    Raises:
        RunError: a run is not found, or there are not two.
    """
    chosen = {run.id: run for run in map(find_run, texts)}
    for run in list_runs():
        if len(chosen) < 2 and run.status == "finished":
            chosen.setdefault(run.id, run)
    if len(chosen) < 2:
        raise RunError("Two runs are needed to compare: run the `train` command, or name two.")
    return list(chosen.values()) if texts else [chosen[each] for each in sorted(chosen)]


def compare(runs: Sequence[Run]) -> Comparison:
    """Return what differs between runs, also between those of different releases.

    Raises:
        RunError: the configuration of a run cannot be read.
    """
    settings = [settings_of(run) for run in runs]
    facts = [dict(leaves(_facts(run))) for run in runs]
    metrics = [_metrics(run) for run in runs]
    if any(name.startswith(_PREFIX) for each in metrics for name in each):
        metrics = [_renamed(each) for each in metrics]
    return Comparison(
        [run.id for run in runs],
        list(_differences(settings)),
        list(_differences(facts)),
        list(_differences(metrics)),
    )


def settings_of(run: Run) -> dict[str, Any]:
    """Return all settings of a run, by names such as `training.batch_size`.

    Raises:
        RunError: the configuration of the run cannot be read.
    """
    path = run.folder / CONFIG_FILE
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged: remove or restore that run.") from error
    return dict(leaves(values)) if isinstance(values, dict) else {}


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings, by names such as `best.epoch`."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def shown(name: str, value: Any) -> str:
    """Return a value for people: digests are cut, numbers rounded."""
    if value is None:
        return "-"
    if name.endswith("_bytes"):
        return f"{value / 1e6:.0f} MB"
    if isinstance(value, float):
        return f"{value:.5g}"
    is_digest = isinstance(value, str) and len(value) >= _DIGEST and _is_hexadecimal(value)
    return value[:_SHOWN_DIGITS] if is_digest else str(value)


def _differences(columns: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the rows whose values are not all the same, in the order of the first columns."""
    for name in dict.fromkeys(name for column in columns for name in column):
        values = [column.get(name) for column in columns]
        if len({json.dumps(value, sort_keys=True) for value in values}) > 1:
            yield Row(name, values, _best(name, values))


def _best(name: str, values: Sequence[Any]) -> list[int]:
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < 2:
        return []
    if words & _HIGHER:
        return _places(values, max(numbers))
    return _places(values, min(numbers)) if words & _LOWER else []


def _places(values: Iterable[Any], wanted: float) -> list[int]:
    return [at for at, value in enumerate(values) if value == wanted]


def _facts(run: Run) -> dict[str, Any]:
    left_out = _LEFT_OUT | set(_MEASURED)
    facts = {name: value for name, value in run.facts.items() if name not in left_out}
    best_epoch = (run.facts.get("best") or {}).get("epoch")
    return facts if best_epoch is None else {**facts, "best_epoch": best_epoch}


def _metrics(run: Run) -> dict[str, Any]:
    """Return the metrics of the last epoch and of the best one, and what the run took."""
    measured = {name: run.facts.get(name) for name in _MEASURED}
    best = (run.facts.get("best") or {}).get("metrics") or {}
    of_best = {f"best {name}": value for name, value in best.items()}
    return {**(run.facts.get("final_metrics") or {}), **of_best, **measured}


def _renamed(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return metrics of earlier releases by the names of today."""
    return {re.sub(f"^{_OLD_PREFIX}", _PREFIX, name): value for name, value in metrics.items()}


def _is_hexadecimal(text: str) -> bool:
    return not set(text) - set("0123456789abcdef")
