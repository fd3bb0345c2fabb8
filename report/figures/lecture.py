"""How widely runs of the lecture's variance demo scatter, with the lecture's own runs among them."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from experiments.lecture import VARIANCE_PAIRS, VARIANCES
from report.figures import marks, style
from report.figures.selection import few, levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number, percent

MOST_PANELS = 4


def _margin(frame: pd.DataFrame) -> float:
    """In percent."""
    return 100 * float(frame["margin"].iloc[0])


def _percent_off(rows: pd.DataFrame) -> pd.Series:
    return 100 * (rows["variance_raw"] / rows["prediction_raw"] - 1)


@style.styled
def draw_scatter(frame: pd.DataFrame) -> Figure:
    """A histogram of relative deviations for each d_k, one above the other, over the predicted bell."""
    import seaborn  # half a second for all of scipy.stats, which a page of figures drawn earlier does without

    figure = style.new_figure(1.05)
    dimensions = few(levels(frame, "d_k"), MOST_PANELS)
    panels = figure.subplots(len(dimensions), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    reach = 5 * np.ceil(1.05 * _percent_off(frame).abs().max() / 5)
    edges = np.arange(-reach, reach + 0.5, 1.0)
    fine = np.linspace(-reach, reach, 201)
    for axes, d_k in zip(panels, dimensions, strict=True):
        rows = select(frame, d_k=d_k)
        axes.axvspan(-_margin(frame), _margin(frame), color=style.BAND, linewidth=0)
        seaborn.histplot(
            x=_percent_off(rows), bins=list(edges), element="step", color=style.RAW, alpha=0.25, ax=axes,
            linewidth=0.6 * rcParams["lines.linewidth"],
        )  # fmt: skip
        axes.collections[-1].set(facecolor=(style.RAW, 0.25), edgecolor=style.RAW)  # seaborn has looked them up
        axes.set(xlabel="", ylabel="")
        width = 100 * rows["relative_sd"].iloc[0]
        bell = len(rows) * np.exp(-((fine / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
        marks.exact(axes, fine, bell)
        published = [100 * (before / d_k - 1) for before, _ in VARIANCES.get(d_k, ())]
        axes.plot(
            published, np.zeros(len(published)), linestyle="none", marker="D", color=style.INK, clip_on=False,
            markerfacecolor=style.BACKGROUND, markersize=rcParams["lines.markersize"], zorder=3,
        )  # fmt: skip
        axes.grid(visible=False)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.annotate(f"$d_k$ = {d_k}", (0, 0.55), xycoords="axes fraction", va="center")
    panels[0].set_ylim(bottom=0)
    panels[0].set_xlim(-reach, reach)
    panels[0].xaxis.set_major_locator(MultipleLocator(5))
    panels[0].xaxis.set_major_formatter(lambda value, _: f"{value:+g} %".replace("-", "−") if value else "law")
    panels[-1].set_xlabel("variance in one run, relative to the law")
    band = f" (band: ±{_margin(frame):g} %)" if style.medium().is_fixed else ""
    style.heading(figure, f"{_runs(frame)} runs of {frame['n_pairs'].iloc[0]} pairs each{band}")
    _key(panels[0], frame)
    return figure


def _key(axes: Axes, frame: pd.DataFrame) -> None:
    """Name the things drawn, at the right of the first panel; on a slide, where it is low, without the band."""
    lines = ((0.92, "runs", style.RAW_TEXT), (0.70, "predicted (normal)", style.INK),
             (0.48, "◇ the lecture’s runs", style.INK), (0.26, f"band: ±{_margin(frame):g} %", style.INK))  # fmt: skip
    for i, (height, text, colour) in enumerate(lines[: 3 if style.medium().is_fixed else 4]):
        at, down = ((1, 1), -style.em(0.3 + 1.25 * i)) if style.medium().is_fixed else ((1, height), 0.0)
        axes.annotate(
            text, at, xycoords="axes fraction", xytext=(0, down), textcoords="offset points", ha="right", va="center",
            color=colour,
        )  # fmt: skip


def _runs(frame: pd.DataFrame) -> int:
    return int(frame.groupby("d_k").size().min())


def _published(frame: pd.DataFrame) -> list[float]:
    """Distances of the lecture's printed runs from the law, in predicted standard deviations, at the frame's d_k."""
    return [
        abs(before / d_k - 1) / np.sqrt((2 + 6 / d_k) / VARIANCE_PAIRS)
        for d_k in levels(frame, "d_k")
        for before, _ in VARIANCES.get(d_k, ())
    ]


def caption_scatter(frame: pd.DataFrame) -> str:
    """How rarely one run lands within the margin, and where the lecture's landed."""
    off, margin = _percent_off(frame).abs(), _margin(frame)
    published = _published(frame)
    lecture = (
        f" The lecture's {len(published)} printed runs all lie within {number(max(published), 2)} predicted standard "
        "deviations of the law."
        if published
        else ""
    )
    return (
        f"{percent(float((off <= margin).mean()))} of the runs come within ±{margin:g} % of the law, the rest miss it "
        f"by more.{lecture}"
    )


def alt_scatter(frame: pd.DataFrame) -> str:
    """The spread for each d_k."""
    parts = []
    for d_k in levels(frame, "d_k"):
        off = _percent_off(select(frame, d_k=d_k))
        parts.append(f"d_k = {d_k}, from {number(off.min(), 2)} % to {number(off.max(), 2)} %")
    shown = [d_k for d_k in levels(frame, "d_k") if d_k in VARIANCES]
    marked = f" The lecture's runs are marked for d_k = {listing(shown)}." if shown else ""
    return (
        f"Histograms of the relative deviation of the variance over {_runs(frame)} runs of {frame['n_pairs'].iloc[0]} "
        f"pairs: {'; '.join(parts)}.{marked}"
    )


SCATTER = FigureSpec(
    "lecture-scatter", "lecture_demo", "How widely runs scatter", draw_scatter, caption_scatter, alt_scatter
)
