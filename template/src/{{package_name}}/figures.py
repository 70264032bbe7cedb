# mypy: disable-error-code="import-untyped"
"""Figures for notebooks and papers, drawn without a display. `kit/frames.py` has the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import seaborn
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix as count_pairs

NOT_METRICS = ("run", "epoch", "step")


def learning_curves(epochs: pd.DataFrame) -> Figure:
    """Draw every metric over the epochs: a panel for loss, one for accuracy, and so on.

    Args:
        epochs: From `frames.metrics_frame(runs, "epoch")`; the metric `val_loss` is drawn as the
            part `val` in the panel `loss`.
    """
    names = [name for name in epochs.columns if name not in NOT_METRICS]
    long = epochs.melt(["run", "epoch"], names, "metric", "value")
    parts = long["metric"].str.rpartition("_")  # a plain `loss` has an empty part
    long["part"], long["measure"] = parts[0], parts[2]
    measures = list(dict.fromkeys(long["measure"]))
    figure = Figure(figsize=(6 * len(measures), 4.5), layout="constrained")
    panels = figure.subplots(1, len(measures), squeeze=False)[0]
    for panel, measure in zip(panels, measures, strict=True):
        shown = long[long["measure"] == measure]
        seaborn.lineplot(
            shown, x="epoch", y="value", hue="run", style="part", markers=True, ax=panel
        )
        panel.set_ylabel(measure)
    return figure


def confusion_matrix(labels: NDArray[Any], predicted: NDArray[Any], names: Sequence[str]) -> Figure:
    """Draw how often which class was taken for which.

    Args:
        labels: The right classes, as numbers (N,).
        predicted: The predicted ones.
        names: The names of all classes.
    """
    counts = count_pairs(labels, predicted, labels=range(len(names)))
    figure = Figure(figsize=(6, 5.5), layout="constrained")
    panel = figure.subplots()
    seaborn.heatmap(
        pd.DataFrame(counts, names, names), annot=True, fmt="d", cmap="Blues", cbar=False, ax=panel
    )
    panel.set(xlabel="predicted", ylabel="right")
    return figure
