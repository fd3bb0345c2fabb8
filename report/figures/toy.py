"""The scores of the lecture's sentence beside those that the derivation assumes."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report.figures import marks, style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import number
from scaling.dot_product_law import dot_product_law


def _scores(frame: pd.DataFrame) -> NDArray[np.float64]:
    return select(frame, model="basic", matrix="scores")["value"].to_numpy()


def _d_k(frame: pd.DataFrame) -> int:
    return int(select(frame, model="basic", matrix="keys")["column"].nunique())


@style.styled
def draw_toy(frame: pd.DataFrame) -> Figure:
    """The sentence's raw scores, piled up in narrow bins, over the density of the dot product for random entries."""
    figure = style.new_figure(0.7)
    axes = figure.subplots()
    scores, d_k = np.sort(_scores(frame)), _d_k(frame)
    reach = max(3 * d_k**0.5, 1.1 * np.abs(scores).max())
    x = np.linspace(-reach, reach, 401)
    density = dot_product_law(d_k).pdf(np.where(x == 0, 1e-9, x))
    step = reach / 40
    column = np.floor(scores / step)
    height = np.array([np.count_nonzero(column[:i] == column[i]) for i in range(len(scores))])
    unit = 0.85 * density.max() / max(6, height.max() + 1)
    axes.plot(
        (column + 0.5) * step, (height + 0.5) * unit, linestyle="none", marker="o", color=style.RAW,
        markerfacecolor=style.BACKGROUND, markersize=0.9 * rcParams["lines.markersize"],
        markeredgewidth=0.8 * rcParams["lines.markeredgewidth"],
    )  # fmt: skip
    marks.exact(axes, x, density)
    axes.set(xlim=(-reach, reach), ylim=(0, 1.12 * density.max()), yticks=[], xlabel="raw score")
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    side = -0.55 * d_k**0.5
    at = float(dot_product_law(d_k).pdf(side))
    axes.annotate(
        f"standard normal entries,\n$d_k$ = {d_k}: mean 0, variance {d_k}", (side, at), xytext=(-style.em(2), 0),
        textcoords="offset points", ha="right", va="center",
    )  # fmt: skip
    axes.annotate(
        f"the sentence’s {len(scores)} scores:\nmean {number(scores.mean())}, variance {number(scores.var(), 2)}",
        (scores.max(), 2 * unit), xytext=(style.em(1.2), 0), textcoords="offset points", va="center",
        color=style.RAW_TEXT,
    )  # fmt: skip
    return figure


def caption_toy(frame: pd.DataFrame) -> str:
    """Where they lie, and how many are negative."""
    scores = _scores(frame)
    negative = int((scores < 0).sum())
    signs = "not one of them is negative" if negative == 0 else f"{negative} of them are negative"
    return (
        f"The {len(scores)} scores of the sentence reach from {number(scores.min(), 2)} to {number(scores.max())}; "
        f"{signs}. With standard normal entries (curve) half of all scores would be."
    )


def alt_toy(frame: pd.DataFrame) -> str:
    """Mean and variance of both."""
    scores, d_k = _scores(frame), _d_k(frame)
    return (
        f"Dots for {len(scores)} scores with mean {number(scores.mean())} and variance {number(scores.var(), 2)}, "
        f"beside a symmetric density with mean 0 and variance {d_k}."
    )


TOY = FigureSpec(
    "toy-scores", "self_attention", "The sentence’s scores are no sample of the model", draw_toy, caption_toy, alt_toy
)
