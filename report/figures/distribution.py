"""The shape of the scores: their density against its exact law and the normal limit, and their excess kurtosis."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator

from report.figures import marks, style
from report.figures.selection import few, levels, select
from report.figures.spec import FigureSpec
from report.wording import count, listing, number, percent

MOST_PANELS = 6
TAIL = 4.0  # standard deviations


@style.styled
def draw_scores(frame: pd.DataFrame) -> Figure:
    """One panel for each d_k: the density of the scaled scores on a logarithmic axis, its law and the normal limit."""
    figure = style.new_figure(0.85)
    dimensions = few(levels(frame, "d_k"), MOST_PANELS)
    panels = figure.subplots(1, len(dimensions), sharey=True, squeeze=False)[0]
    lowest = 0.5 * frame.loc[frame["estimate"] > 0, "estimate"].min()
    for axes, d_k in zip(panels, dimensions, strict=True):
        rows = select(frame, quantity="density", d_k=d_k).sort_values("bin_low")
        middles = (rows["bin_low"] + rows["bin_high"]) / 2
        seen = rows["estimate"] > 0
        marks.exact(axes, middles, rows["prediction"])
        marks.limit(axes, middles, rows["normal"])
        marks.intervals(
            axes, middles[seen], rows["low"][seen].clip(lower=lowest), rows["high"][seen], style.SCALED, width=0.6
        )
        axes.plot(
            middles[seen], rows["estimate"][seen], linestyle="none", marker="s", color=style.SCALED,
            markersize=0.32 * rcParams["lines.markersize"], markeredgewidth=0,
        )  # fmt: skip
        axes.set_title(f"$d_k$ = {d_k}")
        axes.set_yscale("log")
        axes.set_ylim(lowest, 1.5 * frame["high"].max())
        axes.xaxis.set_major_locator(FixedLocator([-5, 0, 5]))
        axes.yaxis.set_major_locator(LogLocator(numticks=9))
        axes.yaxis.set_minor_locator(FixedLocator([]))
    law = "exact law (thin line), " if np.isfinite(frame["prediction"]).all() else ""
    style.heading(figure, f"density of the scaled scores: measured, {law}normal curve (dotted)")
    figure.supxlabel("$q\\cdot k\\,/\\sqrt{d_k}$", fontsize=style.em())
    return figure


def _tails(frame: pd.DataFrame) -> pd.DataFrame:
    """Measured, exact and normal share of scores in the bins beyond `TAIL`, one row for each d_k."""
    outside = frame[(frame["bin_low"] >= TAIL - 1e-9) | (frame["bin_high"] <= 1e-9 - TAIL)]
    columns = ["estimate", "prediction", "normal"]
    shares = outside[columns].mul(outside["bin_high"] - outside["bin_low"], axis=0)
    return shares.groupby(outside["d_k"]).sum(min_count=1)


def caption_scores(frame: pd.DataFrame) -> str:
    """The tails at the smallest and the largest d_k."""
    tails = _tails(frame)
    least, most = tails.index[0], tails.index[-1]
    exact = [f" (exact: {percent(share)})" if np.isfinite(share) else "" for share in tails["prediction"]]
    return (
        f"The larger $d_k$, the nearer the scores come to the normal curve. At $d_k = {least}$, "
        f"{percent(tails['estimate'].iloc[0])} of them lie between {TAIL:g} and {frame['bin_high'].max():g} standard "
        f"deviations from zero{exact[0]}; at $d_k = {most}$ it is {percent(tails['estimate'].iloc[-1])}{exact[-1]}, "
        f"and the normal curve has {percent(tails['normal'].iloc[-1])}."
    )


def alt_scores(frame: pd.DataFrame) -> str:
    """The tails of every panel."""
    tails = _tails(frame)
    shares = "; ".join(f"{percent(share)} at d_k = {d_k}" for d_k, share in tails["estimate"].items())
    return (
        f"Densities of the scaled scores on a logarithmic axis, one panel for each d_k, with the normal curve. "
        f"Share of scores beyond {TAIL:g} standard deviations: {shares}; normal curve "
        f"{percent(tails['normal'].iloc[-1])}."
    )


def _kurtosis(frame: pd.DataFrame, rule: str = "raw") -> pd.DataFrame:
    return select(frame, quantity="excess_kurtosis", rule=rule)


@style.styled
def draw_kurtosis(frame: pd.DataFrame) -> Figure:
    """Excess kurtosis and its law; on a logarithmic axis where the law is positive, which an interval may leave."""
    figure = style.new_figure()
    axes = figure.add_subplot()
    rows = _kurtosis(frame)
    marks.exact(axes, rows["d_k"], rows["prediction"])
    is_positive = rows["prediction"].min() > 0
    floor = 0.4 * rows["prediction"].min() if is_positive else rows["low"].min()
    raw, scaled = (marks.assign(low=marks["low"].clip(lower=floor)) for marks in (rows, _kurtosis(frame, "scaled")))
    marks.one_inside_the_other(axes, raw, scaled)
    style.log2_axis(axes, "x", rows["d_k"])
    if is_positive:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(FixedLocator([]))
        axes.set_ylim(floor, 2 * max(rows["high"].max(), rows["prediction"].max()))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    axes.set_xlabel("dimension of queries and keys, $d_k$")
    style.heading(figure, "excess kurtosis of the scores")
    style.end_labels(axes, [style.EndLabel(rows["prediction"].iloc[-1], f"law: ${_coefficient(rows):g}/d_k$")])
    return figure


def _coefficient(rows: pd.DataFrame) -> float:
    """The law's excess kurtosis times d_k: 6 for normal entries."""
    return float(round(rows["prediction"].iloc[0] * rows["d_k"].iloc[0], 6))


def caption_kurtosis(frame: pd.DataFrame) -> str:
    """First values, and where the noise takes over."""
    rows = _kurtosis(frame)
    first, middle = rows.iloc[0], rows.iloc[len(rows) // 3]
    zero = rows[rows["low"] <= 0]["d_k"]
    noise = (
        f" At {count(len(zero), 'dimension')}, the smallest $d_k = {zero.iloc[0]}$, the 95 % interval reaches zero and "
        "runs out at the bottom; an estimate below zero has no mark."
        if len(zero) and rows["prediction"].min() > 0
        else ""
    )
    values = [
        f"{number(row['estimate'])} at $d_k = {row['d_k']}$ (law: {number(row['prediction'])})"
        for row in (first, middle)
    ]
    return (
        f"The excess over a normal curve's kurtosis goes like ${_coefficient(rows):g}/d_k$: {listing(values)}. The "
        f"division changes the scores' width, not their shape, so both rules have the same.{noise}"
    )


def alt_kurtosis(frame: pd.DataFrame) -> str:
    """The first half of the points beside the law."""
    rows = _kurtosis(frame).iloc[: max(1, len(_kurtosis(frame)) // 2)]
    points = "; ".join(
        f"{number(row['estimate'])} at d_k = {row['d_k']} (law {number(row['prediction'])})"
        for _, row in rows.iterrows()
    )
    return f"Excess kurtosis of the scores against d_k with the law {_coefficient(rows):g}/d_k: {points}."


SCORES = FigureSpec(
    "distribution-of-scores", "distribution", "Shape of the scores", draw_scores, caption_scores, alt_scores
)
KURTOSIS = FigureSpec("excess-kurtosis", "variance", "Excess kurtosis", draw_kurtosis, caption_kurtosis, alt_kurtosis)
