"""What the first gradient is made of: the typical example's and the mean one's, and how few examples carry it."""

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator

from report.figures import marks, style
from report.figures.learning import ends, value
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number, percent

SIZES = {"gradient_mean": "mean", "gradient_median": "median"}


def _sizes(axes: Axes, frame: pd.DataFrame) -> list[style.EndLabel]:
    """Means and medians over examples of one example's gradient."""
    labels = []
    for rule in marks.RULES:
        for quantity, words in SIZES.items():
            rows = select(frame, variant=rule, quantity=quantity)
            marks.measured(
                axes, rows.assign(low=rows["low"].clip(lower=rows["estimate"] / 8)), rule, join=True, size=0.8
            )
            labels.append(style.EndLabel(rows["estimate"].iloc[-1], f"{words}, {rule}", marks.RULES[rule].words))
    return labels


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """Sizes on the left, shares on the right, both against d_k."""
    figure = style.new_figure(0.95)
    left, right = figure.subplots(1, 2, sharex=True)
    labels = _sizes(left, frame)
    left.set_yscale("log")
    left.yaxis.set_major_locator(LogLocator(numticks=6))
    left.yaxis.set_minor_locator(FixedLocator([]))
    left.yaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
    style.end_labels(left, labels)
    left.set_title("norm of one gradient")
    shares = []
    for rule in marks.RULES:
        rows = select(frame, variant=rule, quantity="examples_that_carry")
        marks.measured(right, rows, rule, join=True, size=0.8)
        shares.append(style.EndLabel(rows["estimate"].iloc[-1], rule, marks.RULES[rule].words))
    right.set_ylim(0, 1)
    right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    right.set_title("examples that carry 90 %")
    style.end_labels(right, shares)
    style.log2_axis(left, "x", frame["d_k"], most=5)
    for axes in (left, right):
        axes.tick_params(axis="x", length=3 * rcParams["font.size"] / 10)
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    style.heading(figure, "before learning, one example at a time")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """Median and mean, and the share of examples, at the largest d_k."""
    d_k = levels(frame, "d_k")[-1]
    sizes = {
        rule: [number(value(frame, rule, d_k, quantity), 2) for quantity in ("gradient_median", "gradient_mean")]
        for rule in marks.RULES
    }
    shares = {rule: percent(value(frame, rule, d_k, "examples_that_carry")) for rule in marks.RULES}
    cosines = {rule: number(value(frame, rule, d_k, "batch_cosine"), 2) for rule in marks.RULES}
    return (
        f"At $d_k = {d_k}$ the median example’s gradient has a norm of {sizes['raw'][0]} raw and {sizes['scaled'][0]} "
        f"scaled, the mean norm is {sizes['raw'][1]} and {sizes['scaled'][1]}. Of the raw head’s examples "
        f"{shares['raw']} carry 90 % of the squared gradients, of the scaled head’s {shares['scaled']}. The gradients "
        f"of two batches have a cosine of {cosines['raw']} and of {cosines['scaled']}."
    )


def alt(frame: pd.DataFrame) -> str:
    """All three quantities at both ends."""
    parts = []
    for rule in marks.RULES:
        for quantity, words in (*SIZES.items(), ("examples_that_carry", "share of examples that carry 90 %")):
            both = dict.fromkeys(number(value(frame, rule, d_k, quantity), 2) for d_k in ends(frame))
            parts.append(f"{words}, {rule}: {' to '.join(both)}")
    span = " to ".join(map(str, ends(frame)))
    return f"Gradients of single examples before learning, d_k = {span}. {'; '.join(parts)}."


SHARES = FigureSpec("gradient-shares", "learning", "Few examples carry the raw gradient", draw, caption, alt)
