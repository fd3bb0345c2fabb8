"""Normalised entropy over numbers of keys and dimensions, raw above scaled."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from report.figures import style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number


@style.styled
def draw_entropy(frame: pd.DataFrame) -> Figure:
    """Two tables of coloured cells with their values; the colour is the value, the same in both."""
    colours = colormaps["cividis"]
    dimensions, keys = levels(frame, "d_k"), levels(frame, "n_keys")
    figure = style.new_figure(max(0.9, 0.45 + 0.15 * len(keys)))
    panels = figure.subplots(2, 1, sharex=True)
    for axes, rule in zip(panels, ("raw", "scaled"), strict=True):
        table = select(frame, quantity="normalised_entropy", rule=rule).pivot(
            index="n_keys", columns="d_k", values="estimate"
        )
        axes.pcolormesh(table.to_numpy(), cmap=colours, vmin=0, vmax=1, edgecolors=style.BACKGROUND, linewidth=1)
        for (row, column), value in np.ndenumerate(table.to_numpy()):
            dark = style.contrast("#111111", colours(value)) < style.contrast("white", colours(value))
            axes.text(
                column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center",
                color="white" if dark else "#111111", fontsize=style.em(),
            )  # fmt: skip
        axes.set_title(rule, color=style.RULES[rule].words)
        axes.set_yticks(np.arange(len(keys)) + 0.5, [str(n_keys) for n_keys in keys])
        axes.set_ylabel("keys, $n$")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(axis="x", length=0)
    step = 1 if len(dimensions) <= 11 else 2
    shown = np.arange(0, len(dimensions), step)
    panels[1].set_xticks(shown + 0.5, [str(dimensions[i]) for i in shown])
    panels[1].set_xlabel("dimension of queries and keys, $d_k$")
    style.heading(figure, "entropy of the weights, as a share of ln $n$")
    return figure


def caption_entropy(frame: pd.DataFrame) -> str:
    """The lowest cell of one table against a column of the other."""
    rows = select(frame, quantity="normalised_entropy")
    raw, scaled = (select(rows, rule=rule) for rule in ("raw", "scaled"))
    last = raw[raw["d_k"] == raw["d_k"].max()]
    few, many = (last[last["n_keys"] == n_keys].iloc[0] for n_keys in (last["n_keys"].min(), last["n_keys"].max()))
    return (
        f"With the division no cell falls below {number(scaled['estimate'].min())}. Without it the entropy at "
        f"$d_k = {few['d_k']}$ is {number(few['estimate'])} of $\\ln n$ with {few['n_keys']} keys and "
        f"{number(many['estimate'])} with {many['n_keys']}."
    )


def alt_entropy(frame: pd.DataFrame) -> str:
    """First and last column of both tables."""
    dimensions, keys = levels(frame, "d_k"), levels(frame, "n_keys")
    parts = []
    for rule in ("raw", "scaled"):
        rows = select(frame, quantity="normalised_entropy", rule=rule)
        for n_keys in (keys[0], keys[-1]):
            values = select(rows, n_keys=n_keys)["estimate"]
            parts.append(f"{rule}, {n_keys} keys: {number(values.iloc[0])} to {number(values.iloc[-1])}")
    return (
        f"Two tables of normalised entropy, {len(keys)} numbers of keys by {len(dimensions)} dimensions. From "
        f"d_k = {dimensions[0]} to {dimensions[-1]}, {'; '.join(parts)}."
    )


ENTROPY = FigureSpec(
    "entropy-heatmap", "saturation", "Entropy over keys and dimension", draw_entropy, caption_entropy, alt_entropy
)
