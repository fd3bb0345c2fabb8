"""The softmax's Jacobian J against d_k: how much a row of weights still answers to its scores."""

import pandas as pd
from matplotlib.figure import Figure

from report.figures import style
from report.figures.saturation import logarithmic_axis, middle, panels_against_d, series
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number

WORDS = {"jacobian_trace": "trace of $J$", "jacobian_norm2": "squared norm, $\\|J\\|_F^2$"}


@style.styled
def draw_against_d(frame: pd.DataFrame) -> Figure:
    """Trace above, squared Frobenius norm below, a column for each number of keys."""
    figure = style.new_figure(1.3)
    panels = panels_against_d(figure, frame, rows=len(WORDS))
    for row, (quantity, words) in zip(panels, WORDS.items(), strict=True):
        for axes, n_keys in zip(row, levels(frame, "n_keys"), strict=True):
            labels = series(axes, frame, quantity, n_keys)
        logarithmic_axis(row[0], select(frame, quantity=quantity))
        row[0].set_ylabel(words)
        style.end_labels(row[-1], labels)
    return figure


def _larger(frame: pd.DataFrame) -> list[int]:
    """The d_k at which the raw rule has the larger mean squared norm, at the middle number of keys."""
    raw, scaled = middle(frame, "jacobian_norm2")
    return [
        int(d_k) for d_k, one, other in zip(raw["d_k"], raw["estimate"], scaled["estimate"], strict=True) if one > other
    ]


def caption_against_d(frame: pd.DataFrame) -> str:
    """The trace's fall, and where the raw rule's mean norm is the larger."""
    raw, scaled = middle(frame, "jacobian_trace")
    first, last = raw.iloc[0], raw.iloc[-1]
    larger = _larger(frame)
    norm = (
        f"The mean of the squared norm is larger without the division at {len(larger)} of {len(raw)} dimensions."
        if larger
        else "The mean of the squared norm is smaller without the division at every dimension."
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


AGAINST_D = FigureSpec(
    "jacobian-against-d", "saturation", "The softmax's Jacobian", draw_against_d, caption_against_d, alt_against_d
)
