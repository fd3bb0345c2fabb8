"""How saturated a row of weights is, against d_k: entropy, largest weight and sum of squares, a panel for each n."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator

from report.figures import marks, style
from report.figures.selection import few, levels, select
from report.figures.spec import FigureSpec
from report.wording import number
from scaling.freezing import freezing_d_k

MOST_PANELS = 6  # beside each other


def series(
    axes: Axes, frame: pd.DataFrame, quantity: str, n_keys: int, logarithmic: bool = False
) -> list[style.EndLabel]:
    """Both rules' points of one quantity, on their exact law where there is one; returns the labels of their ends."""
    labels = []
    for rule in ("raw", "scaled"):
        rows = select(frame, quantity=quantity, n_keys=n_keys, rule=rule)
        has_law = bool(np.isfinite(rows["prediction"]).all())
        if has_law:
            marks.exact_curve(axes, rows["d_k"], rows["prediction"], logarithmic)
        marks.measured(axes, rows, rule, join=not has_law, size=0.8 if frame["n_keys"].nunique() <= 3 else 0.55)
        labels.append(style.EndLabel(rows["estimate"].iloc[-1], rule, marks.RULES[rule].words))
    return labels


def panel_keys(frame: pd.DataFrame) -> list[int]:
    """The numbers of keys that have a panel."""
    return few(levels(frame, "n_keys"), MOST_PANELS)


def panels_against_d(figure: Figure, frame: pd.DataFrame, rows: int = 1) -> np.ndarray:
    """Axes in `rows` rows and a column for each of `panel_keys`, all over d_k."""
    keys = panel_keys(frame)
    panels = figure.subplots(rows, len(keys), sharex=True, sharey="row", squeeze=False)
    for axes in panels.flat:
        style.log2_axis(axes, "x", frame["d_k"], most=5 if len(keys) <= 3 else 3)
    for axes, n_keys in zip(panels[0], keys, strict=True):
        axes.set_title(f"$n$ = {n_keys} keys" if n_keys == keys[0] else f"$n$ = {n_keys}")
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    return panels


def logarithmic_axis(axes: Axes, rows: pd.DataFrame, floor: float = 0.0) -> None:
    """A vertical axis for positive estimates, from `floor` on; what reaches below runs out at the bottom."""
    axes.set_yscale("log")
    axes.set_ylim(max(floor, 0.5 * rows["estimate"].min()), 2 * rows["estimate"].max())
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(FixedLocator([]))


def _draw(quantity: str, words: str, logarithmic: bool = False) -> Callable[[pd.DataFrame], Figure]:
    @style.styled
    def draw(frame: pd.DataFrame) -> Figure:
        figure = style.new_figure(0.85)
        panels = panels_against_d(figure, frame)[0]
        style.heading(figure, f"{words} (dotted: $d_k$ = 2 ln $n$)")
        labels = []
        for axes, n_keys in zip(panels, panel_keys(frame), strict=True):
            labels = series(axes, frame, quantity, n_keys, logarithmic)
            marks.limit_at(axes, freezing_d_k(n_keys))
        if logarithmic:
            logarithmic_axis(panels[0], select(frame, quantity=quantity))
        else:
            panels[0].set_ylim(-0.04, 1.04)
            panels[0].set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        style.end_labels(panels[-1], labels)
        return figure

    return draw


def middle(frame: pd.DataFrame, quantity: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows, raw and scaled, of a quantity at the middle one of the numbers of keys."""
    keys = levels(frame, "n_keys")
    n_keys = keys[len(keys) // 2]
    return (
        select(frame, quantity=quantity, n_keys=n_keys, rule="raw"),
        select(frame, quantity=quantity, n_keys=n_keys, rule="scaled"),
    )


FEW = "What change is left with the division is at few dimensions."


def _finding(frame: pd.DataFrame, quantity: str) -> str:
    raw, scaled = middle(frame, quantity)
    first, last = raw.iloc[0], raw.iloc[-1]
    return (
        f"With {first['n_keys']} keys, from {number(first['estimate'])} at $d_k = {first['d_k']}$ to "
        f"{number(last['estimate'])} at $d_k = {last['d_k']}$ raw; {number(scaled['estimate'].min())} to "
        f"{number(scaled['estimate'].max())} scaled."
    )


def caption_entropy(frame: pd.DataFrame) -> str:
    """Where both rules end, and the limit drawn."""
    return (
        f"{_finding(frame, 'normalised_entropy')} Shown is the mean entropy as a share of its largest value, $\\ln n$. "
        "The dotted line is $d_k = 2 \\ln n$: in the limit of many keys, raw scores to its right leave the weight "
        "to a handful of keys, however many there are (Derrida 1981). With few keys it is only a guide."
    )


def caption_largest(frame: pd.DataFrame) -> str:
    """Where both rules end."""
    return f"{_finding(frame, 'max_weight')} Shown is the largest of the row's weights, on average. {FEW}"


def caption_sum_p2(frame: pd.DataFrame) -> str:
    """Where both rules end."""
    return (
        f"{_finding(frame, 'sum_p2')} The sum of the squared weights is $1/n$ when all are equal and 1 when one key "
        f"has all. {FEW}"
    )


def _alt(quantity: str, words: str) -> Callable[[pd.DataFrame], str]:
    def alt(frame: pd.DataFrame) -> str:
        parts = []
        for n_keys in levels(frame, "n_keys"):
            values = []
            for rule in ("raw", "scaled"):
                estimates = select(frame, quantity=quantity, n_keys=n_keys, rule=rule)["estimate"]
                values.append(f"{rule} {number(estimates.iloc[0])} to {number(estimates.iloc[-1])}")
            parts.append(f"n = {n_keys}: {', '.join(values)}")
        dimensions = levels(frame, "d_k")
        return f"{words} against d_k from {dimensions[0]} to {dimensions[-1]}. {'; '.join(parts)}."

    return alt


ENTROPY = FigureSpec(
    "entropy-against-d", "saturation", "Entropy against dimension",
    _draw("normalised_entropy", "entropy of the weights, as a share of ln $n$"),
    caption_entropy, _alt("normalised_entropy", "Normalised entropy"),
)  # fmt: skip
LARGEST_WEIGHT = FigureSpec(
    "largest-weight-against-d", "saturation", "Largest weight against dimension",
    _draw("max_weight", "largest weight of a row"), caption_largest, _alt("max_weight", "Largest weight"),
)  # fmt: skip
SUM_P2 = FigureSpec(
    "sum-p2-against-d", "saturation", "Sum of squared weights",
    _draw("sum_p2", "sum of squared weights, $\\sum p^2$", logarithmic=True),
    caption_sum_p2, _alt("sum_p2", "Sum of squared weights"),
)  # fmt: skip
