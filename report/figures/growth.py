"""Seconds of a softmax row against d_k and against the number of keys, sampled directly and by radius."""

from functools import partial

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from report.figures import marks, style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import listing, number, plain, power_of_ten

SAMPLERS = {
    "direct": marks.Mark(style.INK, "o", style.INK, "-"),
    "radial": marks.Mark(style.INK, "D", style.BACKGROUND, "--"),
}
OTHER = {"d_k": "n_keys", "n_keys": "d_k"}
TITLES = {"d_k": "dimension of queries and keys, $d_k$", "n_keys": "number of keys, $n$"}
SYMBOLS = {"d_k": "$d_k$", "n_keys": "$n$"}
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def _points(frame: pd.DataFrame, against: str, sampler: str) -> pd.DataFrame:
    return select(frame, against=against, sampler=sampler).sort_values(against)


def _in_words(seconds: float) -> str:
    """In the unit that suits it: 3.2 µs."""
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{number(seconds / size, 2)}\u00a0{unit}"


def _size(value: float) -> str:
    """A size whose digits still help, and others by their power of ten."""
    return power_of_ten(value, 100_000)


def _tick(seconds: float) -> str:
    size, unit = next((pair for pair in UNITS if seconds >= 0.99 * pair[0]), UNITS[-1])
    return f"{power_of_ten(seconds / size)} {unit}" if seconds >= 0.99 * size else power_of_ten(seconds / size)


def _seconds_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis with ticks at powers of ten, in words that need no exponents."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    axes.set_yscale("log")
    step = 1 + (last - first) // 8
    axes.yaxis.set_major_locator(FixedLocator([10.0**power for power in range(first, last + 1, step)]))
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.set_ylim(10.0 ** (first - 0.1), 10.0 ** (last + 0.1))


def draw(frame: pd.DataFrame, against: str) -> Figure:
    """A line through medians, with quartiles, for each sampler."""
    rows = frame[frame["against"] == against]
    figure = style.new_figure(0.85)
    axes = figure.subplots()
    labels = []
    for sampler, mark in SAMPLERS.items():
        points = _points(frame, against, sampler)
        marks.intervals(axes, points[against], points["low"], points["high"], mark.colour)
        axes.plot(
            points[against], points["estimate"], color=mark.colour, marker=mark.marker, markerfacecolor=mark.face,
            linestyle=mark.line, linewidth=0.65 * rcParams["lines.linewidth"],
        )  # fmt: skip
        size, seconds = points[[against, "estimate"]].iloc[-1]
        if size == rows[against].max():
            labels.append(style.EndLabel(seconds, sampler))
        else:  # a line that ends earlier
            axes.annotate(
                sampler, (size, seconds), xytext=(style.em(0.8), -style.em(0.9) if style.medium().is_fixed else 0),
                textcoords="offset points", va="center",
            )  # fmt: skip
    style.log2_axis(axes, "x", rows[against])
    _seconds_axis(axes, rows["low"].min(), rows["high"].max())
    style.end_labels(axes, labels)
    axes.set_xlabel(TITLES[against])
    style.heading(figure, f"time of a softmax row, at {_where(rows, against)}")
    return figure


def _where(rows: pd.DataFrame, against: str) -> str:
    """What does not change."""
    return f"{SYMBOLS[OTHER[against]]} = {int(rows[OTHER[against]].iloc[0])}"


def caption(frame: pd.DataFrame, against: str) -> str:
    """Both exponents with their intervals, and what the last size costs."""
    rows = frame[frame["against"] == against]
    parts, ends = [], []
    for sampler in SAMPLERS:
        points = _points(frame, against, sampler)
        last = points.iloc[-1]
        exponent, low, high = (plain(last[name], 2) for name in ("exponent", "exponent_low", "exponent_high"))
        ends_at = " to ".join(_size(last[name]) for name in ("first", "last"))
        parts.append(f"{sampler}: {exponent} ({low} to {high}), from {ends_at}")
        ends.append(f"{_in_words(last['estimate'])} {sampler} at {_size(last[against])}")
    other = _where(rows, against).replace("$", "")
    return (
        f"Sampling and all observables under both rules, at ${other}$; medians over rounds, with quartiles. "
        f"Exponent of {SYMBOLS[against]}, with its 95 % interval, over the upper sizes: {'; '.join(parts)}. "
        f"The last points: {listing(ends)}."
    )


def alt(frame: pd.DataFrame, against: str) -> str:
    """Every point."""
    parts = []
    for sampler in SAMPLERS:
        points = _points(frame, against, sampler)
        values = (
            f"{_in_words(seconds)} at {size}" for seconds, size in zip(points["estimate"], points[against], strict=True)
        )
        parts.append(f"{sampler}: {listing(values)}")
    return f"Time of a softmax row against {against.replace('n_keys', 'the number of keys')}. {'; '.join(parts)}."


FIGURES = tuple(
    FigureSpec(
        name, "bench", title, style.styled(partial(draw, against=against)), partial(caption, against=against),
        partial(alt, against=against),
    )
    for name, title, against in (
        ("cost-against-d", "What a row costs, against $d_k$", "d_k"),
        ("cost-against-keys", "What a row costs, against the number of keys", "n_keys"),
    )
)  # fmt: skip
