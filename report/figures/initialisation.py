"""Variance of the scores that untrained layers start from, without and with layer norm."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from experiments.initialisation import LAYERS
from report.figures import marks, style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import number, power_of_ten

PANELS = (("none", "inputs as they are"), ("layer", "after layer norm"))


def variances(frame: pd.DataFrame, norm: str, input_sd: float) -> pd.DataFrame:
    """Measured and exact variance of each layer's scaled scores, in the order of the layers."""
    rows = select(frame, quantity="variance", norm=norm, input_sd=input_sd)
    return rows.set_index("layer").loc[[layer for layer in LAYERS if layer in set(rows["layer"])]]


def sizes(frame: pd.DataFrame) -> list[float]:
    """The inputs' standard deviations, 1 first."""
    return sorted(float(sd) for sd in frame["input_sd"].unique())


def _draw_panel(axes: Axes, frame: pd.DataFrame, norm: str) -> None:
    """For each layer the variance at both sizes of inputs, and a tick of ink where the exact value is."""
    both = (1.5, 0.9) if style.medium().is_fixed else (1.25, 0.6)  # one inside the other
    for sd, mark, size, label in zip(
        sizes(frame), (marks.RULES["scaled"], marks.FACTOR), both, ("1", ""), strict=False
    ):
        rows = variances(frame, norm, sd)
        y = np.arange(len(rows))
        axes.vlines(
            rows["prediction"], y - 0.36, y + 0.36, color=style.INK, linewidth=0.65 * rcParams["lines.linewidth"]
        )
        marks.intervals_across(axes, y, rows["low"], rows["high"], mark.colour)
        axes.plot(
            rows["estimate"], y, linestyle="none", color=mark.colour, marker=mark.marker, markerfacecolor=mark.face,
            markersize=size * rcParams["lines.markersize"], markeredgewidth=0, label=f"sd {label or f'{sd:g}'}",
        )  # fmt: skip


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """Without layer norm on the left, with it on the right, on one logarithmic axis each."""
    figure = style.new_figure(0.9)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, (norm, title) in zip(panels, PANELS, strict=True):
        _draw_panel(axes, frame, norm)
        marks.limit_at(axes, 1.0)
        axes.set_title(title)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
    panels[0].set_yticks(range(len(LAYERS)), [layer.words for layer in LAYERS.values()])
    panels[0].set_ylim(len(LAYERS) - 0.5, -0.5)
    estimates = select(frame, quantity="variance")["estimate"]
    exponents = np.arange(np.floor(np.log10(estimates.min())), np.ceil(np.log10(estimates.max())) + 1)
    panels[0].set_xscale("log")
    panels[0].set_xlim(10 ** (exponents[0] - 0.1), 10 ** (exponents[-1] + 0.1))
    step = 1 if len(exponents) <= 6 and not style.medium().is_fixed else 2
    panels[0].xaxis.set_major_locator(FixedLocator(list(10 ** exponents[exponents % step == 0])))
    panels[0].xaxis.set_minor_locator(FixedLocator([]))
    panels[0].xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" if 1e-3 < value < 1e4 else power_of_ten(value, 0))
    )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=2, borderaxespad=0.1, columnspacing=1)
    style.heading(figure, "variance of $q \\cdot k/\\sqrt{d_k}$ (ticks: exact; dots: 1), inputs of")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """The range over the layers, and what the inputs' size does with and without layer norm."""
    unit, other = sizes(frame)[0], sizes(frame)[-1]
    normalised = variances(frame, "layer", unit)["estimate"]
    low, high = (str(layer) for layer in (normalised.idxmin(), normalised.idxmax()))
    as_they_are, larger = (variances(frame, "none", sd)["estimate"]["linear"] for sd in (unit, other))
    after = variances(frame, "layer", other)["estimate"]["linear"]
    shape = frame.iloc[0]
    return (
        f"One head of $d_k = {shape['d_k']}$ over inputs of {shape['d_in']} numbers. After layer norm the scaled "
        f"scores have a variance from {number(normalised[low])} ({LAYERS[low].words}) to {number(normalised[high])} "
        f"({LAYERS[high].words}); the division alone does not make it 1 (dotted). Without layer norm inputs of "
        f"standard deviation {other:g} (green) take a linear layer’s from {number(as_they_are)} to {number(larger)}; "
        f"with it they leave {number(after)}."
    )


def alt(frame: pd.DataFrame) -> str:
    """Every layer's four variances."""
    parts = []
    for layer in LAYERS:
        values = [
            number(float(variances(frame, norm, sd)["estimate"][layer])) for norm, _ in PANELS for sd in sizes(frame)
        ]
        parts.append(f"{layer}: {', '.join(values[:2])} without, {', '.join(values[2:])} with")
    unit, other = sizes(frame)[0], sizes(frame)[-1]
    return (
        f"Variance of scaled scores of untrained layers, for inputs of standard deviation {unit:g} and {other:g}, "
        f"without and with layer norm. {'; '.join(parts)}."
    )


SCORES = FigureSpec(
    "initial-scores", "initialisation", "The variance of the scores that a layer starts from", draw, caption, alt
)
