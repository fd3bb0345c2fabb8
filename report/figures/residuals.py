"""Measured observables less their exact law, in standard errors: every cell of the grid at once."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure
from scipy import special

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import number, percent, plain

WORDS = {
    "log_partition": "log-partition, $\\ln D$",
    "normalised_entropy": "entropy",
    "max_weight": "largest weight",
    "sum_p2": "$\\sum p^2$",
    "sum_p3": "$\\sum p^3$",
    "jacobian_norm2": "$\\|J\\|_F^2$",
}


def residuals(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a law, with their residual in standard errors."""
    rows = frame[frame["quantity"].isin(list(WORDS)) & np.isfinite(frame["prediction"]) & (frame["standard_error"] > 0)]
    return rows.assign(residual=(rows["estimate"] - rows["prediction"]) / rows["standard_error"])


def reach(frame: pd.DataFrame) -> float:
    """How many standard errors 95 % of residuals stay within, if the law is right: Student's t."""
    return float(special.stdtrit(int(frame["n_blocks"].iloc[0]) - 1, 0.975))


@style.styled
def draw_residuals(frame: pd.DataFrame) -> Figure:
    """A panel for each observable: residuals against d_k, the numbers of keys side by side."""
    figure = style.new_figure(1.15)
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    rows, keys = residuals(frame), levels(frame, "n_keys")
    band, first = reach(frame), panels[0, 0]
    for axes, (quantity, words) in zip(panels.flat, WORDS.items(), strict=True):
        axes.axhspan(-band, band, color=style.BAND, linewidth=0)
        marks.exact(axes, [0.5, 2.0**21], [0, 0])
        for rule, mark in marks.RULES.items():
            for i, n_keys in enumerate(keys):
                points = select(rows, quantity=quantity, rule=rule, n_keys=n_keys)
                shift = 2 ** (0.6 * ((i + 0.5) / len(keys) - 0.5))
                axes.plot(
                    points["d_k"] * shift, points["residual"], linestyle="none", color=mark.colour, marker=mark.marker,
                    markerfacecolor=mark.face, markersize=0.45 * rcParams["lines.markersize"],
                    markeredgewidth=0.5 * rcParams["lines.markeredgewidth"],
                    label=rule if i == 0 and axes is first else None,
                )  # fmt: skip
        style.log2_axis(axes, "x", frame["d_k"], most=4)
        axes.set_title(words)
    edge = max(4.0, 1.08 * float(rows["residual"].abs().max())) if len(rows) else 4.0
    ticks = [-4, -2, 0, 2, 4] if edge < 7 else [-10, -5, 0, 5, 10]
    first.set_yticks(ticks, [plain(tick, 0) for tick in ticks])
    first.set_ylim(-edge, edge)
    marks.key(first)
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    style.heading(figure, "residuals in standard errors (shaded: 95 %)")
    return figure


def caption_residuals(frame: pd.DataFrame) -> str:
    """The share inside the band and the largest."""
    rows = residuals(frame)
    if rows.empty:
        return f"No exact law is known for the entries of this run: 0 of {len(frame)} values have a residual."
    inside = float((rows["residual"].abs() <= reach(frame)).mean())
    far = rows.iloc[int(rows["residual"].abs().argmax())]
    farthest = f"{WORDS[str(far['quantity'])]}, {far['rule']}, {far['n_keys']} keys, $d_k = {far['d_k']}$"
    return (
        f"Each mark is the mean of one cell minus its exact expectation, for {len(levels(frame, 'n_keys'))} numbers of "
        f"keys side by side. Of {len(rows)} residuals, {percent(inside)} lie within the band, which holds 95 % if the "
        f"law is right and block means are normal. The farthest is {plain(far['residual'], 1)} standard errors "
        f"({farthest}). Observables of one cell come from the same rows, so its residuals move together; and at small "
        "$d_k$ a few rows carry most of $\\sum p^3$, which skews its residuals downwards."
    )


def alt_residuals(frame: pd.DataFrame) -> str:
    """Spread of each panel."""
    rows = residuals(frame)
    parts = [
        f"{quantity.replace('_', ' ')} {number(part['residual'].std(), 2)}"
        for quantity in WORDS
        if len(part := rows[rows["quantity"] == quantity]) > 1
    ]
    spread = f" Standard deviations of the residuals, 1 expected: {', '.join(parts)}." if parts else ""
    return f"{len(rows)} residuals of six observables against d_k, raw and scaled.{spread}"


RESIDUALS = FigureSpec(
    "law-residuals", "saturation", "Measured minus exact", draw_residuals, caption_residuals, alt_residuals
)
