"""Scores of a query with its own key and with the others, before a head has learned and after."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from report.figures import style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import number, percent, plain

SEEN = 2e-3  # densities below it are not seen
WORDS = {"before": "before training", "after": "after training"}


def _value(frame: pd.DataFrame, state: str, keys: str, quantity: str) -> float:
    return float(select(frame, state=state, keys=keys, quantity=quantity)["estimate"].iloc[0])


def _outlines(axes: Axes, frame: pd.DataFrame, state: str) -> None:
    """Densities in steps: the other keys' as an area, the own key's as a line; each named at its top."""
    for keys in ("other", "own"):
        rows = select(frame, state=state, quantity="density", keys=keys)
        edges = np.append(rows["bin_low"], rows["bin_high"].iloc[-1])
        is_own = keys == "own"
        axes.stairs(
            rows["estimate"], edges, color=style.SCALED if is_own else style.faint(style.SCALED, 0.35), fill=not is_own,
            linewidth=0.8 * rcParams["lines.linewidth"] if is_own else 0,
        )  # fmt: skip


def _name(axes: Axes, frame: pd.DataFrame, state: str) -> None:
    """The words stand beside their shapes: above the top of each, on its own side."""
    tops = {}
    for keys in ("own", "other"):
        rows = select(frame, state=state, quantity="density", keys=keys)
        top = rows.iloc[int(rows["estimate"].argmax())]
        tops[keys] = ((top["bin_low"] + top["bin_high"]) / 2, top["estimate"])
    seen = [keys for keys, (_, height) in tops.items() if height > SEEN]
    apart = tops["own"][0] - tops["other"][0] > 3
    for keys in seen:
        (x, y), side = tops[keys], 1 if keys == "own" else -1
        axes.annotate(
            f"{keys} key" + ("s" if keys == "other" else ""), (x, y),
            xytext=(0 if apart else side * style.em(0.9), style.em(0.5 if apart else -0.4)),
            textcoords="offset points", color=style.INK, va="bottom" if apart else "top",
            ha="center" if apart else ("left" if side > 0 else "right"),
        )  # fmt: skip


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """Before on the left, after on the right, each with its own height."""
    figure = style.new_figure(0.8)
    panels = figure.subplots(1, 2, sharex=True)
    for axes, (state, title) in zip(panels, WORDS.items(), strict=True):
        _outlines(axes, frame, state)
        highest = select(frame, state=state, quantity="density")["estimate"].max()
        axes.set_ylim(0, 1.25 * highest or 1.0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        _name(axes, frame, state)
    seen = frame[(frame["quantity"] == "density") & (frame["estimate"] > SEEN)]
    panels[0].xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    panels[0].set_xlim(seen["bin_low"].min() - 1, seen["bin_high"].max() + 1)
    figure.supxlabel("score, $q \\cdot k/\\sqrt{d_k}$", fontsize=style.em())
    style.heading(figure, "density of the scores")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """Mean scores with the own key, the spread of the others, and how often the own key is found."""
    before, after = (
        {
            "own": _value(frame, state, "own", "mean"),
            "other": _value(frame, state, "other", "variance") ** 0.5,
            "found": _value(frame, state, "own", "found"),
        }
        for state in WORDS
    )
    return (
        f"At $d_k = {frame['d_k'].iloc[0]}$, in units of $\\sqrt{{d_k}}$: before training the mean score of a query "
        f"with its own key is {plain(before['own'], 2)}, after it {number(after['own'])}. The other keys’ "
        f"scores have a standard deviation of {number(before['other'])} before and "
        f"{number(after['other'])} after. The own key has the largest score for "
        f"{percent(before['found'])} of the queries before and {percent(after['found'])} after. Each panel has its "
        f"own height; on the left are many untrained heads together.{_beyond(frame)}"
    )


def _beyond(frame: pd.DataFrame) -> str:
    """What share of the trained own keys' scores the bins do not reach, if it is one that would be missed."""
    rows = select(frame, state="after", quantity="density", keys="own")
    missing = 1 - float((rows["estimate"] * (rows["bin_high"] - rows["bin_low"])).sum())
    return (
        f" {percent(missing)} of the scores with own keys after training lie beyond the axis."
        if missing > 0.005
        else ""
    )


def alt(frame: pd.DataFrame) -> str:
    """The same numbers."""
    parts = []
    for state, words in WORDS.items():
        own, other = (plain(_value(frame, state, keys, "mean"), 2) for keys in ("own", "other"))
        own_sd, other_sd = _value(frame, state, "own", "sd"), _value(frame, state, "other", "variance") ** 0.5
        parts.append(
            f"{words.capitalize()}: own key {own}, with a standard deviation of {number(own_sd)}; other keys {other}, "
            f"with {number(other_sd)}"
        )
    return f"Densities of scores divided by the root of d_k, with their means. {'. '.join(parts)}."


BEFORE_AND_AFTER = FigureSpec(
    "scores-before-and-after-training", "lookup", "What learning does to the scores", draw, caption, alt
)
