"""The softmax's Jacobian J against d_k: how much a row of weights still answers to its scores."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.saturation import logarithmic_axis, middle, panel_keys, panels_against_d, series
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number

WORDS = {"jacobian_trace": "trace of $J$", "jacobian_norm2": "squared norm, $\\|J\\|_F^2$"}


def _draw(words: dict[str, str], floor: float | None = None) -> Callable[[pd.DataFrame], Figure]:
    """A row for each quantity, a column for each number of keys; with a floor all rows share one vertical axis."""

    @style.styled
    def draw(frame: pd.DataFrame) -> Figure:
        figure = style.new_figure(1.3)
        panels = panels_against_d(figure, frame, rows=len(words))
        for row, (quantity, label) in zip(panels, words.items(), strict=True):
            for axes, n_keys in zip(row, panel_keys(frame), strict=True):
                labels = series(axes, frame, quantity, n_keys, logarithmic=True)
            shown = [quantity] if floor is None else list(words)
            logarithmic_axis(row[0], frame[frame["quantity"].isin(shown)], floor or 0.0)
            row[0].set_ylabel(label)
            style.end_labels(row[-1], [end.at_least(row[0].get_ylim()[0]) for end in labels])
        return figure

    return draw


def _larger(frame: pd.DataFrame) -> list[int]:
    """The d_k above 1, where the rules differ, at which raw has the larger mean squared norm, at the middle n."""
    raw, scaled = middle(frame, "jacobian_norm2")
    return [
        int(d_k)
        for d_k, one, other in zip(raw["d_k"], raw["estimate"], scaled["estimate"], strict=True)
        if d_k > 1 and one > other
    ]


def caption_against_d(frame: pd.DataFrame) -> str:
    """The trace's fall, and where the raw rule's mean norm is the larger."""
    raw, scaled = middle(frame, "jacobian_trace")
    first, last = raw.iloc[0], raw.iloc[-1]
    larger = _larger(frame)
    norm = (
        f"The mean of the squared norm is larger without the division at {len(larger)} of the "
        f"{int((raw['d_k'] > 1).sum())} dimensions above 1."
        if larger
        else "The mean of the squared norm is nowhere larger without the division."
    )
    return (
        f"With {first['n_keys']} keys the Jacobian's trace falls from {number(first['estimate'])} at "
        f"$d_k = {first['d_k']}$ to {number(last['estimate'])} at $d_k = {last['d_k']}$ without the division; with it, "
        f"the trace stays between {number(scaled['estimate'].min())} and {number(scaled['estimate'].max())}. {norm}"
    )


def alt_against_d(frame: pd.DataFrame) -> str:
    """Both quantities' first and last values at the middle number of keys."""
    parts = []
    for quantity, words in (("jacobian_trace", "trace"), ("jacobian_norm2", "squared norm")):
        raw, scaled = middle(frame, quantity)
        numbers = [number(rows["estimate"].iloc[end]) for rows in (raw, scaled) for end in (0, -1)]
        top = raw.iloc[int(raw["estimate"].argmax())]
        highest = f"highest {number(top['estimate'])} at d_k = {top['d_k']}"
        parts.append(f"{words}: raw {numbers[0]} to {numbers[1]}, {highest}; scaled {numbers[2]} to {numbers[3]}")
    dimensions, keys = levels(frame, "d_k"), levels(frame, "n_keys")
    return (
        f"Trace and squared Frobenius norm of the softmax's Jacobian against d_k from {dimensions[0]} to "
        f"{dimensions[-1]}, for {listing(keys)} keys. With {keys[len(keys) // 2]} keys, {'; '.join(parts)}."
    )


NORMS = {"jacobian_norm": "mean of $\\|J\\|_F$", "jacobian_norm_median": "median of $\\|J\\|_F$"}
FLOOR = 1e-4  # where the median's axis ends


def caption_norms(frame: pd.DataFrame) -> str:
    """Mean and median at the largest d_k, where they part."""
    keys = levels(frame, "n_keys")
    n_keys = keys[len(keys) // 2]
    last = levels(frame, "d_k")[-1]
    rows = {
        (quantity, rule): select(frame, quantity=quantity, rule=rule, n_keys=n_keys, d_k=last).iloc[0]["estimate"]
        for quantity in NORMS
        for rule in marks.RULES
    }
    mean, median = ({rule: rows[quantity, rule] for rule in marks.RULES} for quantity in NORMS)
    return (
        f"The same rows, averaged and by their middle one. Over {n_keys} keys at $d_k = {last}$ the mean of the norm "
        f"is {number(mean['raw'], 2)} without the division and {number(mean['scaled'], 2)} with it; the median is "
        f"{number(median['raw'], 2)} and {number(median['scaled'], 2)}. Dashes join measured points, for which no "
        f"exact law is known here; below {FLOOR:g} they run out at the bottom."
    )


def alt_norms(frame: pd.DataFrame) -> str:
    """Mean and median, raw and scaled, at the ends of the grid."""
    parts = []
    for n_keys in levels(frame, "n_keys"):
        for quantity, words in zip(NORMS, ("mean", "median"), strict=True):
            for rule in marks.RULES:
                estimates = select(frame, quantity=quantity, rule=rule, n_keys=n_keys)["estimate"]
                parts.append(
                    f"{n_keys} keys, {words}, {rule}: {number(estimates.iloc[0], 2)} to {number(estimates.iloc[-1], 2)}"
                )
    dimensions = levels(frame, "d_k")
    return f"Mean and median of the Jacobian's norm, d_k from {dimensions[0]} to {dimensions[-1]}. {'; '.join(parts)}."


AGAINST_D = FigureSpec(
    "jacobian-against-d", "saturation", "The softmax's Jacobian", _draw(WORDS), caption_against_d, alt_against_d
)
MEAN_AND_MEDIAN = FigureSpec(
    "jacobian-mean-and-median",
    "saturation",
    "The mean row and the median row",
    _draw(NORMS, FLOOR),
    caption_norms,
    alt_norms,
)
