"""The query's gradient against d_k: mean, median and spread over rows, dead rows, and the share of the top percent."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.gradient_sizes import LOST, TOP
from report.figures import marks, style
from report.figures.saturation import logarithmic_axis, panels_against_d
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number, percent
from scaling.saturation import DEAD_TRACE

FLOOR = 1e-8  # where the vertical axis ends
SHARES = {"dead_share": "dead rows", "top_share": f"share of the top {100 * TOP:g} %"}


def of_query(frame: pd.DataFrame, statistic: str, rule: str, n_keys: int) -> pd.DataFrame:
    """The rows of one statistic of ‖∂L/∂q‖²."""
    return select(frame, quantity="query_norm2", statistic=statistic, rule=rule, n_keys=n_keys)


def _band(axes: Axes, frame: pd.DataFrame, rule: str, n_keys: int) -> None:
    """Between which values half of the rows lie, and nine in ten, in the rule's colour."""
    for low, high, opacity in (("q05", "q95", 0.14), ("q25", "q75", 0.22)):
        ends = [of_query(frame, name, rule, n_keys) for name in (low, high)]
        lowest, highest = (rows["estimate"].to_numpy().clip(FLOOR / 10) for rows in ends)
        colour = style.faint(marks.RULES[rule].colour, opacity)
        axes.fill_between(ends[0]["d_k"], lowest, highest, facecolor=colour, linewidth=0, zorder=1)


def _lines(axes: Axes, frame: pd.DataFrame, rule: str, n_keys: int) -> list[style.EndLabel]:
    """The mean's points on the exact line and the median's, joined and smaller; returns the labels of their ends."""
    mean, median = (of_query(frame, name, rule, n_keys) for name in ("mean", "median"))
    marks.exact_curve(axes, mean["d_k"], mean["prediction"], logarithmic=True)
    marks.measured(axes, mean, rule, size=0.8)
    mark = marks.RULES[rule]
    axes.plot(
        median["d_k"], median["estimate"], color=mark.colour, marker="v", markerfacecolor=mark.face,
        linestyle=mark.line, linewidth=0.8 * rcParams["lines.linewidth"],
        markersize=0.7 * rcParams["lines.markersize"], markeredgewidth=0.8 * rcParams["lines.markeredgewidth"],
    )  # fmt: skip
    return [
        style.EndLabel(max(rows["estimate"].iloc[-1], FLOOR), f"{rule}, {name}", mark.words)
        for name, rows in (("mean", mean), ("median", median))
    ]


@style.styled
def draw_against_d(frame: pd.DataFrame) -> Figure:
    """A panel for each number of keys, both rules in each."""
    figure = style.new_figure(1.05)
    panels = panels_against_d(figure, frame)[0]
    labels: list[style.EndLabel] = []
    for axes, n_keys in zip(panels, levels(frame, "n_keys"), strict=True):
        for rule in marks.RULES:
            _band(axes, frame, rule, n_keys)
        labels = [label for rule in marks.RULES for label in _lines(axes, frame, rule, n_keys)]
    shown = select(frame, quantity="query_norm2")
    logarithmic_axis(panels[0], shown[shown["statistic"].isin(["mean", "median", "q95"])], FLOOR)
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    style.heading(figure, "$\\|\\partial L / \\partial q\\|^2$: mean and median; bands: half of the rows, 90 % of them")
    style.end_labels(panels[-1], labels)
    return figure


def _tick(value: float) -> str:
    """A power of ten."""
    return f"{value:g}" if 0.01 <= value < 1000 else number(value, 1).removeprefix("1\u00a0×\u00a0")


def size(value: float) -> str:
    """A squared norm in words: what is near the smallest that is kept may be smaller still."""
    return number(value, 2) if value > 2 * LOST else f"below {number(2 * LOST, 1)}"


def _at_the_end(frame: pd.DataFrame) -> tuple[int, int]:
    """The fewest keys and the largest d_k."""
    return levels(frame, "n_keys")[0], levels(frame, "d_k")[-1]


def _last(frame: pd.DataFrame, quantity: str, statistic: str, rule: str) -> float:
    n_keys, d_k = _at_the_end(frame)
    rows = select(frame, quantity=quantity, statistic=statistic, rule=rule, n_keys=n_keys, d_k=d_k)
    return float(rows["estimate"].iloc[0])


def caption_against_d(frame: pd.DataFrame) -> str:
    """Mean and median of both rules at the end, and how far the bands reach."""
    n_keys, d_k = _at_the_end(frame)
    mean, median = (
        {rule: size(_last(frame, "query_norm2", statistic, rule)) for rule in marks.RULES}
        for statistic in ("mean", "median")
    )
    is_above = _last(frame, "query_norm2", "mean", "raw") > _last(frame, "query_norm2", "q75", "raw")
    above = " The raw mean lies above three quarters of its rows." if is_above else ""
    return (
        f"Over {n_keys} keys at $d_k = {d_k}$ the mean is {mean['raw']} without the division and {mean['scaled']} with "
        f"it. The median is {median['raw']} and {median['scaled']}.{above} One raw row in twenty lies above "
        f"{size(_last(frame, 'query_norm2', 'q95', 'raw'))}. Circles and squares: means, on the thin lines of their "
        f"exact law; triangles: medians. Below {_tick(FLOOR)} lines run out at the bottom."
    )


def alt_against_d(frame: pd.DataFrame) -> str:
    """Mean, median and quantiles of both rules at the ends of the grid, for each number of keys."""
    dimensions, parts = levels(frame, "d_k"), []
    for n_keys in levels(frame, "n_keys"):
        for rule in marks.RULES:
            values = []
            for statistic, words in (("mean", "mean"), ("median", "median"), ("q05", "5 % at"), ("q95", "95 % at")):
                estimates = of_query(frame, statistic, rule, n_keys)["estimate"]
                values.append(f"{words} {size(estimates.iloc[0])} to {size(estimates.iloc[-1])}")
            parts.append(f"{n_keys} keys, {rule}: {', '.join(values)}")
    return (
        f"The squared norm of the query's gradient over rows, d_k from {dimensions[0]} to {dimensions[-1]}. "
        f"{'; '.join(parts)}."
    )


def share(fraction: float) -> str:
    """A share in percent, or none."""
    return percent(fraction) if fraction > 0 else "none"


@style.styled
def draw_shares(frame: pd.DataFrame) -> Figure:
    """Dead rows above, the top percent's share below, a column for each number of keys."""
    figure = style.new_figure(1.25)
    panels = panels_against_d(figure, frame, rows=len(SHARES))
    for row, (statistic, words) in zip(panels, SHARES.items(), strict=True):
        labels = []
        for axes, n_keys in zip(row, levels(frame, "n_keys"), strict=True):
            found = {rule: select(frame, statistic=statistic, rule=rule, n_keys=n_keys) for rule in marks.RULES}
            for rule, rows in found.items():
                marks.measured(axes, rows, rule, join=True, size=0.8)
            labels = [
                style.EndLabel(float(rows["estimate"].iloc[-1]), rule, marks.RULES[rule].words)
                for rule, rows in found.items()
            ]
        row[0].set_ylim(-0.04, 1.04)
        row[0].set_yticks(np.linspace(0, 1, 5), ["0", "25 %", "50 %", "75 %", "100 %"])
        row[0].set_ylabel(words)
        style.end_labels(row[-1], labels)
    return figure


def caption_shares(frame: pd.DataFrame) -> str:
    """Both shares at the end."""
    n_keys, d_k = _at_the_end(frame)
    dead = {rule: share(_last(frame, "jacobian_trace", "dead_share", rule)) for rule in marks.RULES}
    top = {rule: share(_last(frame, "query_norm2", "top_share", rule)) for rule in marks.RULES}
    return (
        f"Over {n_keys} keys at $d_k = {d_k}$, {dead['raw']} of all rows are dead without the division and "
        f"{dead['scaled']} with it. Dead (above): $\\operatorname{{tr}} J$ is below {DEAD_TRACE:g}. Below, "
        f"the share of the sum of all $\\|\\partial L / \\partial q\\|^2$ that the {100 * TOP:g} % of rows with the "
        f"largest hold: {top['raw']} without it, {top['scaled']} with it."
    )


def alt_shares(frame: pd.DataFrame) -> str:
    """Both shares at the ends of the grid, for each number of keys."""
    dimensions, parts = levels(frame, "d_k"), []
    for statistic, words in (("dead_share", "dead rows"), ("top_share", "share of the top percent")):
        for n_keys in levels(frame, "n_keys"):
            for rule in marks.RULES:
                estimates = select(frame, statistic=statistic, rule=rule, n_keys=n_keys)["estimate"]
                ends = [share(float(estimates.iloc[end])) for end in (0, -1)]
                parts.append(f"{words}, {n_keys} keys, {rule}: {ends[0]} to {ends[1]}")
    return (
        f"Shares of dead rows, and of the squared gradient that the top percent of rows hold, d_k from "
        f"{dimensions[0]} to {dimensions[-1]}. {'; '.join(parts)}."
    )


AGAINST_D = FigureSpec(
    "gradient-against-d", "gradients", "The query's gradient", draw_against_d, caption_against_d, alt_against_d
)
DEAD_AND_TOP = FigureSpec(
    "dead-rows", "gradients", "Dead rows, and the top percent", draw_shares, caption_shares, alt_shares
)
