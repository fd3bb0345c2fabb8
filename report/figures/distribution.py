"""The shape of the scores: their density against the normal curve, and their excess kurtosis."""

import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator

from report.figures import style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number, percent

TAIL = 4.0  # standard deviations


@style.styled
def draw_scores(frame: pd.DataFrame) -> Figure:
    """One panel for each d_k: the density of the scaled scores on a logarithmic axis, with the normal curve."""
    figure = style.new_figure(0.85)
    dimensions = levels(frame, "d_k")
    panels = figure.subplots(1, len(dimensions), sharey=True, squeeze=False)[0]
    lowest = 0.5 * frame.loc[frame["estimate"] > 0, "estimate"].min()
    for axes, d_k in zip(panels, dimensions, strict=True):
        rows = select(frame, quantity="density", d_k=d_k).sort_values("bin_low")
        middles = (rows["bin_low"] + rows["bin_high"]) / 2
        seen = rows["estimate"] > 0
        style.exact(axes, middles, rows["prediction"])
        style.intervals(
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
    style.heading(figure, "density of the scaled scores, and the normal curve (thin line)")
    figure.supxlabel("$q\\cdot k\\,/\\sqrt{d_k}$", fontsize=style.em())
    return figure


def _tails(frame: pd.DataFrame) -> pd.DataFrame:
    """Measured and normal share of scores in the bins beyond `TAIL`, one row for each d_k."""
    outside = frame[(frame["bin_low"] >= TAIL - 1e-9) | (frame["bin_high"] <= 1e-9 - TAIL)]
    width = outside["bin_high"] - outside["bin_low"]
    shares = outside.assign(estimate=outside["estimate"] * width, prediction=outside["prediction"] * width)
    return shares.groupby("d_k")[["estimate", "prediction"]].sum()


def caption_scores(frame: pd.DataFrame) -> str:
    """The tails at the smallest and the largest d_k."""
    tails = _tails(frame)
    least, most = tails.index[0], tails.index[-1]
    return (
        f"The larger $d_k$, the nearer the scores come to the normal curve. At $d_k = {least}$, "
        f"{percent(tails['estimate'].iloc[0])} of them lie between {TAIL:g} and {frame['bin_high'].max():g} standard "
        f"deviations from zero; at $d_k = {most}$ it is {percent(tails['estimate'].iloc[-1])}, and the normal curve "
        f"has {percent(tails['prediction'].iloc[-1])}."
    )


def alt_scores(frame: pd.DataFrame) -> str:
    """The tails of every panel."""
    tails = _tails(frame)
    shares = "; ".join(f"{percent(share)} at d_k = {d_k}" for d_k, share in tails["estimate"].items())
    return (
        f"Densities of the scaled scores on a logarithmic axis, one panel for each d_k, with the normal curve. "
        f"Share of scores beyond {TAIL:g} standard deviations: {shares}; normal curve "
        f"{percent(tails['prediction'].iloc[-1])}."
    )


def _kurtosis(frame: pd.DataFrame, rule: str = "raw") -> pd.DataFrame:
    return select(frame, quantity="excess_kurtosis", rule=rule)


@style.styled
def draw_kurtosis(frame: pd.DataFrame) -> Figure:
    """Excess kurtosis and 6/d_k on logarithmic axes; intervals that reach zero run out at the bottom."""
    figure = style.new_figure()
    axes = figure.add_subplot()
    rows = _kurtosis(frame)
    style.exact(axes, rows["d_k"], rows["prediction"])
    floor = 0.4 * rows["prediction"].min()
    raw, scaled = (marks.assign(low=marks["low"].clip(lower=floor)) for marks in (rows, _kurtosis(frame, "scaled")))
    style.one_inside_the_other(axes, raw, scaled)
    style.log2_axis(axes, "x", rows["d_k"])
    style.log2_axis(axes, "y", rows["prediction"])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.set_ylim(floor, 2 * max(rows["high"].max(), rows["prediction"].max()))
    axes.set_xlabel("dimension of queries and keys, $d_k$")
    style.heading(figure, "excess kurtosis of the scores")
    style.end_labels(axes, [style.EndLabel(rows["prediction"].iloc[-1], "law: $6/d_k$")])
    return figure


def caption_kurtosis(frame: pd.DataFrame) -> str:
    """First values, and where the noise takes over."""
    rows = _kurtosis(frame)
    first, middle = rows.iloc[0], rows.iloc[len(rows) // 3]
    zero = rows[rows["low"] <= 0]["d_k"]
    noise = f" From $d_k = {zero.iloc[0]}$ on, 95 % intervals reach zero and leave at the bottom." if len(zero) else ""
    return (
        f"The excess over a normal curve's kurtosis falls like $6/d_k$: {number(first['estimate'])} at "
        f"$d_k = {first['d_k']}$ (law: {number(first['prediction'])}) and {number(middle['estimate'])} at "
        f"$d_k = {middle['d_k']}$ (law: {number(middle['prediction'])}). The division changes the scores' width, not "
        f"their shape, so both rules have the same.{noise}"
    )


def alt_kurtosis(frame: pd.DataFrame) -> str:
    """The first half of the points beside the law."""
    rows = _kurtosis(frame).iloc[: max(1, len(_kurtosis(frame)) // 2)]
    points = "; ".join(
        f"{number(row['estimate'])} at d_k = {row['d_k']} (law {number(row['prediction'])})"
        for _, row in rows.iterrows()
    )
    return f"Excess kurtosis of the scores against d_k on logarithmic axes, with the law 6/d_k: {points}."


SCORES = FigureSpec(
    "distribution-of-scores", "distribution", "Shape of the scores", draw_scores, caption_scores, alt_scores
)
KURTOSIS = FigureSpec("excess-kurtosis", "variance", "Excess kurtosis", draw_kurtosis, caption_kurtosis, alt_kurtosis)
