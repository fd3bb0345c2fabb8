"""From which d_k on the raw softmax has the smaller Jacobian: its mean square, its mean and its median."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, rounded

WORDS = {"jacobian_norm": "mean", "jacobian_norm_median": "median"}
MARKS = {"jacobian_norm": "D", "jacobian_norm_median": "v"}
FACES = {"jacobian_norm": style.INK, "jacobian_norm_median": style.BACKGROUND}


@dataclass(frozen=True)
class Bracket:
    """Between which measured d_k raw falls below scaled: clearly larger at `low`, clearly smaller from `high` on.

    `low` is 0 where raw is clearly larger nowhere, `high` infinite where it is not clearly smaller at the end.
    """

    low: float
    high: float

    def __str__(self) -> str:
        if self.low == 0:
            return "nowhere larger" if math.isfinite(self.high) else "cannot tell"
        return f"between {self.low:.0f} and {self.high:.0f}" if math.isfinite(self.high) else f"beyond {self.low:.0f}"


def bracket(measured: pd.DataFrame, quantity: str, n_keys: int) -> Bracket:
    """By the 95 % intervals of the two estimates, which must not touch."""
    raw, scaled = (select(measured, quantity=quantity, n_keys=n_keys, rule=rule) for rule in marks.RULES)
    dimensions = raw["d_k"].to_numpy()
    larger = raw["low"].to_numpy() > scaled["high"].to_numpy()
    smaller = raw["high"].to_numpy() < scaled["low"].to_numpy()
    low = float(dimensions[larger].max()) if larger.any() else 0.0
    first = int(np.flatnonzero(~smaller).max(initial=-1)) + 1  # from which on raw is clearly smaller
    return Bracket(low, float(dimensions[first]) if first < len(dimensions) else math.inf)


def ratios(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Exact means, raw over scaled: a row for each number of keys and a column for each d_k."""
    raw, scaled = (
        select(frame, quantity=quantity, rule=rule).pivot(index="n_keys", columns="d_k", values="exact")
        for rule in marks.RULES
    )
    return raw / scaled


def exact_crossings(frame: pd.DataFrame, quantity: str = "jacobian_norm2") -> pd.Series:
    """By n_keys: where the mean of raw rows, of ‖J‖²_F or another quantity, falls below that of scaled ones.

    A real d_k: 0 where raw is nowhere larger, infinite where it still is at the map's end. By logarithmic interpolation
    between the map's dimensions.
    """
    table = ratios(frame, quantity)
    u = np.log(table.columns.to_numpy(dtype=float))
    crossings = {}
    for n_keys, ratio in zip(table.index, np.log(table.to_numpy()), strict=True):
        larger = np.flatnonzero(ratio > 1e-9)  # at d_k = 1 the two rules are one
        if not larger.size:
            crossings[n_keys] = 0.0
        elif (i := larger[-1]) == len(u) - 1:
            crossings[n_keys] = math.inf
        else:
            crossings[n_keys] = math.exp(np.interp(0, [ratio[i + 1], ratio[i]], [u[i + 1], u[i]]))
    return pd.Series(crossings)


def line_of(frame: pd.DataFrame, quantity: str = "jacobian_norm2") -> pd.Series:
    """The exact crossings that lie on the map."""
    crossings = exact_crossings(frame, quantity)
    return crossings[(crossings > 0) & np.isfinite(crossings)]


@style.styled
def draw_crossing(frame: pd.DataFrame, measured: pd.DataFrame) -> Figure:
    """The exact line of the mean square, and brackets of the measured mean and median, over n and d_k."""
    figure = style.new_figure(1.05)
    axes = figure.add_subplot()
    exact = line_of(frame)
    measured_keys, dimensions = levels(measured, "n_keys"), levels(measured, "d_k")
    top = max([8 * dimensions[-1], *exact])  # room for the arrows
    if len(exact):
        marks.exact_curve(axes, exact.index, exact, logarithmic=True)
        axes.get_lines()[-1].set_label("mean of $\\|J\\|_F^2$, exact")
    for shift, (quantity, words) in zip((0.94, 1.06), WORDS.items(), strict=True):
        mark: dict[str, Any] = {
            "color": style.INK,
            "linestyle": "none",
            "clip_on": False,
            "markerfacecolor": FACES[quantity],
        }
        for n_keys in measured_keys:
            found = bracket(measured, quantity, n_keys)
            if found.low == 0:
                continue
            is_open = math.isinf(found.high)
            high = 4 * found.low if is_open else found.high
            marks.intervals(axes, [n_keys * shift], [found.low], [high], style.INK)
            place, marker = (high, "^") if is_open else (math.sqrt(found.low * high), MARKS[quantity])
            axes.plot([n_keys * shift], [place], marker=marker, **mark)
        axes.plot([], [], marker=MARKS[quantity], label=f"{words} of $\\|J\\|_F$", **mark)
    axes.legend(loc="upper left", borderaxespad=0.1)
    style.log2_axis(axes, "y", [1, top])
    style.keys_axis(axes, "x", [2, 2 * max(measured_keys[-1], float(exact.index[-1]) if len(exact) else 2)])
    axes.set_xlabel("number of keys, $n$")
    style.heading(figure, "$d_k$ from which the raw Jacobian is the smaller one")
    return figure


def caption_crossing(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Every bracket."""
    exact = line_of(frame)
    n_keys = levels(measured, "n_keys")[-1]
    found = {name: bracket(measured, quantity, n_keys) for quantity, name in WORDS.items()}
    line = f" Exact, for {exact.index[-1]} keys: $d_k ≈ {rounded(exact.iloc[-1])}$." if len(exact) else ""
    return (
        "Below its mark or line the raw Jacobian is the larger, above it the smaller; at $d_k = 1$ the two are one. "
        "Bars reach from the last measured $d_k$ at which raw is clearly larger to the first from which on it is "
        f"clearly smaller (95 % intervals apart); an arrow says that the grid ends before. With {n_keys} keys: the "
        f"median, {found['median']}; the mean, {found['mean']}.{line}"
    )


def alt_crossing(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """The exact line's ends."""
    exact = line_of(frame)
    line = (
        listing(f"{rounded(d_k)} at n = {n_keys}" for n_keys, d_k in (*exact.items(),)[:: max(1, len(exact) // 4)])
        if len(exact)
        else "none on this grid"
    )
    brackets = "; ".join(
        f"n = {n_keys}: {', '.join(f'{words} {bracket(measured, q, n_keys)}' for q, words in WORDS.items())}"
        for n_keys in levels(measured, "n_keys")
    )
    return f"d_k at which the raw Jacobian becomes the smaller one. Exact, mean square: {line}. Measured, {brackets}."


CROSSING = FigureSpec(
    "jacobian-crossing", "saturation_map", "Where the raw Jacobian becomes the smaller one", draw_crossing,
    caption_crossing, alt_crossing, beside=("saturation",),
)  # fmt: skip
