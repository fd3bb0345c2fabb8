"""How mean and standard deviation of q·k grow with d_k when queries and keys are aligned."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number

FURTHER = ("D", "^", "v", "<", ">")  # markers of the correlations above 0
PANELS = (("mean", "mean of $q \\cdot k$"), ("sd", "standard deviation of $q \\cdot k$"))


def correlations(frame: pd.DataFrame) -> list[float]:
    """The correlations of the frame, ascending."""
    return sorted(float(rho) for rho in frame["rho"].unique())


def _marks(frame: pd.DataFrame) -> dict[float, marks.Mark]:
    """Independent vectors are the raw scores of every other figure; aligned ones are green, equal ones pink."""
    found = {}
    for rho, marker in zip([r for r in correlations(frame) if r > 0], FURTHER * 2, strict=False):
        colour = style.PINK if rho == 1 else style.GREEN
        found[rho] = marks.Mark(colour, marker, colour)
    return {0.0: marks.RULES["raw"], **found}


def _series(axes: Axes, rows: pd.DataFrame, mark: marks.Mark, size: float) -> None:
    """Points with intervals on their exact line; what is not positive has no place on a logarithmic axis."""
    marks.exact(axes, rows["d_k"], rows["prediction"])
    points = rows[rows["estimate"] > 0]
    marks.intervals(axes, points["d_k"], points["low"].clip(points["estimate"] / 8), points["high"], mark.colour)
    axes.plot(
        points["d_k"], points["estimate"], linestyle="none", color=mark.colour, marker=mark.marker,
        markerfacecolor=mark.face, markersize=size * rcParams["lines.markersize"],
    )  # fmt: skip


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """The mean on the left, the standard deviation on the right, on the same axes."""
    figure = style.new_figure(0.95)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    mark_of = _marks(frame)
    for axes, (quantity, title) in zip(panels, PANELS, strict=True):
        labels = []
        for rho in correlations(frame):
            rows = select(frame, quantity=quantity, rho=rho)
            if not np.all(rows["prediction"] > 0):
                continue  # a mean of 0
            _series(axes, rows, mark_of[rho], size=0.8 if rho else 1.4)
            labels.append(style.EndLabel(rows["prediction"].iloc[-1], f"$\\rho$ = {rho:g}"))
        axes.set_title(title)
        style.end_labels(axes, labels)
    positive = frame[frame["quantity"].isin(["mean", "sd"]) & (frame["prediction"] > 0)]["prediction"]
    style.log2_axis(panels[0], "y", positive)
    style.log2_axis(panels[0], "x", frame["d_k"], most=6)
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    style.heading(figure, "measured (marks), and exact (thin lines)")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """How much both grow from the first d_k to the last, for the strongest correlation."""
    rho, dimensions = correlations(frame)[-1], levels(frame, "d_k")
    mean, sd = (select(frame, quantity=quantity, rho=rho)["estimate"] for quantity in ("mean", "sd"))
    first, last = dimensions[0], dimensions[-1]
    ends = (
        f"from {number(mean.iloc[0])} and {number(sd.iloc[0])} at $d_k = {first}$ to {number(mean.iloc[-1])} and "
        f"{number(sd.iloc[-1])} at $d_k = {last}$"
        if first < last
        else f"{number(mean.iloc[0])} and {number(sd.iloc[0])} at $d_k = {first}$"
    )
    is_missing = " Independent vectors have a mean of 0, which has no place on the left."
    return (
        f"Where $q_i$ and $k_i$ have the correlation $\\rho = {rho:g}$, mean and standard deviation of the dot product "
        f"are, as measured, {ends}. The lines on the left rise like $d_k \\rho$, those on the right like "
        f"$\\sqrt{{d_k (1 + \\rho^2)}}$.{is_missing if correlations(frame)[0] == 0 else ''}"
    )


def alt(frame: pd.DataFrame) -> str:
    """Both quantities at the ends, for every correlation."""
    parts = []
    for rho in correlations(frame):
        for quantity, words in (("mean", "mean"), ("sd", "standard deviation")):
            estimates = select(frame, quantity=quantity, rho=rho)["estimate"]
            ends = dict.fromkeys((number(estimates.iloc[0]), number(estimates.iloc[-1])))
            parts.append(f"{words} at correlation {rho:g}: {' to '.join(ends)}")
    dimensions = levels(frame, "d_k")
    return f"Dot products of aligned vectors, d_k from {dimensions[0]} to {dimensions[-1]}. {'; '.join(parts)}."


MEAN_AND_SD = FigureSpec("aligned-products", "aligned", "When queries and keys are aligned", draw, caption, alt)
