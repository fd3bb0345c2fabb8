"""What changes with the number of keys at a fixed d_k: not the variance, but the sum of squares and effective keys."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number, percent
from scaling.freezing import REMAINING_SHARE, freezing_d_k


def chosen_d_k(measured: pd.DataFrame) -> int:
    """The measured d_k nearest to 2 ln n for the most keys measured, where n has most to say."""
    line = freezing_d_k(levels(measured, "n_keys")[-1])
    return min(levels(measured, "d_k"), key=lambda d_k: abs(np.log(d_k / line)))


def _measured(axes: Axes, rows: pd.DataFrame, rule: str) -> None:
    marks.measured(axes, rows.assign(d_k=rows["n_keys"]), rule, size=0.9)


def _points(measured: pd.DataFrame, quantity: str, rule: str, d_k: int) -> pd.DataFrame:
    return select(measured, quantity=quantity, rule=rule, d_k=d_k).sort_values("n_keys")


def _curve(frame: pd.DataFrame, measured: pd.DataFrame, quantity: str, rule: str, d_k: int) -> pd.DataFrame:
    """Exact values by n_keys: those of the map, which may lack this d_k, and those behind the measured points."""
    mapped = select(frame, quantity=quantity, rule=rule, d_k=d_k)[["n_keys", "exact"]]
    own = select(measured, quantity=quantity, rule=rule, d_k=d_k)[["n_keys", "prediction"]]
    own = own.rename(columns={"prediction": "exact"}).dropna()
    return pd.concat([mapped, own]).drop_duplicates("n_keys").sort_values("n_keys")


@style.styled
def draw_two(frame: pd.DataFrame, measured: pd.DataFrame) -> Figure:
    """The variance on the left, the sum of squares on the right, both over n."""
    d_k, keys = chosen_d_k(measured), levels(frame, "n_keys")
    figure = style.new_figure(0.9)
    left, right = figure.subplots(1, 2, sharex=True)
    square = _points(measured, "mean_square", "raw", d_k)
    relative = square.assign(**{name: square[name] / d_k for name in ("estimate", "low", "high")})
    marks.exact(left, [keys[0], keys[-1]], [1, 1])
    _measured(left, relative, "raw")
    left.set_ylim(0, 2)
    left.set_yticks([0, 0.5, 1, 1.5, 2], ["0", "0.5", "1", "1.5", "2"])
    left.set_title("variance of $q\\cdot k$, divided by $d_k$")
    labels = []
    for rule in marks.RULES:
        curve, points = _curve(frame, measured, "sum_p2", rule, d_k), _points(measured, "sum_p2", rule, d_k)
        marks.exact_curve(right, curve["n_keys"], curve["exact"])
        _measured(right, points, rule)
        end = (curve["exact"] if len(curve) else points["estimate"]).iloc[-1]
        labels.append(style.EndLabel(end, rule, marks.RULES[rule].words))
    right.set_ylim(-0.03, 1.03)
    right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    right.set_title("sum of squared weights")
    style.end_labels(right, labels)
    for axes in (left, right):
        style.keys_axis(axes, "x", keys)
    figure.supxlabel("number of keys, $n$", fontsize=style.em())
    style.heading(figure, f"at $d_k$ = {d_k}: measured, and exact (thin line)")
    return figure


def caption_two(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Both quantities at the fewest and the most measured keys."""
    d_k = chosen_d_k(measured)
    square, sum_p2 = (_points(measured, quantity, "raw", d_k) for quantity in ("mean_square", "sum_p2"))
    few, many = (int(square["n_keys"].iloc[end]) for end in (0, -1))
    variances = [number(square["estimate"].iloc[end] / d_k) for end in (0, -1)]
    sums = [number(sum_p2["estimate"].iloc[end], 2) for end in (0, -1)]
    return (
        f"At $d_k = {d_k}$, with {few} keys and with {many}: the variance of the raw scores is {variances[0]} and "
        f"{variances[1]} times $d_k$, the sum of their squared weights {sums[0]} and {sums[1]}. How wide the scores "
        "spread does not depend on $n$; how much that spread concentrates the weight does."
    )


def alt_two(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Every measured point."""
    d_k = chosen_d_k(measured)
    parts = []
    for quantity, rule, words in (
        ("mean_square", "scaled", "variance divided by d_k"),
        ("sum_p2", "raw", "raw sum of squared weights"),
        ("sum_p2", "scaled", "scaled sum of squared weights"),
    ):
        points = _points(measured, quantity, rule, d_k)
        values = (f"{number(e)} at n = {n}" for e, n in zip(points["estimate"], points["n_keys"], strict=True))
        parts.append(f"{words}: {listing(values)}")
    return f"Two panels against the number of keys at d_k = {d_k}. {'; '.join(parts)}."


def _effective(rows: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Normalised entropies as effective keys e^H."""
    keys = rows["n_keys"].to_numpy(dtype=float)
    return rows.assign(**{name: np.exp(rows[name] * np.log(keys)) for name in names})


ESTIMATES = ("estimate", "low", "high")


def _shown(measured: pd.DataFrame) -> list[int]:
    """The dimensions whose share is drawn: the smallest, a small one and the largest."""
    dimensions = levels(measured, "d_k")
    return list(dict.fromkeys((dimensions[0], dimensions[min(2, len(dimensions) - 1)], dimensions[-1])))


@style.styled
def draw_effective(frame: pd.DataFrame, measured: pd.DataFrame) -> Figure:
    """Effective keys against keys on the left; on the right the share of them that the division leaves."""
    keys, shown = levels(frame, "n_keys"), _shown(measured)
    figure = style.new_figure(0.95)
    left, right = figure.subplots(1, 2, sharex=True)
    for rule, mark in marks.RULES.items():
        curve = _effective(_curve(frame, measured, "normalised_entropy", rule, shown[-1]), ("exact",))
        points = _effective(_points(measured, "normalised_entropy", rule, shown[-1]), ESTIMATES)
        marks.exact_curve(left, curve["n_keys"], curve["exact"], logarithmic=True)
        _measured(left, points, rule)
        line = curve if len(curve) else points.rename(columns={"estimate": "exact"})
        place, is_scaled = line.iloc[len(line) * 2 // 3], rule == "scaled"
        left.annotate(
            rule, (place["n_keys"], place["exact"]), xytext=(0, style.em(1.0 if is_scaled else -1.0)),
            textcoords="offset points", color=mark.words, ha="right" if is_scaled else "left", va="center",
        )  # fmt: skip
    style.keys_axis(left, "y", [0.03, *keys])
    left.set_title(f"effective keys $e^H$, $d_k$ = {shown[-1]}")
    marks.limit(right, [keys[0], keys[-1]], [REMAINING_SHARE, REMAINING_SHARE])
    for d_k in shown:
        curve = _effective(_curve(frame, measured, "normalised_entropy", "scaled", d_k), ("exact",))
        marks.exact_curve(right, curve["n_keys"], curve["exact"] / curve["n_keys"])
    points = _effective(_points(measured, "normalised_entropy", "scaled", shown[-1]), ESTIMATES)
    _measured(right, points.assign(**{name: points[name] / points["n_keys"] for name in ESTIMATES}), "scaled")
    right.set_ylim(0.5, 1)
    right.set_yticks([0.5, 0.6, 0.7, 0.8, 0.9, 1], ["0.5", "0.6", "0.7", "0.8", "0.9", "1"])
    right.set_title("scaled: $e^H/n$")
    style.end_labels(right, [style.EndLabel(REMAINING_SHARE, "$e^{-1/2}$")])
    for axes in (left, right):
        style.keys_axis(axes, "x", keys)
    figure.supxlabel("number of keys, $n$", fontsize=style.em())
    is_titled = style.medium().is_fixed  # a slide has the same words above it
    style.heading(figure, "measured, and exact (thin line)" if is_titled else "what the division leaves")
    return figure


def caption_effective(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Measured shares at the largest d_k, and the exact ones for the most keys."""
    shown = _shown(measured)
    last = {
        rule: _effective(_points(measured, "normalised_entropy", rule, shown[-1]), ESTIMATES).iloc[-1]
        for rule in marks.RULES
    }
    n_keys, effective = int(last["scaled"]["n_keys"]), last["scaled"]["estimate"]
    few = levels(measured, "n_keys")[0]
    shares = []
    for d_k in shown:
        curve = _curve(frame, measured, "normalised_entropy", "scaled", d_k)
        shares += [(few ** (entropy - 1), d_k) for entropy in curve["exact"][curve["n_keys"] == few]]
    parts = [f"{percent(share, 3)} at $d_k = {d_k}$" for share, d_k in sorted(shares, reverse=True)]
    exact = f"; of {few} keys it is, from the highest curve down, {listing(parts)}" if parts else ""
    return (
        f"Of {n_keys} keys at $d_k = {shown[-1]}$, {number(last['raw']['estimate'])} stay effective without the "
        f"division and {number(effective)} with it, {percent(effective / n_keys, 3)} of them. With more keys that "
        f"share tends to $e^{{-1/2}}$, "
        f"which is {percent(REMAINING_SHARE, 3)}, at every $d_k${exact}."
    )


def alt_effective(frame: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Every measured number of effective keys."""
    last = levels(measured, "d_k")[-1]
    parts = []
    for rule in marks.RULES:
        points = _effective(_points(measured, "normalised_entropy", rule, last), ESTIMATES)
        values = (f"{number(e)} of {n}" for e, n in zip(points["estimate"], points["n_keys"], strict=True))
        parts.append(f"{rule}: {listing(values)}")
    return f"Effective keys against the number of keys at d_k = {last}. {'; '.join(parts)}."


VARIANCE_AND_SQUARES = FigureSpec(
    "variance-and-saturation-over-keys", "saturation_map", "The number of keys", draw_two, caption_two, alt_two,
    beside=("saturation",),
)  # fmt: skip
EFFECTIVE = FigureSpec(
    "what-the-division-leaves", "saturation_map", "What the division leaves", draw_effective, caption_effective,
    alt_effective, beside=("saturation",),
)  # fmt: skip
