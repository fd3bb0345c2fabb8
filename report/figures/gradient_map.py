"""Exact means without the division over those with it, of the Jacobian and of the query's gradient, over n and d_k."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from report.figures import style
from report.figures.crossing import line_of, ratios
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number, power_of_ten, rounded

TITLES = {
    "jacobian_norm2": "mean $\\|J\\|_F^2$",
    "query_gradient_norm2": "mean $\\|\\partial L / \\partial q\\|^2$",
}
POWERS = np.arange(-4.0, 4.1)  # of ten, at which the ratio's colour changes
PALE, DARK = "#ffffff", "#111111"
BLUE, ORANGE = "#0070b0", "#d35c00"  # all but the rules' own, which a dark page lightens: here they are values
COLOURS = LinearSegmentedColormap.from_list("ratio", [BLUE, PALE, ORANGE])


def is_larger_everywhere(frame: pd.DataFrame, quantity: str) -> bool:
    """Whether raw is the larger at every d_k above 1, at which the two rules are one."""
    table = ratios(frame, quantity)
    return bool(np.all(table.to_numpy()[:, table.columns.to_numpy() > 1] > 1))


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """The Jacobian's ratio on the left, that of the query's gradient on the right, in the same colours."""
    figure = style.new_figure(1.0)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    norm = BoundaryNorm(POWERS, COLOURS.N, extend="both")  # one that figures share would undo the labels of their bars
    for axes, (quantity, title) in zip(panels, TITLES.items(), strict=True):
        table = ratios(frame, quantity)
        dimensions, keys = table.columns.to_list(), table.index.to_list()
        axes.contourf(dimensions, keys, np.log10(table.to_numpy()), POWERS, cmap=COLOURS, norm=norm, extend="both")
        _equal_line(axes, line_of(frame, quantity))
        style.log2_axis(axes, "x", dimensions, most=6)
        axes.set_xlim(dimensions[0], dimensions[-1])
        style.keys_axis(axes, "y", keys)
        axes.grid(visible=False)
        axes.set_title(title)
    panels[0].set_ylabel("keys, $n$")
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    bar = figure.colorbar(
        ScalarMappable(norm, COLOURS), ax=panels, orientation="horizontal", aspect=50, pad=0.02, shrink=0.9
    )
    bar.set_ticks([-4, -2, 0, 2, 4], labels=["1/10 000", "1/100", "equal", "100", "10 000"])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    style.heading(figure, "raw over scaled, exact; line: both are equal")
    return figure


def _equal_line(axes: Axes, line: pd.Series) -> None:
    """Where the ratio is 1: pale with a dark rim, so that it shows on every colour."""
    width = 1.3 * rcParams["lines.linewidth"]
    rim = withStroke(linewidth=2.2 * width, foreground=DARK)
    axes.plot(line.to_numpy(), line.index.to_numpy(), color=PALE, linewidth=width, path_effects=[rim])


def times(frame: pd.DataFrame, quantity: str, n_keys: int, d_k: int) -> str:
    """How many times the scaled mean the raw one is, in words."""
    raw, scaled = (
        float(select(frame, quantity=quantity, rule=rule, n_keys=n_keys, d_k=d_k)["exact"].iloc[0])
        for rule in ("raw", "scaled")
    )
    return number(raw / scaled, 2) if raw < 100 * scaled else rounded(raw / scaled)


def caption(frame: pd.DataFrame) -> str:
    """Where the Jacobians are equal, and whether the query's gradients ever are."""
    line = line_of(frame, "jacobian_norm2")
    dimensions, keys = levels(frame, "d_k"), levels(frame, "n_keys")
    n_keys, d_k = int(line.index[-1]) if len(line) else keys[len(keys) // 2], dimensions[-1]
    crossing = (
        f"The Jacobian’s mean square is the larger one without the division above the line, which reaches "
        f"$d_k ≈ {rounded(float(line.iloc[-1]))}$ over {power_of_ten(n_keys)} keys, and the smaller one below it."
        if len(line)
        else "On this map the Jacobian’s mean squares are nowhere equal but at $d_k = 1$."
    )
    at = {quantity: times(frame, quantity, n_keys, d_k) for quantity in TITLES}
    everywhere = (
        " The mean square of the query’s gradient is larger without the division wherever $d_k > 1$."
        if is_larger_everywhere(frame, "query_gradient_norm2")
        else ""
    )
    return (
        f"{crossing}{everywhere} Over {power_of_ten(n_keys)} keys at $d_k = {d_k}$ the raw mean is "
        f"{at['jacobian_norm2']} times the scaled one for the Jacobian and {at['query_gradient_norm2']} times for the "
        f"query’s gradient: between the two lies the factor $c^2$, 1 without the division and $1/d_k$ with it."
    )


def alt(frame: pd.DataFrame) -> str:
    """The ratios at the corners, and the line's ends."""
    dimensions, keys = levels(frame, "d_k"), levels(frame, "n_keys")
    parts = []
    for quantity, words in (("jacobian_norm2", "Jacobian"), ("query_gradient_norm2", "query's gradient")):
        line = line_of(frame, quantity)
        for n_keys in (keys[0], keys[-1]):
            ends = [times(frame, quantity, n_keys, d_k) for d_k in (dimensions[0], dimensions[-1])]
            parts.append(f"{words}, {power_of_ten(n_keys)} keys: {ends[0]} to {ends[1]}")
        where = dict.fromkeys(
            f"d_k {rounded(float(line.loc[n]))} at n = {n}" for n in (line.index[[0, -1]] if len(line) else ())
        )
        parts.append(f"{words} equal at {listing(where)}" if where else f"{words} nowhere equal beyond d_k = 1")
    return (
        f"Two maps of raw means over scaled ones, d_k from {dimensions[0]} to {dimensions[-1]} and {keys[0]} to "
        f"{power_of_ten(keys[-1])} keys. From the smallest to the largest d_k, {'; '.join(parts)}."
    )


MAP = FigureSpec("gradient-map", "gradient_map", "What the chain factor does", draw, caption, alt)
