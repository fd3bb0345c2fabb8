"""One head under many scalings: the size of its scores and the evenness of its weights, a row for each rule."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from report.figures import marks, style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import number, percent

MARKS = {
    "raw": marks.RULES["raw"],
    "scaled": marks.RULES["scaled"],
    "wide": marks.RULES["scaled"],
    "normalised": marks.NORMALISED,
    "wide-normalised": marks.NORMALISED,
}
WORDS = {  # of the text alternative
    "raw": "raw",
    "scaled": "scaled",
    "split": "split",
    "inverse": "divided by d_k",
    "model": "divided by the root of d_model",
    "cold": "cold",
    "hot": "hot",
    "wide": "wide entries, scaled",
    "normalised": "normalised",
    "wide-normalised": "wide entries, normalised",
}


def _rules(frame: pd.DataFrame) -> list[str]:
    """The rules by the exact variance of their scores, largest first; equal ones in the frame's order."""
    variances = select(frame, quantity="variance")
    order = variances["prediction"].round(9).sort_values(ascending=False, kind="stable").index
    return [str(rule) for rule in variances["rule"][order]]


def _labels(frame: pd.DataFrame) -> dict[str, str]:
    """What stands beside each row."""
    sd = frame["entry_sd"].max()
    variances = select(frame, quantity="variance").set_index("rule")["prediction"]
    cold, hot = (f"$T$ = {round(float(variances[rule]) ** -0.5, 6):g}" for rule in ("cold", "hot"))
    return {
        "raw": "raw, $q \\cdot k$",
        "scaled": "scaled, $q \\cdot k/\\sqrt{d_k}$",
        "split": "$d_k^{-1/4}$ on $q$ and on $k$",
        "inverse": "$q \\cdot k/d_k$",
        "model": "$q \\cdot k/\\sqrt{d_{\\mathrm{model}}}$",
        "cold": f"scaled, {cold}",
        "hot": f"scaled, {hot}",
        "wide": f"entries of sd {sd:g}",
        "normalised": "normalised",
        "wide-normalised": f"entries of sd {sd:g}, normalised",
    }


def _draw_rows(axes: Axes, frame: pd.DataFrame, quantity: str) -> None:
    """Estimates with their intervals from the top down, and a tick of ink where the exact value is."""
    rows = select(frame, quantity=quantity).set_index("rule").loc[_rules(frame)]
    y = np.arange(len(rows))
    axes.vlines(rows["prediction"], y - 0.38, y + 0.38, color=style.INK, linewidth=0.65 * rcParams["lines.linewidth"])
    kinds = [MARKS.get(str(rule), marks.FACTOR) for rule in rows.index]
    for mark in dict.fromkeys(kinds):
        its = [kind is mark for kind in kinds]
        axes.hlines(y[its], rows["low"][its], rows["high"][its], color=mark.colour)
        axes.plot(
            rows["estimate"][its], y[its], linestyle="none", color=mark.colour, marker=mark.marker,
            markerfacecolor=mark.face, clip_on=False,
        )  # fmt: skip


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """The variance of the scores on the left, the entropy of the weights on the right."""
    figure = style.new_figure(1.0)
    left, right = figure.subplots(1, 2, sharey=True)
    rules, labels = _rules(frame), _labels(frame)
    for axes, quantity in ((left, "variance"), (right, "normalised_entropy")):
        _draw_rows(axes, frame, quantity)
    left.set_yticks(range(len(rules)), [labels[rule] for rule in rules])
    left.set_ylim(len(rules) - 0.5, -0.5)
    for label, rule in zip(left.get_yticklabels(), rules, strict=True):
        label.set_color(MARKS[rule].words if rule in ("raw", "scaled") else style.INK)
    estimates = select(frame, quantity="variance")["estimate"]
    style.log2_axis(left, "x", estimates, most=5)
    left.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"1/{1 / value:.0f}" if value < 1 else f"{value:.0f}")
    )
    left.set_title("variance of the scores")
    right.set_xlim(-0.02, 1.02)
    right.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    right.set_title("entropy, as a share of ln $n$")
    for axes in (left, right):
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
    d_k, n_keys = frame["d_k"].iloc[0], frame["n_keys"].iloc[0]
    style.heading(figure, f"$d_k$ = {d_k}, $n$ = {n_keys}: measured (marks), exact (ticks)")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """The ends and the middle of the range."""
    value = frame.set_index(["rule", "quantity"])["estimate"]
    parts = [
        f"{words} leaves a variance of {number(value[rule, 'variance'])} and an entropy of "
        f"{percent(value[rule, 'normalised_entropy'], 3)} of $\\ln n$"
        for rule, words in (
            ("raw", "no division"),
            ("scaled", "dividing by $\\sqrt{d_k}$"),
            ("inverse", "dividing by $d_k$"),
        )
    ]
    sd = frame["entry_sd"].max()
    return (
        f"The same queries and keys, but for the size of their entries, under each rule: {'; '.join(parts)}. Entries "
        f"of standard deviation {sd:g} leave the scaled scores a variance of {number(value['wide', 'variance'])}, and "
        f"{number(value['wide-normalised', 'variance'])} if queries and keys are normalised first. Green: other "
        "constant factors; pink: cosines times $\\sqrt{d_k}$, for whose entropy no exact law is used here."
    )


def alt(frame: pd.DataFrame) -> str:
    """Both quantities of every rule."""
    value = frame.set_index(["rule", "quantity"])["estimate"]
    parts = [
        f"{WORDS[rule]}: {number(value[rule, 'variance'])} and {number(value[rule, 'normalised_entropy'])}"
        for rule in _rules(frame)
    ]
    return (
        f"Variance of the scores and entropy of the weights as a share of its largest value, at d_k = "
        f"{frame['d_k'].iloc[0]} over {frame['n_keys'].iloc[0]} keys. {'; '.join(parts)}."
    )


SCALINGS = FigureSpec("one-head", "questions", "One head, many scalings", draw, caption, alt)
