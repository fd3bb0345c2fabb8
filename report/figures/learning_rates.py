"""Mean accuracy of a learning head over d_k and the learning rate, a panel for each rule."""

import math
from itertools import groupby

import numpy as np
import pandas as pd
from matplotlib import colormaps, rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from report.figures import style
from report.figures.learning import MARKS, SHOWN, areas_at
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number

LEVELS = np.round(np.arange(0, 1.01, 0.1), 1)
COLOURS = colormaps["cividis"]  # its meaning is the value, on a dark page as on a light one
MOST = 4  # labels below a panel
PALE, DARK = "#ffffff", "#111111"
_NORM = BoundaryNorm(LEVELS, COLOURS.N)


def rates(frame: pd.DataFrame) -> list[float]:
    """The learning rates of the frame, ascending."""
    return sorted(float(rate) for rate in frame["rate"].dropna().unique())


def best_rates(frame: pd.DataFrame, variant: str, quantity: str = "area") -> dict[int, float]:
    """The rate that was chosen for a variant by the quantity, by d_k."""
    rows = select(frame, variant=variant, quantity=quantity, is_best=1.0)
    return {int(d_k): float(rate) for d_k, rate in zip(rows["d_k"], rows["rate"], strict=True)}


def _panel(axes: Axes, frame: pd.DataFrame, variant: str) -> None:
    """A field for each d_k and rate, those alike side by side as one; the chosen ones hold a mark."""
    dimensions, every = levels(frame, "d_k"), rates(frame)
    areas = select(frame, variant=variant, quantity="area").pivot(index="rate", columns="d_k", values="estimate")
    for y, row in enumerate(_NORM(areas.to_numpy()).tolist()):
        for shade, fields in groupby(range(len(row)), key=row.__getitem__):
            first, *_ = alike = list(fields)
            axes.barh(y, len(alike), height=1, left=first - 0.5, color=COLOURS(shade), linewidth=0)
    best, mark = best_rates(frame, variant), MARKS[variant]
    axes.plot(
        range(len(dimensions)), [every.index(best[d_k]) for d_k in dimensions], linestyle="none", marker=mark.marker,
        color=DARK, markerfacecolor=PALE, markersize=1.3 * rcParams["lines.markersize"],
        markeredgewidth=0.8 * rcParams["lines.markeredgewidth"],
    )  # fmt: skip
    every_nth = math.ceil(len(dimensions) / MOST)
    axes.set_xticks(range(0, len(dimensions), every_nth), [str(d_k) for d_k in dimensions[::every_nth]])
    axes.set_yticks(range(len(every)), [f"{rate:g}" for rate in every])
    axes.set_xlim(-0.5, len(dimensions) - 0.5)
    axes.set_ylim(-0.5, len(every) - 0.5)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(variant, color=mark.words)


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """Raw, scaled and absorbed beside each other; colour is the mean accuracy."""
    figure = style.new_figure(1.05)
    panels = figure.subplots(1, len(SHOWN), sharey=True)
    for axes, variant in zip(panels, SHOWN, strict=True):
        _panel(axes, frame, variant)
    panels[0].set_ylabel("learning rate")
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    bar = figure.colorbar(
        ScalarMappable(_NORM, COLOURS), ax=panels, orientation="horizontal", aspect=50, pad=0.02, shrink=0.9
    )
    bar.set_ticks([0, 0.2, 0.4, 0.6, 0.8, 1], labels=["0", "0.2", "0.4", "0.6", "0.8", "1"])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    style.heading(figure, "mean accuracy over all steps; marks: the best rate")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """How the best rates move with d_k, and the two extremes of what one shared rate shows at the largest one."""
    first, last = levels(frame, "d_k")[0], levels(frame, "d_k")[-1]
    moves = []
    for variant in SHOWN:
        best = best_rates(frame, variant)
        moves.append(f"{' to '.join(dict.fromkeys(f'{best[d_k]:g}' for d_k in (first, last)))} for {variant}")
    shared = select(frame, quantity="shared_difference", d_k=last)
    gaps = shared["estimate"].to_numpy()
    signs = [
        f"{'+' if gaps[place] > 0 else ''}{number(gaps[place], 2)} at {shared['rate'].iloc[place]:g}"
        for place in dict.fromkeys((int(gaps.argmax()), int(gaps.argmin())))
    ]
    span = f"from $d_k = {first}$ to {last}" if first < last else f"at $d_k = {first}$"
    return (
        f"The best rate is, {span}, {listing(moves)}, with a mean accuracy of {areas_at(frame, last)}. At one rate for "
        f"both, raw minus scaled is there {' and '.join(signs)}. Other runs chose the rates than those that are shown."
    )


def alt(frame: pd.DataFrame) -> str:
    """Every panel's best rate and its mean accuracy, by d_k."""
    parts = []
    for variant in SHOWN:
        areas = select(frame, variant=variant, quantity="area", is_best=1.0)
        places = [
            f"{rate:g} at {d_k} ({number(area)})"
            for rate, d_k, area in zip(areas["rate"], areas["d_k"], areas["estimate"], strict=True)
        ]
        parts.append(f"{variant} {', '.join(places)}")
    every = rates(frame)
    return (
        f"Mean accuracy over d_k and learning rates from {every[0]:g} to {every[-1]:g}. Best rate at each d_k, with "
        f"its mean accuracy: {'; '.join(parts)}."
    )


RATES = FigureSpec("learning-rates", "learning", "The learning rate and the rule", draw, caption, alt)
