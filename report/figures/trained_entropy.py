"""The entropy of trained heads against the spread of their scores, beside the law of normal ones."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.head_windows import D_K, N_TOKENS
from report.figures import marks, style
from report.figures.spec import FigureSpec
from report.figures.trained_terms import LANGUAGES, decades, heads, languages
from report.wording import listing, number, percent
from scaling.head_law import normalised_entropy_of_rows
from scaling.head_rows import LEAST_KEYS

RULES = {"scaled": ("normalised_entropy", 1.0), "raw": ("raw_normalised_entropy", D_K**0.5)}
WEIGHTS = {"trained": 1.0, "initial": 0.5}  # and the size of their marks


def spreads(frame: pd.DataFrame, rule: str, weights: str, language: str = "") -> np.ndarray:
    """The standard deviation of a row's scores under a rule, of each head."""
    return heads(frame, "row_sd", weights, language)["estimate"].to_numpy() * RULES[rule][1]


def law(sigma: np.ndarray) -> np.ndarray:
    """H/ln n of independent normal scores of that standard deviation, mean over the causal rows of a window."""
    n_keys = np.arange(LEAST_KEYS, N_TOKENS + 1)
    return np.asarray(normalised_entropy_of_rows(np.repeat(sigma[:, None], len(n_keys), axis=1), n_keys).mean(axis=1))


def misses(frame: pd.DataFrame, rule: str) -> pd.Series:
    """Each trained head's H/ln n less that of the law, for rows of its own spreads."""
    rows = heads(frame, RULES[rule][0])
    return rows["estimate"] - rows["prediction"]


def _draw_panel(axes: Axes, frame: pd.DataFrame, language: str, is_first: bool) -> None:
    for rule, (quantity, _) in RULES.items():
        mark = marks.RULES[rule]
        for weights, size in WEIGHTS.items():
            rows, x = heads(frame, quantity, weights, language), spreads(frame, rule, weights, language)
            marks.intervals(axes, x, rows["low"], rows["high"], mark.colour, width=0.6)
            axes.plot(
                x, rows["estimate"], linestyle="none", color=mark.colour, marker=mark.marker,
                markerfacecolor=mark.face, markersize=0.85 * size * rcParams["lines.markersize"],
                markeredgewidth=0.7 * rcParams["lines.markeredgewidth"],
                label=rule if is_first and weights == "trained" else None,
            )  # fmt: skip


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """A panel for each language."""
    figure, found = style.new_figure(0.9), languages(frame)
    panels = figure.subplots(1, len(found), sharex=True, sharey=True, squeeze=False)[0]
    every = np.concatenate([spreads(frame, rule, weights) for rule in RULES for weights in WEIGHTS])
    sigma = np.geomspace(every.min() / 1.4, every.max() * 1.4, 24)
    for axes, language in zip(panels, found, strict=True):
        marks.exact_curve(axes, sigma, law(sigma))
        _draw_panel(axes, frame, language, axes is panels[0])
        axes.set_title(LANGUAGES[language])
        axes.set_ylim(0, 1.04)
    decades(panels[0], "x", every)
    figure.supxlabel("standard deviation of the scores within a row", fontsize=style.em())
    style.heading(figure, "entropy, $H/\\ln n$ (line: normal scores; small: before)")
    marks.key(panels[0])
    return figure


def caption(frame: pd.DataFrame) -> str:
    """How far the heads are from the law, and on which side."""
    parts = []
    for rule, words in (("scaled", "with the division"), ("raw", "without it")):
        less = misses(frame, rule)
        below = f"{int((less < 0).sum())} of {len(less)} lie below"
        parts.append(f"by {percent(float(less.abs().mean()))} of $\\ln n$ {words} ({below})")
    return (
        "Every head with the division (filled) and without it (open), by how far its scores spread within a row. The "
        "line is the exact law for normal scores of one spread, over the same numbers of keys. From the law for the "
        f"spreads of its own rows a trained head’s entropy differs on average {listing(parts)}."
    )


def alt(frame: pd.DataFrame) -> str:
    """Medians of both coordinates, by language, weights and rule."""
    parts = []
    for language in languages(frame):
        for weights in WEIGHTS:
            for rule, (quantity, _) in RULES.items():
                x = float(np.median(spreads(frame, rule, weights, language)))
                y = float(heads(frame, quantity, weights, language)["estimate"].median())
                parts.append(f"{LANGUAGES[language]}, {weights}, {rule}: {number(x, 2)} and {number(y, 2)}")
    return f"Spread of a row’s scores and entropy over ln n, medians over heads. {'; '.join(parts)}."


ONE_CURVE = FigureSpec(
    "trained-entropy", "trained_heads", "Trained heads’ entropy by their scores’ spread", draw, caption, alt
)
