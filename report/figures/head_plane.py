"""Where a reader's heads lie: the entropy of their weights against the spread of their scores, on the exact law."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from report.figures import marks, style
from report.figures.selection import levels
from report.figures.spec import FigureSpec
from report.wording import count, grouped, number

MOST_POINTS = 1000  # heads that are drawn
MOST_INTERVALS = 48  # heads whose intervals are drawn
PREFIXES = {"raw": "raw_", "scaled": ""}


def drawn(heads: pd.DataFrame) -> pd.DataFrame:
    """All heads or, of many, some at even steps in order of their spread."""
    if len(heads) <= MOST_POINTS:
        return heads
    order = heads.sort_values("row_sd", kind="stable")
    return order.iloc[np.linspace(0, len(order) - 1, MOST_POINTS).round().astype(int)]


def _points(axes: Axes, heads: pd.DataFrame, rule: str, low: float, high: float) -> None:
    mark, prefix = marks.RULES[rule], PREFIXES[rule]
    size = float(np.interp(len(heads), [1, 30, 300], [1.2, 0.8, 0.5]))
    x = heads[f"{prefix}row_sd"].clip(low, high).to_numpy()
    if len(heads) <= MOST_INTERVALS:
        low_end, high_end = (heads[f"{prefix}normalised_entropy_{end}"] for end in ("low", "high"))
        marks.intervals(axes, x, low_end, high_end, mark.colour, width=min(size, 1.0))
    axes.plot(
        x, heads[f"{prefix}normalised_entropy"], linestyle="none", label=rule, color=mark.colour, marker=mark.marker,
        markerfacecolor=mark.face, markersize=size * rcParams["lines.markersize"],
        markeredgewidth=size * rcParams["lines.markeredgewidth"], clip_on=False,
    )  # fmt: skip


@style.styled
def draw(heads: pd.DataFrame, law: pd.DataFrame) -> Figure:
    """A point for each head, raw and scaled, over the law of normal scores for the shortest and longest sequences."""
    figure = style.new_figure(1.05)
    axes = figure.subplots()
    for _, curve in law.groupby("n_keys"):
        marks.exact(axes, curve["row_sd"], curve["normalised_entropy"])
    low, high = law["row_sd"].min(), law["row_sd"].max()
    for rule in marks.RULES:
        _points(axes, drawn(heads), rule, low, high)
    style.log2_axis(axes, "x", [low, high], most=9)
    axes.set_xlim(low, high)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.set_xlabel("standard deviation of the scores of a row")
    marks.limit_at(axes, 1.0)
    marks.key(axes)
    style.heading(figure, "entropy, as a share of ln $n$")
    return figure


def caption(heads: pd.DataFrame, law: pd.DataFrame) -> str:
    """How far the heads lie from the law, and what the lines are."""
    keys = levels(law, "n_keys")
    over = " and ".join(_keys(law, n_keys) for n_keys in keys)
    off = (heads["normalised_entropy"] - heads["law_entropy"]).abs()
    rows = "the two points" if len(heads) == 1 else f"{count(len(heads), 'head')}, two points for each"
    near = number(max(off.median(), 0.001), 2)
    apart = f"it lies no more than {near}" if len(heads) == 1 else f"half of the heads lie within {near}"
    some = f" Drawn are {grouped(MOST_POINTS)} heads, evenly chosen." if len(heads) > MOST_POINTS else ""
    return (
        f"The thin {'line is' if len(keys) == 1 else 'lines are'} the exact law of independent normal scores {over}, "
        f"not fitted; dotted is the spread 1 that the division aims at. {rows[0].upper()}{rows[1:]}: with the scale "
        f"that is used, and without any. As used, {apart} {'from' if len(heads) == 1 else 'of'} the law of rows with "
        f"their own spreads; rows whose spread is owed to a few keys far ahead lie below it.{some}"
    )


def _keys(law: pd.DataFrame, n_keys: int) -> str:
    fewest = int(law["fewest_keys"][law["n_keys"] == n_keys].min())
    return f"over {n_keys} keys" if fewest == n_keys else f"over {fewest} to {n_keys} keys"


def alt(heads: pd.DataFrame, law: pd.DataFrame) -> str:
    """Ranges of both coordinates, raw and scaled."""
    parts = []
    for rule, prefix in PREFIXES.items():
        x, y = heads[f"{prefix}row_sd"], heads[f"{prefix}normalised_entropy"]
        parts.append(
            f"{rule}: standard deviation {number(x.min(), 2)} to {number(x.max(), 2)}, entropy {number(y.min(), 2)} to "
            f"{number(y.max(), 2)}"
        )
    return (
        f"Entropy as a share of ln n against the standard deviation of a row's scores, {count(len(heads), 'head')}. "
        f"{'; '.join(parts)}."
    )


PLANE = FigureSpec("where-the-heads-lie", "audit", "Where the heads lie", draw, caption, alt, beside=("audit_law",))
