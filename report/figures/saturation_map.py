"""The exact law over d_k and numbers of keys, raw beside scaled, with the measured cells in the same colours."""

import numpy as np
import pandas as pd
from matplotlib import colormaps, rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number, power_of_ten
from scaling.freezing import freezing_d_k

WORDS = {"normalised_entropy": "entropy / ln $n$", "sum_p2": "$\\sum p^2$"}
LEVELS = np.round(np.arange(0, 1.01, 0.1), 1)
COLOURS = colormaps["cividis"]  # its meaning is the value, on a dark page as on a light one
PALE, DARK = "#ffffff", "#111111"
_SCALE = ScalarMappable(BoundaryNorm(LEVELS, COLOURS.N), COLOURS)


@style.styled
def draw_map(frame: pd.DataFrame, measured: pd.DataFrame) -> Figure:
    """A row for each observable, a column for each rule; colour is the value, the same for all four.

    On a slide all of them stand side by side.
    """
    figure = style.new_figure(1.45)
    is_fixed = style.medium().is_fixed
    panels = figure.subplots(*((1, 4) if is_fixed else (2, 2)), sharex=True, sharey=True).reshape(2, 2)
    dimensions, keys = levels(frame, "d_k"), levels(frame, "n_keys")
    for row, (quantity, words) in zip(panels, WORDS.items(), strict=True):
        for axes, rule in zip(row, marks.RULES, strict=True):
            table = select(frame, quantity=quantity, rule=rule).pivot(index="n_keys", columns="d_k", values="exact")
            axes.contourf(dimensions, keys, table.to_numpy().clip(0, 1), LEVELS, cmap=COLOURS)
            rows = select(measured, quantity=quantity, rule=rule)
            rows = rows[rows["n_keys"].between(keys[0], keys[-1]) & rows["d_k"].between(dimensions[0], dimensions[-1])]
            axes.scatter(
                rows["d_k"], rows["n_keys"], c=rows["estimate"], cmap=COLOURS, vmin=0, vmax=1, marker="s",
                s=((0.55 if is_fixed else 0.9) * rcParams["lines.markersize"]) ** 2, edgecolors=PALE,
                linewidths=0.4 * rcParams["lines.linewidth"], clip_on=False, zorder=3,
            )  # fmt: skip
            if rule == "raw":
                _freezing_line(axes, keys)
            style.log2_axis(axes, "x", dimensions, most=3 if is_fixed else 6)
            axes.set_xlim(dimensions[0], dimensions[-1])
            style.keys_axis(axes, "y", keys)
            axes.grid(visible=False)
            axes.set_title(f"{words}, {rule}", color=marks.RULES[rule].words)
    for axes in panels[: 1 if is_fixed else 2, 0]:
        axes.set_ylabel("keys, $n$")
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    bar = figure.colorbar(_SCALE, ax=panels, orientation="horizontal", aspect=50, pad=0.02, shrink=0.9)
    bar.set_ticks([0, 0.2, 0.4, 0.6, 0.8, 1], labels=["0", "0.2", "0.4", "0.6", "0.8", "1"])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    style.heading(figure, "exact (surface) and measured (squares); line: $d_k$ = 2 ln $n$")
    return figure


def _freezing_line(axes: Axes, keys: list[int]) -> None:
    """d_k = 2 ln n, pale with a dark rim so that it shows on every colour."""
    width = 1.3 * rcParams["lines.linewidth"]
    n = np.geomspace(keys[0], keys[-1], 60)
    axes.plot(
        2 * np.log(n), n, color=PALE, linewidth=width,
        path_effects=[withStroke(linewidth=2.2 * width, foreground=DARK)],
    )  # fmt: skip


def _at(frame: pd.DataFrame, quantity: str, rule: str, d_k: int, n_keys: int) -> float:
    return float(select(frame, quantity=quantity, rule=rule, d_k=d_k, n_keys=n_keys)["exact"].iloc[0])


def _ends(frame: pd.DataFrame) -> tuple[int, int, int]:
    """The largest number of keys, and a dimension well below and well above 2 ln n for it."""
    most, dimensions = levels(frame, "n_keys")[-1], np.array(levels(frame, "d_k"))
    dimensions = dimensions[np.log2(dimensions) % 1 == 0]  # powers of two
    line = freezing_d_k(most)
    return most, int(dimensions[dimensions <= max(1, line / 4)][-1]), int(dimensions[-1])


def caption_map(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Both sides of the line at the largest n, and the scaled rule everywhere."""
    most, below, above = _ends(frame)
    raw = [number(_at(frame, "sum_p2", "raw", d_k, most), 2) for d_k in (below, above)]
    scaled = select(frame, quantity="normalised_entropy", rule="scaled")
    few = scaled[scaled["n_keys"] >= 8]["exact"].min() if (scaled["n_keys"] >= 8).any() else scaled["exact"].min()
    return (
        f"Left of the line many keys share the weight, right of it a few hold it, however many there are: over "
        f"{power_of_ten(most)} keys the sum of squared raw weights is {raw[0]} at $d_k = {below}$ and {raw[1]} at "
        f"$d_k = {above}$. The line is the limit of many keys; for few, the change is gradual. With the division "
        f"nothing freezes: from 8 keys on, the entropy is nowhere below {number(few, 2)} of $\\ln n$. The squares are "
        f"the {_n_cells(measured)} measured cells of each panel."
    )


def _n_cells(measured: pd.DataFrame) -> int:
    return len(select(measured, quantity="sum_p2", rule="raw"))


def alt_map(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """The corners of each panel."""
    keys, dimensions = levels(frame, "n_keys"), levels(frame, "d_k")
    parts = []
    for quantity, words in (("normalised_entropy", "normalised entropy"), ("sum_p2", "sum of squared weights")):
        for rule in marks.RULES:
            for n_keys in (keys[0], keys[-1]):
                ends = [number(_at(frame, quantity, rule, d_k, n_keys), 2) for d_k in (dimensions[0], dimensions[-1])]
                parts.append(f"{words}, {rule}, {power_of_ten(n_keys)} keys: {ends[0]} to {ends[1]}")
    return (
        f"Four maps over d_k from {dimensions[0]} to {dimensions[-1]} and {keys[0]} to {power_of_ten(keys[-1])} keys, "
        f"with {_n_cells(measured)} measured cells on each. From the smallest to the largest d_k, {'; '.join(parts)}."
    )


MAP = FigureSpec(
    "saturation-map", "saturation_map", "A map of saturation", draw_map, caption_map, alt_map, beside=("saturation",)
)
