"""The variance of trained heads' scores, and the three terms that make it."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import ArrayLike

from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import count, number, percent, power_of_ten

LANGUAGES = {"en": "English", "pt": "Portuguese"}
TERMS = {  # from the bottom up, with formula and face
    "joint": (r"$\mathrm{tr}\,\Sigma_q \Sigma_k$", style.faint(style.INK, 0.7)),
    "mean_query": (r"$\mu_q^{\mathsf{T}} \Sigma_k\, \mu_q$", style.faint(style.INK, 0.35)),
    "mean_key": (r"$\mu_k^{\mathsf{T}} \Sigma_q\, \mu_k$", style.BACKGROUND),
}
INITIAL = marks.Mark(style.SCALED, "s", style.BACKGROUND)


def languages(frame: pd.DataFrame) -> list[str]:
    """Those of the frame, in its order."""
    return [language for language in frame["language"].unique() if language in LANGUAGES]


def heads(frame: pd.DataFrame, quantity: str, weights: str = "trained", language: str = "") -> pd.DataFrame:
    """One quantity's rows, a head each; of one language or of all."""
    chosen = {"language": language} if language else {}
    return select(frame, quantity=quantity, weights=weights, **chosen)


def shares(frame: pd.DataFrame, language: str = "") -> pd.DataFrame:
    """Each trained head's three terms over their sum."""
    variance = heads(frame, "variance", language=language)["estimate"].to_numpy()
    return pd.DataFrame(
        {term: heads(frame, term, language=language)["estimate"].to_numpy() / variance for term in TERMS}
    )


def _places(rows: pd.DataFrame) -> np.ndarray:
    """Where heads stand: layers a little apart."""
    n_heads = int(rows["head"].max())
    return np.asarray((rows["layer"] - 1) * (n_heads + 1) + rows["head"] - 1)


def decades(axes: Axes, which: Literal["x", "y"], values: ArrayLike, most: int = 6) -> None:
    """Make an axis logarithmic over `values`, with ticks at powers of ten, of which at most `most` are labelled."""
    axis, set_scale = (axes.xaxis, axes.set_xscale) if which == "x" else (axes.yaxis, axes.set_yscale)
    finite = np.asarray(values, dtype=float)
    first, last = np.floor(np.log10(finite.min() / 1.3)), np.ceil(np.log10(finite.max() * 1.3))
    exponents = np.arange(first, last + 1)
    step = -(-len(exponents) // most)
    set_scale("log")
    axis.set_major_locator(FixedLocator(list(10 ** exponents[exponents % step == 0])))
    axis.set_minor_locator(FixedLocator([]))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" if 1e-3 < value < 1e4 else power_of_ten(value, 0))
    )
    (axes.set_xlim if which == "x" else axes.set_ylim)(finite.min() / 1.6, finite.max() * 1.6)


def _draw_variances(axes: Axes, frame: pd.DataFrame, language: str) -> None:
    for weights, mark, size in (("trained", marks.RULES["scaled"], 0.8), ("initial", INITIAL, 0.55)):
        rows = heads(frame, "variance", weights, language)
        low = rows["low"].clip(rows["estimate"] / 8)
        marks.intervals(axes, _places(rows), low, rows["high"], mark.colour, width=0.8)
        axes.plot(
            _places(rows), rows["estimate"], linestyle="none", color=mark.colour, marker=mark.marker,
            markerfacecolor=mark.face, markersize=size * rcParams["lines.markersize"], label=weights,
            markeredgewidth=0.6 * rcParams["lines.markeredgewidth"],
        )  # fmt: skip
    marks.limit(axes, [-1, _places(rows)[-1] + 1], [1, 1])


def _bar(x: float, low: float, high: float) -> Path:
    return Path([(x - 0.4, low), (x + 0.4, low), (x + 0.4, high), (x - 0.4, high), (x - 0.4, low)], closed=True)


def _draw_shares(axes: Axes, frame: pd.DataFrame, language: str) -> None:
    places, parts = _places(heads(frame, "variance", language=language)), shares(frame, language)
    tops = parts.cumsum(axis=1)
    for term, (_, face) in TERMS.items():
        bars = [_bar(x, top - part, top) for x, top, part in zip(places, tops[term], parts[term], strict=True)]
        axes.add_patch(
            PathPatch(
                Path.make_compound_path(*bars), facecolor=face, edgecolor=style.faint(style.INK, 0.7),
                linewidth=0.4 * rcParams["lines.linewidth"],
            )
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    layers = levels(heads(frame, "variance", language=language), "layer")
    n_heads = len(places) // len(layers)
    axes.set_xticks([(n_heads + 1) * i + (n_heads - 1) / 2 for i in range(len(layers))], [f"{i}" for i in layers])
    axes.set_xlim(-1, places[-1] + 1)


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """Variances on top, their terms' shares below; a column for each language, a mark and a bar for each head."""
    figure, found = style.new_figure(1.25), languages(frame)
    grid = figure.subplots(2, len(found), sharex=True, sharey="row", squeeze=False, height_ratios=(1.5, 1))
    for (top, bottom), language in zip(grid.T, found, strict=True):
        _draw_variances(top, frame, language)
        _draw_shares(bottom, frame, language)
        top.set_title(LANGUAGES[language])
        for axes in (top, bottom):
            axes.tick_params(axis="x", length=0)
    every = pd.concat([heads(frame, "variance", weights) for weights in ("trained", "initial")])
    decades(grid[0, 0], "y", [*every["estimate"], 1.0])
    middles = shares(frame, found[-1]).iloc[-1]
    labels = [
        style.EndLabel(float(middles.iloc[: i + 1].sum() - middles.iloc[i] / 2), words)
        for i, (words, _) in enumerate(TERMS.values())
    ]
    style.end_labels(grid[1, -1], labels)
    grid[1, 0].set_title("shares of its three terms")
    figure.supxlabel("layer, four heads each", fontsize=style.em())
    style.heading(figure, "variance of $q \\cdot k/\\sqrt{d_k}$ (dots: 1)")
    handles, labels_of = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels_of, loc="upper right", ncols=2, borderaxespad=0.1, columnspacing=1)
    return figure


def near_one(variances: pd.Series) -> int:
    """How many lie within a factor of 2 of 1."""
    return int(((variances > 0.5) & (variances < 2)).sum())


def caption(frame: pd.DataFrame) -> str:
    """How many heads have about the variance of the assumption, the range, and the third term's share."""
    trained, initial = (heads(frame, "variance", weights)["estimate"] for weights in ("trained", "initial"))
    constants = shares(frame)["mean_key"]
    return (
        f"Of {count(len(trained), 'trained head')} {near_one(trained)} {'has' if near_one(trained) == 1 else 'have'} "
        f"a variance within a factor of 2 of $d_k$. It runs from {number(trained.min(), 2)} to "
        f"{number(trained.max(), 2)} $d_k$, with a median of {number(trained.median(), 2)}. Before training (open) the "
        f"median is {number(initial.median(), 2)}. From {percent(constants.min())} to {percent(constants.max())} of a "
        "trained head’s variance is that of constants of its rows (unfilled), which the softmax does not see."
    )


def alt(frame: pd.DataFrame) -> str:
    """Every layer's medians, by language."""
    parts = []
    for language in languages(frame):
        rows = {weights: heads(frame, "variance", weights, language) for weights in ("trained", "initial")}
        for layer in levels(rows["trained"], "layer"):
            trained, initial = (number(select(of, layer=layer)["estimate"].median(), 2) for of in rows.values())
            parts.append(f"{LANGUAGES[language]}, layer {layer}: {trained} trained, {initial} before")
    return f"Variance of scaled scores, medians over the heads of a layer. {'; '.join(parts)}."


VARIANCES = FigureSpec(
    "trained-variances", "trained_heads", "What the scores of trained heads vary by", draw, caption, alt
)
