# Owned by the template: every update rewrites this file. What a page says: commands/report.py.
"""Write HTML pages that need nothing else: no network, no script, no other file.

All parts of a page are `Html`. Any other text becomes HTML in one place, `as_html`, which escapes
it; so names of classes, texts of a data set and paths can say what they want.
"""

from __future__ import annotations

import base64
import html
import importlib
import math
import re
import struct
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ProjectError
from .files import write_text
from .reporting import Reporter
from .reproducibility import make_reproducible
from .tracking import Run, run_before
from .tracking.compare import compare, leaves, settings_of, shown

Arrays = Mapping[str, NDArray[Any]]

PAGE = "report.html"
_PART = re.compile(r"(?P<part>train|val|test|held_out)_(?P<measure>.+)")
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by everybody
_PLACES = {"train": 0, "val": 1, "held_out": 1, "test": 2}  # a part has one color in all charts
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 460, 280, 64, 450, 36, 240
_MOST_CLASSES = 40  # in a matrix that people can read
_MOST_PIXELS = 256  # at each side of a picture
_FEW_PIXELS = 64  # so few are shown as squares
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
svg { max-width: 100%; height: auto; font-size: 12px; }
table { border-collapse: collapse; }
tbody th { font-weight: normal; }
th, td { padding: .15rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
tr { border-bottom: 1px solid rgb(128 128 128 / .3); }
.matrix td, .matrix th { text-align: center; min-width: 1.2rem; }
.none { opacity: .35; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: .85rem; white-space: pre-line; }
img { min-width: 6rem; max-width: 16rem; }
img.squares { width: 6rem; image-rendering: pixelated; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
<h1>{title}</h1>
{body}
</html>
"""


class Html(str):
    """A text that is HTML already."""


def as_html(value: object) -> Html:
    """Return HTML as it is, and anything else as escaped text."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def page(title: str, sections: Mapping[str, str]) -> str:
    """Return a whole page: a heading for each section, and below it HTML or plain text."""
    parts = [f"<h2>{as_html(name)}</h2>\n{_block(body)}" for name, body in sections.items()]
    return _PAGE.format(title=as_html(title), style=_STYLE, body="\n".join(parts))


def write(
    run: Run, sections: Mapping[str, str], path: Path | None = None, *, as_json: bool = False
) -> None:
    """Write a page about a run, and tell where it is.

    Args:
        run: The run.
        sections: What is below each heading, HTML or plain text.
        path: The file; by default in the run's folder.
        as_json: Whether to tell it in JSON.
    """
    path = path or run.folder / PAGE
    write_text(path, page(f"Run {run.id}", sections))
    result = {"run_id": run.id, "page": path.as_posix(), "sections": list(sections)}
    Reporter(as_json=as_json).finish(result, f"Open {path.as_posix()} in a browser.")


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Html:
    """Return a table; the first cell of each row is its name."""
    lines = [f"<tr><th>{as_html(name)}</th>{_cells('td', rest)}</tr>" for name, *rest in rows]
    return _table(header, lines)


def matrix(counts: NDArray[Any], names: Sequence[str], rows: str, columns: str) -> Html:
    """Return a matrix of counts, shaded by its rows; of many names the largest confusions alone.

    Args:
        counts: How often which row met which column (N, N).
        names: Those of the rows, which are those of the columns.
        rows: What a row stands for, such as `label`.
        columns: What a column stands for, such as `predicted`.
    """
    if len(names) > _MOST_CLASSES:
        return _largest(counts, names, rows, columns)
    lines = []
    for name, row in zip(names, counts, strict=True):
        shares = row / max(row.sum(), 1)
        cells = [
            f'<td style="background: rgb(0 114 178 / {share:.2f})">{int(count)}</td>'
            if count
            else '<td class="none">0</td>'
            for count, share in zip(row, 0.1 + shares * 0.7, strict=True)
        ]
        lines.append(f"<tr><th>{as_html(name)}</th>{''.join(cells)}</tr>")
    return _table([f"{rows} \\ {columns}", *names], lines, "matrix")


def chart(
    title: str, series: Mapping[str, Sequence[tuple[int, float]]], mark: int | None = None
) -> Html:
    """Return lines over epochs, as a drawing.

    Args:
        title: What is drawn.
        series: The epochs and values of each line.
        mark: An epoch that is marked as the best.
    """
    points = [point for line in series.values() for point in line]
    epochs = _ticks(min(x for x, _ in points), max(x for x, _ in points), whole=True)
    values = _ticks(min(y for _, y in points), max(y for _, y in points))
    drawn = [_grid(epochs, values), _text(_LEFT, 16, title, weight="bold")]
    if mark is not None:
        x = _scaled(mark, epochs, _LEFT, _RIGHT)
        drawn.append(f'<path d="M{x:.1f} {_TOP}V{_BOTTOM}" stroke="gray" stroke-dasharray="4"/>')
        drawn.append(_text(x, _TOP - 6, "best", anchor="end" if x > _WIDTH / 2 else "start"))
    for place, (name, line) in enumerate(series.items()):
        color = _COLORS[_PLACES.get(name, place) % len(_COLORS)]
        drawn.append(_line(name, line, color, epochs, values))
        drawn.append(_text(_LEFT + 110 * place, _HEIGHT - 6, f"● {name}", color=color))
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return Html(f'<svg class="chart" role="img" {box}>{"".join(drawn)}</svg>')


def picture(pixels: NDArray[Any], about: str = "") -> Html:
    """Return an image, which the page holds itself; large ones lose rows and columns.

    Args:
        pixels: Gray (H, W) or RGB (H, W, 3), integers from 0 to 255 or numbers from 0 to 1.
        about: What it shows, for who cannot see it.
    """
    step = math.ceil(max(pixels.shape[:2]) / _MOST_PIXELS)
    pixels = pixels[::step, ::step]
    if pixels.dtype.kind == "f":
        pixels = np.clip(np.nan_to_num(pixels), 0, 1) * 255
    data = base64.b64encode(_png(np.round(pixels).astype(np.uint8))).decode("ascii")
    kind = ' class="squares"' if max(pixels.shape[:2]) <= _FEW_PIXELS else ""
    return Html(f'<img{kind} alt="{as_html(about)}" src="data:image/png;base64,{data}">')


def gallery(items: Iterable[tuple[str, str]]) -> Html:
    """Return examples beside each other: what is shown, HTML or plain text, and a caption."""
    figures = [
        f"<figure>{_block(body)}<figcaption>{as_html(caption)}</figcaption></figure>"
        for body, caption in items
    ]
    return Html(f'<div class="gallery">{"".join(figures)}</div>')


def shaded(parts: Iterable[str], weights: Iterable[float]) -> Html:
    """Return a text whose parts are the darker, the higher their weight is, from 0 to 1."""
    spans = [
        f'<span style="background: rgb(213 94 0 / {min(max(weight, 0), 1):.2f})">'
        f"{as_html(part)}</span>"
        for part, weight in zip(parts, weights, strict=True)
    ]
    return Html(f"<pre>{''.join(spans)}</pre>")


def result(run: Run) -> Html:
    """Return how a run ended and what it reached, in a sentence."""
    done, epochs, best = (run.facts.get(name) for name in ("epochs_done", "epochs", "best"))
    text = f"{run.status.capitalize()} after {done} of {epochs} epochs"
    metrics = best["metrics"] if best else run.facts.get("final_metrics")
    if metrics:
        text += f"; epoch {best['epoch']}, the best, has " if best else "; the last one has "
        text += ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
    return as_html(f"{text}.")


def curves(run: Run) -> Html:
    """Return a chart for each measure of a run's epochs, such as loss, with a line for each part.

    The metric `val_loss` is the part `val` of the measure `loss`.
    """
    charts: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in run.metrics("epoch"):
        for name, value in line.items():
            if name not in ("epoch", "step") and isinstance(value, int | float):
                found = _PART.fullmatch(name)
                measure, part = found.group("measure", "part") if found else (name, name)
                points = charts.setdefault(measure, {}).setdefault(part, [])
                points.append((line["epoch"], value))
    if not charts:
        return as_html("No epoch was finished.")
    best = (run.facts.get("best") or {}).get("epoch")
    return Html("".join(chart(measure, series, best) for measure, series in charts.items()))


def comparison(run: Run) -> Html:
    """Return what differs from the run before that finished; of metrics, the best is bold."""
    before = run_before(run)
    if before is None:
        return as_html("No run before this one finished.")
    found = compare([before, run])
    rows: list[list[object]] = []
    for row in (*found.settings, *found.facts, *found.metrics):
        cells = [as_html(shown(row.name, value)) for value in row.values]
        bold = [Html(f"<b>{cell}</b>") if at in row.best else cell for at, cell in enumerate(cells)]
        rows.append([row.name, *bold])
    return table(["", *found.runs], rows) if rows else as_html(f"The same as in {before.id}.")


def settings(run: Run) -> Html:
    """Return all settings of a run."""
    return _pairs(settings_of(run))


def facts(run: Run) -> Html:
    """Return all that `run.json` says of a run."""
    return _pairs(dict(leaves(run.facts)))


def sample(inputs: Arrays, at: int) -> str:
    """Return the inputs of a sample: images of (1, H, W) or (3, H, W), all others as text."""
    parts = []
    for name, array in inputs.items():
        values = array[at]
        if values.ndim == 3 and values.shape[0] in (1, 3):
            gray = values.shape[0] == 1
            parts.append(picture(values[0] if gray else values.transpose(1, 2, 0), name))
        else:
            parts.append(as_html(f"{name}: {_short(values)} "))
    return Html("".join(f"<div>{part}</div>" for part in parts))


def mistakes(run: Run, count: int, show: Callable[[Arrays, int], str] = sample) -> dict[str, str]:
    """Return sections about what the best epoch's model got wrong: confusions, worst examples.

    They are of the validation samples, as what is changed after a look at errors was chosen by
    them; the test samples choose nothing.

    Args:
        run: The run.
        count: How many examples.
        show: What a page shows of the inputs of a sample.
    """
    try:
        return _mistakes(run, max(count, 0), show)
    except ProjectError as error:  # such as a run without a checkpoint; the rest is still worth it
        return {"Worst examples": str(error)}


def _pairs(values: Mapping[str, Any]) -> Html:
    return table([], [(name, "-" if value is None else value) for name, value in values.items()])


def _mistakes(run: Run, count: int, show: Callable[[Arrays, int], str]) -> dict[str, str]:
    data, evaluate, task = (_own(name) for name in ("data", "evaluate", "task"))
    config, model = evaluate.load_run(run)
    splits = data.load_splits(config.data)  # in an older project there are two parts
    samples = splits.val if hasattr(splits, "val") else splits.held_out
    targets = samples.targets if hasattr(samples, "targets") else {"label": samples.labels}
    make_reproducible(config.seed, config.threads)
    outputs = evaluate.compute_outputs(model, samples)
    found = _confusions(task, outputs, targets)
    measure = getattr(evaluate, "measure", None)
    if measure is None:
        return {**found, "Worst examples": "Left out: evaluate.py has no measure(...)."}
    answers, examples = task.decode(outputs), []
    losses = [_loss(measure, outputs, targets, at) for at in range(len(samples))]
    for at in np.argsort([-loss for loss in losses], kind="stable")[:count]:
        truth = {f"target {name}": _short(array[at]) for name, array in targets.items()}
        answer = {name: _short(value) for name, value in answers[at].items()}
        said = "\n".join(f"{name}: {value}" for name, value in [*truth.items(), *answer.items()])
        examples.append((show(samples.inputs, at), f"{said}\nloss: {losses[at]:.3g}"))
    return {**found, "Worst examples": gallery(examples)}


def _own(name: str) -> Any:
    """Return a module of the project's own, which not every project has."""
    return importlib.import_module(f"{__name__.partition('.')[0]}.{name}")


def _loss(measure: Any, outputs: Arrays, targets: Arrays, at: int) -> float:
    """Return the loss of one sample alone."""
    one = [
        {name: array[at : at + 1] for name, array in each.items()} for each in (outputs, targets)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metrics that one sample is too few for
        return float(measure(*one)["loss"])


def _confusions(task: Any, outputs: Arrays, targets: Arrays) -> dict[str, str]:
    """Return the confusion matrix, if the task decides for one class of several."""
    names, decided = getattr(task, "CLASS_NAMES", ()), task.decide(outputs)
    labels = targets.get("label")
    if not names or labels is None or labels.dtype.kind not in "iu":
        return {}
    if np.shape(decided) != labels.shape:
        return {}
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, decided), 1)
    return {"Confusion matrix": matrix(counts, [*map(str, names)], "label", "predicted")}


def _short(value: Any) -> str:
    """Return a value in some sixty characters."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return textwrap.shorten(str(value), 60, placeholder=" ...")


def _block(body: str) -> str:
    return body if isinstance(body, Html) and body.startswith("<") else f"<p>{as_html(body)}</p>"


def _table(header: Sequence[object], lines: Iterable[str], kind: str = "") -> Html:
    head = f"<thead><tr>{_cells('th', header)}</tr></thead>" if header else ""
    return Html(f'<table class="{kind}">{head}<tbody>{"".join(lines)}</tbody></table>')


def _cells(tag: str, values: Iterable[object]) -> str:
    return "".join(f"<{tag}>{as_html(value)}</{tag}>" for value in values)


def _largest(counts: NDArray[Any], names: Sequence[str], rows: str, columns: str) -> Html:
    errors = np.array(counts)
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")[:_MOST_CLASSES]
    places = [divmod(int(at), len(names)) for at in order]
    found = [
        (names[row], names[column], int(errors[row, column]))
        for row, column in places
        if errors[row, column]
    ]
    return table([rows, columns, "times"], found)


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return round numbers, evenly spaced, from at most the lowest to at least the highest."""
    span = high - low or abs(high) or 1.0
    power = 10 ** math.floor(math.log10(span / 5))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= span / 5)
    step = max(round(step), 1) if whole else step
    first, last = math.floor(low / step), math.ceil(high / step)
    return [at * step for at in range(first, max(last, first + 1) + 1)]


def _scaled(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    return start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start)


def _grid(epochs: Sequence[float], values: Sequence[float]) -> str:
    lines = []
    for value in values:
        y = _scaled(value, values, _BOTTOM, _TOP)
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="gray" stroke-opacity=".3"/>')
        lines.append(_text(_LEFT - 6, y + 4, f"{value:.4g}", anchor="end"))
    for epoch in epochs:
        x = _scaled(epoch, epochs, _LEFT, _RIGHT)
        lines.append(_text(x, _BOTTOM + 16, f"{epoch:g}", anchor="middle"))
    return "".join(lines)


def _line(
    name: str,
    points: Sequence[tuple[int, float]],
    color: str,
    epochs: Sequence[float],
    values: Sequence[float],
) -> str:
    places = [
        (_scaled(x, epochs, _LEFT, _RIGHT), _scaled(y, values, _BOTTOM, _TOP)) for x, y in points
    ]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"><title>'
        f"{as_html(name)}, epoch {epoch}: {value:.5g}</title></circle>"
        for (x, y), (epoch, value) in zip(places, points, strict=True)
    ]
    line = f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="2"/>'
    return line + "".join(dots)


def _text(
    x: float,
    y: float,
    text: str,
    color: str = "currentColor",
    anchor: str = "start",
    weight: str = "normal",
) -> str:
    look = f'fill="{color}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{as_html(text)}</text>'


def _png(pixels: NDArray[np.uint8]) -> bytes:
    height, width = pixels.shape[:2]
    kind = 2 if pixels.shape[2:] == (3,) else 0  # RGB, or gray
    rows = pixels.reshape(height, -1)
    data = np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()  # 0: rows as they are
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(data), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(named: bytes) -> bytes:
    return struct.pack(">I", len(named) - 4) + named + struct.pack(">I", zlib.crc32(named))
