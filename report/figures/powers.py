"""Dividing by powers of d_k: how the variance of the scores grows, and what that does to the entropy."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.rule_sweeps import curve, decades
from report.figures.selection import levels
from report.figures.spec import FigureSpec
from report.wording import listing, number, plain

MOST_CURVES = 6  # of more powers, every other one is drawn against d_k


def _mark(alpha: float) -> marks.Mark:
    """Raw and scaled scores as everywhere; every other power is a further factor."""
    return {0.0: marks.RULES["raw"], 0.5: marks.RULES["scaled"]}.get(alpha, marks.FACTOR)


def slopes(frame: pd.DataFrame) -> pd.DataFrame:
    """Slopes of ln Var on ln d_k, by alpha; empty for a single d_k."""
    return frame[frame["quantity"] == "variance_slope"]


def missing(frame: pd.DataFrame) -> pd.DataFrame:
    """Missing entropies of the power rules, by alpha and d_k."""
    rows = frame[(frame["quantity"] == "missing_entropy") & frame["alpha"].notna()]
    return rows.sort_values(["alpha", "d_k"], kind="stable")


def _draw_slopes(axes: Axes, rows: pd.DataFrame, powers: np.ndarray) -> None:
    marks.exact(axes, powers, 1 - 2 * powers)
    axes.axhline(0, color=style.INK, linewidth=0.5 * rcParams["lines.linewidth"], zorder=1.2)
    kinds = [_mark(alpha) for alpha in rows["alpha"]]
    for mark in dict.fromkeys(kinds):
        its = rows[[kind is mark for kind in kinds]]
        marks.intervals(axes, its["alpha"], its["low"], its["high"], mark.colour)
        axes.plot(
            its["alpha"], its["estimate"], linestyle="none", color=mark.colour, marker=mark.marker,
            markerfacecolor=mark.face,
        )  # fmt: skip
    if len(powers) > 1 and powers[-1] == 1:
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_xlabel("$\\alpha$")
    axes.set_title("slope of ln variance on ln $d_k$")


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """The slope against alpha on the left, the missing entropy against d_k on the right."""
    figure = style.new_figure(0.9)
    left, right = figure.subplots(1, 2)
    rows = missing(frame)
    powers = np.sort(rows["alpha"].unique())
    _draw_slopes(left, slopes(frame), powers)
    labels = []
    for alpha in powers[:: 1 if len(powers) <= MOST_CURVES else 2].tolist():
        its, mark = rows[rows["alpha"] == alpha], _mark(alpha)
        curve(right, its, "d_k", mark)
        labels.append(style.EndLabel(its["estimate"].iloc[-1], f"{alpha:g}", mark.words))
    decades(right, rows["estimate"])
    style.end_labels(right, labels)
    style.log2_axis(right, "x", levels(rows, "d_k"), most=6)
    right.set_xlabel("$d_k$")
    right.set_title("missing entropy, ln $n$ − $H$; by $\\alpha$")
    style.heading(figure, "$q \\cdot k \\, / \\, d_k^{\\,\\alpha}$: measured (marks), exact (thin lines)")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """The slopes at the ends and where it is nearest to 0, and what is missing there."""
    rows, found = missing(frame), slopes(frame)
    dimensions, n_keys = levels(rows, "d_k"), rows["n_keys"].iloc[0]
    words = ""
    if len(found):
        chosen = [0, int(found["estimate"].abs().argmin()), len(found) - 1]
        shown = listing(
            f"{plain(slope, 3)} for $\\alpha = {alpha:g}$"
            for alpha, slope in found[["alpha", "estimate"]].iloc[list(dict.fromkeys(chosen))].to_numpy()
        )
        words = (
            f"On logarithmic axes the variance grows with slope {shown}; the line is $1 - 2\\alpha$. All powers meet "
            "the same draws, so their slopes are off by the same amount. "
        )
    parts = [
        f"{number(its['estimate'].iloc[-1], 2)} for $\\alpha = {alpha:g}$"
        for alpha, its in rows[rows["alpha"].isin({0.0, 0.5, 1.0})].groupby("alpha")
    ]
    ends = f" At $d_k = {dimensions[-1]}$ it is {listing(parts)} nats." if parts else ""
    span = f"from $d_k = {dimensions[0]}$ to {dimensions[-1]}" if len(dimensions) > 1 else f"at $d_k = {dimensions[0]}$"
    return f"{words}Right: what the weights of {n_keys} keys lack to the entropy of equal weights, {span}.{ends}"


def alt(frame: pd.DataFrame) -> str:
    """Every slope, and what is missing at the ends under every power."""
    rows, found = missing(frame), slopes(frame)
    parts = (f"{number(e, 2)} for alpha {a:g}" for a, e in zip(found["alpha"], found["estimate"], strict=True))
    at_ends = (
        f"{number(its['estimate'].iloc[0], 2)} and {number(its['estimate'].iloc[-1], 2)} for alpha {alpha:g}"
        for alpha, its in rows.groupby("alpha")
    )
    dimensions = levels(rows, "d_k")
    first = f"Slopes of the variance on logarithmic axes: {listing(parts)}. " if len(found) else ""
    return (
        f"{first}Missing entropy over {rows['n_keys'].iloc[0]} keys at d_k = {dimensions[0]} and {dimensions[-1]}: "
        f"{listing(at_ends)}."
    )


POWERS = FigureSpec("powers-of-d", "scalings", "Powers of the dimension", draw, caption, alt)
