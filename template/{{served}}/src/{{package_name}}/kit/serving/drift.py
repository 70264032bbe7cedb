# Owned by the template: every update rewrites this file. How many examples: SERVING_DRIFT_WINDOW.
"""How far what is asked and answered now is from what the model was trained with.

An exported model has `reference.json`: for a few numbers of each example, how often they fell into
each of some bins in training. The server counts the same of recent examples, and shows how far both
are apart as the Jensen-Shannon distance with logarithms of base 2: 0 is the same, 1 is nothing in
common (J. Lin, Divergence measures based on the Shannon entropy, 1991; that its root is a distance:
D. Endres and J. Schindelin, A new metric for probability distributions, 2003). Nothing but counts
is kept.

From the code that you own it calls `task.decide(outputs)`.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ... import task
from ..errors import ArtefactError, reason_of
from ..inference import Arrays, Metadata, TensorSpec, load, predict_in_batches
from .logs import log

if TYPE_CHECKING:
    from .metrics import Metrics
    from .models import Model

REFERENCE_FILE = "reference.json"
_MOST_EXAMPLES = 10_000
_MOST_COLUMNS = 32
_MOST_CLASSES = 100
_BINS = 10
_BLOCKS = 10
_DECISION = "decision"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """How often a number of an example fell into each bin in training.

    Attributes:
        side: `input` or `output`.
        name: Of the array, or `decision` for what `task.decide` returns.
        statistic: `mean` or `deviation` of the array, `nonzero` (how many numbers of it are not 0,
            which is the length of a padded text), `column 3`, or `class`.
        edges: Where one bin ends and the next begins, ascending.
        counts: Of the bins; the first is below all edges, the last above them.
    """

    side: str
    name: str
    statistic: str
    edges: Sequence[float]
    counts: Sequence[int]

    def __post_init__(self) -> None:
        """Check that counts and edges belong together."""
        if len(self.counts) != len(self.edges) + 1 or sum(self.counts) <= 0:
            raise ValueError("counts and edges do not belong together")

    def count(self, inputs: Arrays, outputs: Arrays) -> NDArray[np.int64]:
        """Return how many of these examples are in each bin."""
        if self.name == _DECISION:
            found = np.asarray(task.decide(outputs), np.float64)
        else:
            arrays = inputs if self.side == "input" else outputs
            found = _values(arrays[self.name], self.statistic)
        return _count(found, self.edges)


def write_reference(folder: Path, inputs: Arrays) -> None:
    """Write what the exported model of a folder is given and gives for inputs of its training.

    Of many inputs, 10,000 are taken at equal intervals.
    """
    total = len(next(iter(inputs.values())))
    rows = np.linspace(0, total - 1, min(total, _MOST_EXAMPLES)).round().astype(np.int64)
    chosen = {name: array[rows] for name, array in inputs.items()}
    with load(folder) as predictor:
        outputs = predict_in_batches(predictor, chosen)
        metadata = predictor.metadata
    found = references_of(metadata, chosen, outputs)
    content = json.dumps({"references": [asdict(each) for each in found]}) + "\n"
    (folder / REFERENCE_FILE).write_text(content, encoding="utf-8")


def references_of(metadata: Metadata, inputs: Arrays, outputs: Arrays) -> list[Reference]:
    """Return what describes these inputs of a model and its outputs for them."""
    return [
        *_of_tensors("input", metadata.inputs, inputs),
        *_of_outputs(metadata.outputs, outputs),
    ]


def read_reference(folder: Path) -> tuple[Reference, ...]:
    """Return what the model of a folder was trained with; nothing for exports of before.

    Raises:
        ArtefactError: It cannot be read.
    """
    path = folder / REFERENCE_FILE
    if not path.is_file():
        return ()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Reference(**each) for each in values["references"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtefactError(f"{path} cannot be read: {reason_of(error)}") from error


def distance(one: Any, other: Any) -> float:
    """Return the Jensen-Shannon distance of two lists of counts, from 0 to 1."""
    shares = [np.asarray(each, np.float64) / np.sum(each) for each in (one, other)]
    middle = (shares[0] + shares[1]) / 2
    divergence = sum(
        float(np.sum(each[each > 0] * np.log2(each[each > 0] / middle[each > 0])))
        for each in shares
    )
    return float(np.sqrt(min(1.0, max(0.0, divergence / 2))))


class Watch:
    """Counts what a model is asked, and shows the distances. One thread at a time may use it."""

    def __init__(self, metrics: Metrics, window: int) -> None:
        """Begin with no model.

        Args:
            metrics: Where the distances are shown.
            window: How many examples are recent: they are counted in ten blocks.
        """
        self._metrics = metrics
        self._block = max(1, window // _BLOCKS)
        self._model: Model | None = None
        self._newest: list[NDArray[np.int64]] = []
        self._clear()

    def follow(self, model: Model | None) -> None:
        """Count for this model from now on, and show nothing of the one before."""
        if self._model is not None:
            self._show(self._model, 0, [0.0] * len(self._model.references))
        self._model = model
        self._clear()
        if model is not None and not model.references:
            reason = f"the model has no {REFERENCE_FILE}: export it again"
            log("drift is not shown", {"version": model.version, "reason": reason})

    def add(self, model: Any, inputs: Arrays, outputs: Arrays) -> None:
        """Count examples that a model has answered; whatever goes wrong harms no answer."""
        followed = self._model
        if followed is None or model is not followed or not followed.references:
            return
        try:
            counts = [each.count(inputs, outputs) for each in followed.references]
        except Exception as error:  # from the code of the task
            facts = {"version": followed.version, "error": type(error).__name__}
            log("drift is not shown", facts, logging.ERROR)
            self.follow(None)
            return
        self._newest = [had + more for had, more in zip(self._newest, counts, strict=True)]
        self._examples += len(next(iter(inputs.values())))
        if self._examples >= self._block:
            self._close_block(followed)

    def _clear(self) -> None:
        self._blocks: deque[tuple[int, list[NDArray[np.int64]]]] = deque(maxlen=_BLOCKS)
        self._begin_block()

    def _begin_block(self) -> None:
        self._examples = 0
        references = self._model.references if self._model is not None else ()
        self._newest = [np.zeros(len(each.counts), np.int64) for each in references]

    def _close_block(self, model: Model) -> None:
        self._blocks.append((self._examples, self._newest))
        self._begin_block()
        recent = [sum(counts) for counts in zip(*(each for _, each in self._blocks), strict=True)]
        distances = [
            distance(each.counts, counts)
            for each, counts in zip(model.references, recent, strict=True)
        ]
        self._show(model, sum(examples for examples, _ in self._blocks), distances)

    def _show(self, model: Model, examples: int, distances: Sequence[float]) -> None:
        self._metrics.drift_examples.labels(model.version).set(examples)
        for each, value in zip(model.references, distances, strict=True):
            labels = (model.version, each.side, each.name, each.statistic)
            self._metrics.drift.labels(*labels).set(value)


def _of_outputs(specs: Sequence[TensorSpec], outputs: Arrays) -> list[Reference]:
    """Describe the classes that are decided for, or else the numbers themselves."""
    decided: Any = task.decide(outputs)
    if isinstance(decided, np.ndarray) and decided.ndim == 1 and decided.dtype.kind in "iub":
        classes = np.unique(decided).astype(np.float64)
        if len(classes) <= _MOST_CLASSES:
            edges = np.unique([classes - 0.5, classes + 0.5])
            return [_reference("output", _DECISION, "class", decided.astype(np.float64), edges)]
    return _of_tensors("output", specs, outputs)


def _of_tensors(side: str, specs: Sequence[TensorSpec], arrays: Arrays) -> list[Reference]:
    found = []
    for spec in specs:
        for statistic in _statistics(spec):
            values = _values(arrays[spec.name], statistic)
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            quantiles = np.quantile(values, np.linspace(0, 1, _BINS + 1))
            # What is larger or smaller than all in training has bins of its own.
            edges = np.unique([*quantiles[:-1], np.nextafter(quantiles[-1], np.inf)])
            found.append(_reference(side, spec.name, statistic, values, edges))
    return found


def _statistics(spec: TensorSpec) -> list[str]:
    """Return what is counted of an array: a table's columns, or a few numbers of all of it."""
    sizes = spec.shape or (1,)
    if len(sizes) == 1 and isinstance(sizes[0], int) and sizes[0] <= _MOST_COLUMNS:
        return [f"column {at}" for at in range(sizes[0])]
    return ["mean", "deviation"] if np.dtype(spec.dtype).kind == "f" else ["nonzero"]


def _values(array: NDArray[Any], statistic: str) -> Floats:
    rows = array.reshape(len(array), -1).astype(np.float64)
    if statistic.startswith("column "):
        column: Floats = rows[:, int(statistic.removeprefix("column "))]
        return column
    of_rows: Mapping[str, Any] = {"mean": np.mean, "deviation": np.std, "nonzero": np.count_nonzero}
    values: Floats = np.asarray(of_rows[statistic](rows, axis=1), np.float64)
    return values


def _reference(
    side: str, name: str, statistic: str, values: Floats, edges: NDArray[Any]
) -> Reference:
    counts = _count(values, edges.tolist())
    return Reference(side, name, statistic, edges.tolist(), counts.tolist())


def _count(values: Floats, edges: Sequence[float]) -> NDArray[np.int64]:
    bins = np.searchsorted(edges, values, side="right")
    return np.bincount(bins, minlength=len(edges) + 1).astype(np.int64)
