"""The variance of the dot product: its growth with d_k, and how far the measured one is from the law."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number, plain


def _rows(frame: pd.DataFrame, rule: str) -> pd.DataFrame:
    return select(frame, quantity="variance", rule=rule)


def _deviations(frame: pd.DataFrame, rule: str = "raw") -> pd.DataFrame:
    """Estimate and interval in percent of the law, less 100."""
    rows = _rows(frame, rule)
    return rows.assign(**{name: 100 * (rows[name] / rows["prediction"] - 1) for name in ("estimate", "low", "high")})


def _margin(frame: pd.DataFrame) -> float:
    """The deviation that would not matter, in percent of the law."""
    rows = _rows(frame, "raw")
    return 100 * float((rows["margin"] / rows["prediction"]).iloc[0])


@style.styled
def draw_against_d(frame: pd.DataFrame) -> Figure:
    """Both rules' variances and their laws, on logarithmic axes."""
    figure = style.new_figure()
    axes = figure.add_subplot()
    words = {"raw": "raw: $q\\cdot k$", "scaled": "scaled: $q\\cdot k\\,/\\sqrt{d_k}$"}
    labels = []
    for rule, text in words.items():
        rows = _rows(frame, rule)
        marks.exact(axes, rows["d_k"], rows["prediction"])
        marks.measured(axes, rows, rule)
        labels.append(style.EndLabel(rows["estimate"].iloc[-1], text, marks.RULES[rule].words))
    style.log2_axis(axes, "x", frame["d_k"])
    style.log2_axis(axes, "y", [1, *frame["d_k"]])  # both laws
    axes.set_xlabel("dimension of queries and keys, $d_k$")
    style.heading(figure, "variance of the scores")
    raw = _rows(frame, "raw")
    place = np.sqrt(raw["d_k"].iloc[0] * raw["d_k"].iloc[-1])
    for height, text, across, up in ((place, "law: $d_k$", 0.8, -0.8), (1.0, "law: 1", 0.8, 0.9)):
        axes.annotate(
            text, (place, height), xytext=(style.em(across), style.em(up)), textcoords="offset points", va="center"
        )
    style.end_labels(axes, labels)
    return figure


def caption_against_d(frame: pd.DataFrame) -> str:
    """What grows, what stays."""
    raw, scaled = _rows(frame, "raw"), _rows(frame, "scaled")
    first, last = raw.iloc[0], raw.iloc[-1]
    return (
        "The variance of $q\\cdot k$ grows like $d_k$; the division by $\\sqrt{d_k}$ keeps it near 1. "
        f"It is {number(first['estimate'])} at $d_k = {first['d_k']}$ and "
        f"{number(last['estimate'], 4)} at $d_k = {last['d_k']}$, where the law says {number(last['prediction'], 4)}. "
        f"After the division it stays between {plain(scaled['estimate'].min(), 4)} and "
        f"{plain(scaled['estimate'].max(), 4)} at all {len(scaled)} dimensions. "
        "The 95 % intervals are there, mostly smaller than the marks."
    )


def alt_against_d(frame: pd.DataFrame) -> str:
    """The two rows of points."""
    raw, scaled = _rows(frame, "raw"), _rows(frame, "scaled")
    return (
        f"Chart on logarithmic axes, d_k from {raw['d_k'].iloc[0]} to {raw['d_k'].iloc[-1]}. Raw variance lies on the "
        f"line d_k, from {number(raw['estimate'].iloc[0])} to {number(raw['estimate'].iloc[-1], 4)}; scaled variance "
        f"lies on the line 1, between {plain(scaled['estimate'].min(), 4)} and {plain(scaled['estimate'].max(), 4)}."
    )


@style.styled
def draw_deviation(frame: pd.DataFrame) -> Figure:
    """Relative deviation from the law, in percent; where the rules share their draws, they deviate alike."""
    figure = style.new_figure()
    axes = figure.add_subplot()
    margin = _margin(frame)
    axes.axhspan(-margin, margin, color=style.BAND, linewidth=0)
    axes.axhline(0, color=style.INK, linewidth=0.65 * rcParams["lines.linewidth"], zorder=1.5)
    marks.side_by_side(axes, _deviations(frame, "raw"), _deviations(frame, "scaled"))
    style.log2_axis(axes, "x", frame["d_k"])
    reach = 1.15 * max(margin, _deviations(frame)[["low", "high"]].abs().to_numpy().max())
    axes.set_ylim(-reach, reach)
    axes.set_xlabel("dimension of queries and keys, $d_k$")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+g} %".replace("-", "−") if value else "0")
    style.heading(figure, "measured variance, relative to the law")
    style.end_labels(axes, [style.EndLabel(0, "law"), style.EndLabel(margin, "margin")])
    return figure


def caption_deviation(frame: pd.DataFrame) -> str:
    """How far off, and how many intervals hold the law."""
    rows = _deviations(frame)
    farthest = rows.iloc[int(rows["estimate"].abs().argmax())]
    holding = int(((rows["low"] <= 0) & (rows["high"] >= 0)).sum())
    margin = _margin(frame)
    within = int(((rows["low"] >= -margin) & (rows["high"] <= margin)).sum())
    return (
        f"The measured variance is at most {number(abs(farthest['estimate']), 2)} % from the law "
        f"(at $d_k = {farthest['d_k']}$). Of {len(rows)} intervals (95 %), {holding} contain the law; by chance "
        f"alone about one in twenty would not. {within} lie wholly within the margin of ±{margin:g} %."
    )


def alt_deviation(frame: pd.DataFrame) -> str:
    """The deviations at the ends and the largest."""
    rows = _deviations(frame)
    return (
        f"Deviation of the measured variance from the law in percent, for {len(rows)} dimensions from "
        f"{levels(rows, 'd_k')[0]} to {levels(rows, 'd_k')[-1]}: between {number(rows['estimate'].min(), 2)} % and "
        f"{number(rows['estimate'].max(), 2)} %, with intervals that reach from {number(rows['low'].min(), 2)} % to "
        f"{number(rows['high'].max(), 2)} %."
    )


AGAINST_D = FigureSpec(
    "variance-against-d", "variance", "Variance against dimension", draw_against_d, caption_against_d, alt_against_d
)
DEVIATION = FigureSpec(
    "variance-deviation", "variance", "Deviation from the law", draw_deviation, caption_deviation, alt_deviation
)
