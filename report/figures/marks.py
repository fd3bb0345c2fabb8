"""How each kind of value is drawn: measured ones as points with intervals, exact ones as lines, limits as dots.

One meaning per colour: raw is orange (circles, dashed), scaled is blue (squares, solid), further rules are green
(another factor) and pink (normalised vectors), an exact law is a thin line in ink, and what it tends to is dotted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from report.figures.style import figure_of
from report.figures.theme import BACKGROUND, GREEN, GREEN_TEXT, INK, PINK, PINK_TEXT, RAW, RAW_TEXT, SCALED


@dataclass(frozen=True)
class Mark:
    """How one kind of measured value is drawn."""

    colour: str
    marker: str
    face: str
    line: str = "none"
    text: str = ""  # the colour of words about it, where `colour` would be too pale

    @property
    def words(self) -> str:
        """The colour of words about it."""
        return self.text or self.colour


RULES = {"raw": Mark(RAW, "o", BACKGROUND, "--", RAW_TEXT), "scaled": Mark(SCALED, "s", SCALED, "-")}
# further rules: by what they change
FACTOR, NORMALISED = Mark(GREEN, "D", GREEN, text=GREEN_TEXT), Mark(PINK, "^", PINK, text=PINK_TEXT)
VERDICTS = {
    "confirmed": Mark(INK, "o", INK),
    "undecided": Mark(INK, "D", BACKGROUND),
    "refuted": Mark(INK, "X", INK),
}


def intervals(axes: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, width: float = 1.0) -> None:
    """Interval bars from `low` to `high`, as one path, `width` times the usual line."""
    ends = np.column_stack([low, high, np.full(np.shape(low), np.nan)]).ravel()
    places = np.repeat(np.asarray(x, dtype=float), 3)
    axes.plot(places, ends, color=colour, marker="none", linestyle="-", linewidth=width * rcParams["lines.linewidth"])


def intervals_across(
    axes: Axes, y: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, width: float = 1.0
) -> None:
    """The same from left to right, at heights y."""
    ends = np.column_stack([low, high, np.full(np.shape(low), np.nan)]).ravel()
    places = np.repeat(np.asarray(y, dtype=float), 3)
    axes.plot(ends, places, color=colour, marker="none", linestyle="-", linewidth=width * rcParams["lines.linewidth"])


def measured(axes: Axes, rows: pd.DataFrame, rule: str, join: bool = False, size: float = 1.0) -> None:
    """Estimates with their intervals against d_k; joined only where no law is there to lead the eye."""
    mark = RULES[rule]
    intervals(axes, rows["d_k"], rows["low"], rows["high"], mark.colour, width=min(size, 1.0))
    thin = min(size, 1.0)
    axes.plot(
        rows["d_k"], rows["estimate"], color=mark.colour, marker=mark.marker, markerfacecolor=mark.face, label=rule,
        linestyle=mark.line if join else "none", linewidth=thin * rcParams["lines.linewidth"],
        markersize=size * rcParams["lines.markersize"], markeredgewidth=thin * rcParams["lines.markeredgewidth"],
    )  # fmt: skip


def side_by_side(axes: Axes, raw: pd.DataFrame, scaled: pd.DataFrame) -> None:
    """Both rules' estimates a little beside their d_k, raw to the left: for a law that is level."""
    for rows, rule, shift in ((raw, "raw", -0.14), (scaled, "scaled", 0.14)):  # in octaves
        measured(axes, rows.assign(d_k=rows["d_k"] * 2**shift), rule, size=0.8)
    key(axes)


def one_inside_the_other(axes: Axes, raw: pd.DataFrame, scaled: pd.DataFrame) -> None:
    """Both rules' estimates at their d_k, scaled inside raw: for a law with a slope."""
    measured(axes, raw, "raw", size=1.5)
    intervals(axes, scaled["d_k"], scaled["low"], scaled["high"], SCALED)
    measured(axes, scaled, "scaled", size=0.65)
    key(axes)


def key(axes: Axes) -> None:
    """Name the rules at the top right."""
    for text in figure_of(axes).legend(loc="upper right", ncols=2, borderaxespad=0.1, columnspacing=1).get_texts():
        text.set_color(RULES[text.get_text()].words)


def exact(axes: Axes, x: ArrayLike, y: ArrayLike) -> None:
    """An exact law: a thin line in ink, under the points, through the given values."""
    axes.plot(x, y, color=INK, linewidth=0.65 * rcParams["lines.linewidth"], zorder=1.5)


def exact_curve(axes: Axes, x: ArrayLike, y: ArrayLike, logarithmic: bool = False) -> None:
    """An exact law known at a few x > 0 of a logarithmic axis: a smooth line through them, monotone between them.

    `logarithmic` tells that the vertical axis is, too.
    """
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(places) > 2:
        fine = np.linspace(0, len(places) - 1, 6 * (len(places) - 1) + 1)
        u = np.interp(fine, np.arange(len(places)), np.log(places))
        curve = PchipInterpolator(np.log(places), np.log(values) if logarithmic else values)(u)
        places, values = np.exp(u), np.exp(curve) if logarithmic else curve
    exact(axes, places, values)


def limit(axes: Axes, x: ArrayLike, y: ArrayLike) -> None:
    """What a law tends to: a dotted line in ink."""
    axes.plot(x, y, **_dots())


def limit_at(axes: Axes, x: float) -> None:
    """A place that only a limit has, or that was hoped for: a dotted vertical line in ink."""
    axes.axvline(x, **_dots())


def _dots() -> dict[str, Any]:
    width = 0.7 * rcParams["lines.linewidth"]
    return {"color": INK, "linewidth": width, "linestyle": (0, (1, 2.5)), "zorder": 1.4}
