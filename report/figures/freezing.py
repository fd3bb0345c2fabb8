"""The exact law against σ/σ_c for ever more keys, and the limit it tends to."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import levels
from report.figures.spec import FigureSpec
from report.wording import listing, number, power_of_ten

WORDS = {"normalised_entropy": "entropy / ln $n$", "sum_p2": "$\\sum p^2$"}


def _curve(frame: pd.DataFrame, quantity: str, n_keys: int) -> pd.DataFrame:
    return frame[(frame["quantity"] == quantity) & (frame["n_keys"] == n_keys)].sort_values("sigma_ratio")


@style.styled
def draw_limit(frame: pd.DataFrame) -> Figure:
    """Two panels: exact curves, thinner for fewer keys, and their limit."""
    figure = style.new_figure(0.95)
    panels = figure.subplots(1, 2, sharex=True)
    keys = levels(frame, "n_keys")
    for axes, (quantity, words) in zip(panels, WORDS.items(), strict=True):
        limit = _curve(frame, quantity, keys[-1])
        marks.limit(axes, limit["sigma_ratio"], limit["limit"])
        for i, n_keys in enumerate(keys):
            curve = _curve(frame, quantity, n_keys)
            width = (0.35 + 0.65 * (i + 1) / len(keys)) * rcParams["lines.linewidth"]
            axes.plot(curve["sigma_ratio"], curve["exact"], color=style.INK, linewidth=width)
        axes.set_title(words)
        axes.set_xlim(0, 3)
        axes.set_xticks([0, 1, 2, 3])
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ends = {f"$n$ = {power_of_ten(n_keys)}": _curve(frame, "sum_p2", n_keys)["exact"] for n_keys in (keys[0], keys[-1])}
    ends["limit"] = _curve(frame, "sum_p2", keys[-1])["limit"]
    style.end_labels(panels[1], [style.EndLabel(curve.iloc[-1], text) for text, curve in ends.items()])
    figure.supxlabel(
        "standard deviation of the scores, in units of $\\sigma_c = \\sqrt{2 \\ln n}$", fontsize=style.em()
    )
    style.heading(figure, "the exact law for ever more keys, and its limit (dotted)")
    return figure


def _gaps(frame: pd.DataFrame, quantity: str) -> dict[int, float]:
    """Largest distance of the curve from its limit, by n_keys."""
    rows = frame[frame["quantity"] == quantity]
    gaps = (rows["exact"] - rows["limit"]).abs().groupby(rows["n_keys"]).max()
    return {int(str(n_keys)): float(gap) for n_keys, gap in gaps.items()}


def caption_limit(frame: pd.DataFrame) -> str:
    """How far each curve is from the limit."""
    entropy, sum_p2 = (_gaps(frame, quantity) for quantity in WORDS)
    distances = listing(
        f"{number(entropy[n_keys], 2)} and {number(sum_p2[n_keys], 2)} for {power_of_ten(n_keys)} keys"
        for n_keys in (min(entropy), max(entropy))
    )
    return (
        "In the limit of many keys the entropy falls as $\\ln n - \\sigma^2/2$, so that its share of $\\ln n$ is "
        "$1 - (\\sigma/\\sigma_c)^2$ and nothing from $\\sigma_c$ on, where $\\sum p^2$ begins to rise as "
        "$1 - \\sigma_c/\\sigma$. The limit is approached slowly: the exact curves are off it by up to "
        f"{distances}. From thin to thick: $n$ = {listing(power_of_ten(n_keys) for n_keys in levels(frame, 'n_keys'))}."
    )


def alt_limit(frame: pd.DataFrame) -> str:
    """Values at the critical point."""
    parts = []
    for n_keys in levels(frame, "n_keys"):
        values = []
        for quantity, words in (("normalised_entropy", "entropy share"), ("sum_p2", "sum of squares")):
            curve = _curve(frame, quantity, n_keys)
            values.append(f"{words} {number(float(np.interp(1.0, curve['sigma_ratio'], curve['exact'])), 2)}")
        parts.append(f"{power_of_ten(n_keys)} keys: {', '.join(values)}")
    return (
        "Exact entropy and sum of squared weights against the standard deviation of the scores in critical units, from "
        f"0 to 3, with their limit. At 1, where the limits are 0: {'; '.join(parts)}."
    )


LIMIT = FigureSpec("freezing-limit", "freezing", "Freezing", draw_limit, caption_limit, alt_limit)
