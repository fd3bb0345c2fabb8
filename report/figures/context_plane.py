"""A context vector as what it is: a weighted average of the values, drawn in the plane that they live in."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from report.figures import style
from report.figures.labels import Box, place_labels
from report.figures.matrices import MIDDLE, matrix_of, second_row, short, vector, width_of
from report.figures.spec import FigureSpec
from report.wording import count, listing, percent, plain

MODEL = "basic"
LEFT, RIGHT, BOTTOM, TOP = 3.9, 0.9, 4.0, 3.4  # room around the axes, in text sizes
LARGEST, INSIDE, BESIDE = 1.5, 1.4, 0.3  # the disc of the largest weight, the least padding, words from discs


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """The values as discs as large as their weights for the second token, each joined to its context vector."""
    values, weights, context = _parts(frame)
    points = values.to_numpy()
    figure = style.new_figure(1.15)
    figure.set_layout_engine(None)
    width, height = figure.get_size_inches() * 72 / style.em()
    room = (width - LEFT - RIGHT, height - BOTTOM - TOP)
    axes = figure.add_axes((LEFT / width, BOTTOM / height, room[0] / width, room[1] / height))
    diameters = LARGEST * np.sqrt(weights / weights.max())
    labels = [f"{token} {short(weight, 2)}" for token, weight in zip(values.index, weights, strict=True)]
    beside = LARGEST / 2 + 2 * BESIDE + max(width_of(label, is_strong=True) for label in labels)
    unit = np.array([
        _limits(axes.xaxis, axes.set_xlim, points[:, 0], room[0], beside),
        _limits(axes.yaxis, axes.set_ylim, points[:, 1], room[1], INSIDE),
    ])  # fmt: skip
    axes.fill(*_hull(points).T, facecolor=style.BAND, linewidth=0)
    ends = np.full((3 * len(points), 2), np.nan)
    ends[::3], ends[1::3] = points, context
    axes.plot(*ends.T, color=style.faint(style.INK, 0.5), linewidth=0.55 * rcParams["lines.linewidth"])
    discs = axes.scatter(
        points[:, 0], points[:, 1], s=(style.em() * diameters) ** 2, linewidth=0.5 * rcParams["lines.linewidth"],
        clip_on=False, zorder=3,
    )  # fmt: skip
    discs.set(facecolor=style.faint(style.SCALED, 0.6), edgecolor=style.SCALED)  # `scatter` would look them up
    for name, point, marker, face, size in (
        ("with equal weights", points.mean(axis=0), "o", style.BACKGROUND, 0.6),
        (f"context of “{_token(frame)}”", context, "D", style.INK, 0.75),
    ):
        axes.plot(
            *point, marker, markersize=style.em(size), markerfacecolor=face, zorder=4, linestyle="none",
            markeredgecolor=style.INK if face == style.BACKGROUND else style.BACKGROUND,
            markeredgewidth=0.7 * rcParams["lines.linewidth"], label=f"{name} {vector(point)}",
        )  # fmt: skip
    marks = np.vstack([points, context, points.mean(axis=0)]) / unit
    lower = np.array([axes.get_xlim()[0], axes.get_ylim()[0]]) / unit
    boxes = place_labels(
        marks, np.append(diameters / 2, [0.5, 0.4]), np.array([(width_of(label, True), 1.0) for label in labels]),
        marks[-2], Box(*lower, *(lower + room)), BESIDE,
    )  # fmt: skip
    for label, token, box in zip(labels, values.index, boxes, strict=True):
        font = style.strong() if token == _token(frame) else None
        at = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2 - MIDDLE]) * unit
        axes.text(at[0], at[1], label, ha="center", fontproperties=font)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles[::-1], names[::-1], loc="upper right", ncols=2, borderaxespad=0.3, columnspacing=1.4,
        handletextpad=0.2,
    )  # fmt: skip
    axes.set_xlabel("first number of a value vector")
    axes.grid(visible=False)
    style.heading(figure, "second number")
    return figure


def _parts(frame: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64]]:
    """The values (n_tokens, 2), the second token's weights (n_tokens,) and its context vector (2,)."""
    weights, context = (second_row(matrix_of(frame, MODEL, name)).to_numpy() for name in ("weights", "context"))
    return matrix_of(frame, MODEL, "values"), weights, context


def _token(frame: pd.DataFrame) -> str:
    return str(second_row(matrix_of(frame, MODEL, "weights")).name)


def _limits(
    axis: Axis, set_limits: Callable[..., object], places: NDArray[np.float64], room: float, around: float
) -> float:
    """Give the axis room around its places, in text sizes; → data units in a text size."""
    span = float(np.ptp(places)) or 1.0
    unit = span / (room - 2 * around)
    set_limits((places.min() - around * unit, places.min() - around * unit + room * unit))
    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}".replace("-", "−")))
    return unit


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners of the smallest convex shape around points (n, 2), by a chain from either end."""
    ordered = points[np.lexsort(points.T[::-1])]
    corners: list[NDArray[np.float64]] = []
    for way in (ordered, ordered[::-1]):
        chain: list[NDArray[np.float64]] = []
        for point in way:
            while len(chain) > 1 and np.linalg.det([chain[-1] - chain[-2], point - chain[-2]]) <= 0:
                chain.pop()
            chain.append(point)
        corners += chain[:-1]
    return np.array(corners or points)


def caption(frame: pd.DataFrame) -> str:
    """How far the weights, and the average under them, are from equal ones."""
    values, weights, context = _parts(frame)
    shift = float(np.linalg.norm(context - values.to_numpy().mean(axis=0)))
    widest = float(pdist(values).max())
    return (
        f"The context vector of “{_token(frame)}” lies among the {count(len(values), 'value vector')}, pulled to "
        f"those of larger weight (a disc's area, and the number beside it). The weights run from "
        f"{plain(weights.min(), 2)} to {plain(weights.max(), 2)}, equal ones would be {plain(1 / len(weights), 2)}: "
        f"the context vector lies away from their plain average by only {percent(shift / widest)} of the largest "
        f"distance between two values. Grey: all averages that any weights could give."
    )


def alt(frame: pd.DataFrame) -> str:
    """Every point and weight."""
    values, weights, context = _parts(frame)
    parts = [
        f"{token} at {vector(point)} with weight {plain(weight, 2)}"
        for (token, point), weight in zip(values.iterrows(), weights, strict=True)
    ]
    return (
        f"The value vectors in their plane: {listing(parts)}. Their average under these weights, the context vector of "
        f"{_token(frame)}, is {vector(context)}; their plain average is {vector(values.mean())}."
    )


PLANE = FigureSpec(
    "context-plane", "self_attention", "A context vector is a weighted average", draw, caption, alt
)  # fmt: skip
