"""The exact law under three rules against d_k: what no division, the root and d_k itself leave of a row."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number, percent

TITLES = {"entropy": "entropy / ln $n$", "max_weight": "largest weight"}
WORDS = {"raw": ("raw", style.RAW_TEXT), "scaled": ("÷ $\\sqrt{d_k}$", style.SCALED), "inverse": ("÷ $d_k$", style.INK)}


def _curve(frame: pd.DataFrame, quantity: str, rule: str) -> pd.DataFrame:
    """Exact values for the most keys; entropies as shares of ln n."""
    n_keys = levels(frame, "n_keys")[-1]
    rows = select(frame, quantity=quantity, rule=rule, n_keys=n_keys)
    return rows.assign(exact=rows["exact"] / np.log(n_keys)) if quantity == "entropy" else rows


@style.styled
def draw_rules(frame: pd.DataFrame) -> Figure:
    """Entropy on the left, the largest weight on the right; a line for each rule."""
    figure = style.new_figure(0.85)
    for axes, (quantity, title) in zip(figure.subplots(1, 2, sharex=True), TITLES.items(), strict=True):
        labels = []
        for rule, (words, colour) in WORDS.items():
            curve = _curve(frame, quantity, rule)
            marks.exact_curve(axes, curve["d_k"], curve["exact"])
            labels.append(style.EndLabel(curve["exact"].iloc[-1], words, colour))
        style.end_labels(axes, labels)
        style.log2_axis(axes, "x", levels(frame, "d_k"), most=6)
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.set_title(title)
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    style.heading(figure, f"exact means over rows of {levels(frame, 'n_keys')[-1]} keys")
    return figure


def caption_rules(frame: pd.DataFrame) -> str:
    """Where the three curves of the entropy begin and end."""
    d_k, n_keys = levels(frame, "d_k"), levels(frame, "n_keys")[-1]
    ends = {rule: _curve(frame, "entropy", rule)["exact"].iloc[-1] for rule in WORDS}
    return (
        f"Exact means over rows of {n_keys} keys. At $d_k = 1$ the three rules are one. At $d_k = {d_k[-1]}$ the "
        f"entropy is {percent(ends['raw'])} of $\\ln n$ for raw scores, {percent(ends['scaled'])} for those divided by "
        f"$\\sqrt{{d_k}}$, and {percent(ends['inverse'], 3)} for those divided by $d_k$, which tend to equal weights."
    )


def alt_rules(frame: pd.DataFrame) -> str:
    """Both quantities at three dimensions."""
    dimensions = levels(frame, "d_k")
    shown = [dimensions[0], dimensions[len(dimensions) // 2], dimensions[-1]]
    parts = []
    for quantity, title in (("entropy", "entropy as a share of ln n"), ("max_weight", "largest weight")):
        for rule in WORDS:
            curve = _curve(frame, quantity, rule).set_index("d_k")["exact"]
            parts.append(f"{title}, {rule}: {listing(f'{number(curve[d_k])} at d_k = {d_k}' for d_k in shown)}")
    return f"Two panels of lines against d_k over {levels(frame, 'n_keys')[-1]} keys. {'; '.join(parts)}."


RULES = FigureSpec("three-rules", "explorer", "Three rules", draw_rules, caption_rules, alt_rules)
