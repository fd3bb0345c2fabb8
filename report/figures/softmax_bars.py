"""Softmax weights as bars: one row of attention with and without the division, and the lecture's five numbers."""

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import listing, number


def _bars(axes: Axes, places: pd.Series, weights: pd.Series, colour: style.Colour) -> None:
    for bar in axes.bar(places, weights, width=0.78, linewidth=0):
        bar.set_facecolor(colour)  # `bar` would look it up
    axes.set_ylim(0, 1.08)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.tick_params(axis="x", length=0)


@style.styled
def draw_row(frame: pd.DataFrame) -> Figure:
    """The same scores' weights, raw beside scaled, on one vertical axis."""
    figure = style.new_figure(0.85)
    panels = figure.subplots(1, 2, sharey=True)
    n_keys = int(frame["n_keys"].iloc[0])
    step = max(1, n_keys // 4)
    words = {"raw": "raw: softmax($q\\cdot k$)", "scaled": "scaled: softmax($q\\cdot k\\,/\\sqrt{d_k}$)"}
    for axes, (rule, text) in zip(panels, words.items(), strict=True):
        rows = select(frame, rule=rule).sort_values("key")
        _bars(axes, rows["key"] + 1, rows["weight"], marks.RULES[rule].colour)
        axes.axhline(1 / n_keys, color=style.INK, linewidth=0.65 * rcParams["lines.linewidth"])
        axes.set_title(text, color=marks.RULES[rule].words)
        axes.set_xlabel("key")
        axes.set_xlim(0, n_keys + 1)
        axes.set_xticks(sorted({1, *range(step, n_keys - step // 2, step), n_keys}))
        top = _heaviest(frame, rule)
        place = (top["key"] + 1) / (n_keys + 1)
        axes.annotate(
            "> 0.99" if top["weight"] > 0.99 else number(top["weight"], 2),
            (top["key"] + 1, top["weight"]), va="bottom", xytext=(0, style.em(0.2)),
            ha="left" if place < 0.1 else "right" if place > 0.9 else "center", textcoords="offset points",
        )  # fmt: skip
    style.heading(figure, "softmax weight")
    style.end_labels(panels[1], [style.EndLabel(1 / n_keys, f"all equal:\n1/{n_keys}")])
    return figure


def _heaviest(frame: pd.DataFrame, rule: str) -> pd.Series:
    rows = select(frame, rule=rule)
    return rows.iloc[int(rows["weight"].argmax())]


def caption_row(frame: pd.DataFrame) -> str:
    """The heaviest weight under both rules."""
    raw, scaled = _heaviest(frame, "raw"), _heaviest(frame, "scaled")
    others = float(select(frame, rule="raw")["weight"].drop(raw.name).sum())
    share = f"all but {number(others, 2)}" if others < 0.01 else number(raw["weight"])
    return (
        f"One query and {raw['n_keys']} keys at $d_k = {raw['d_k']}$. Without the division, key {raw['key'] + 1} takes "
        f"{share} of the weight; with it, the heaviest weight is {number(scaled['weight'])}, and "
        f"the order of the keys is the same. Equal weights would be {number(1 / raw['n_keys'])}."
    )


def alt_row(frame: pd.DataFrame) -> str:
    """The three heaviest weights under both rules."""
    parts = [
        f"{rule}: {listing(number(weight) for weight in select(frame, rule=rule)['weight'].nlargest(3))}"
        for rule in ("raw", "scaled")
    ]
    keys, d_k = frame["n_keys"].iloc[0], frame["d_k"].iloc[0]
    return f"Bars of one row of softmax weights, {keys} keys, d_k = {d_k}. The heaviest three, {'; '.join(parts)}."


@style.styled
def draw_peaky(frame: pd.DataFrame) -> Figure:
    """The five weights for each factor, with their values; the scores stand below."""
    figure = style.new_figure(0.8)
    factors = sorted(frame["factor"].unique())
    panels = figure.subplots(1, len(factors), sharey=True, squeeze=False)[0]
    for axes, factor in zip(panels, factors, strict=True):
        rows = select(frame, factor=factor).sort_values("index")
        _bars(axes, rows["index"], rows["weight"], style.faint(style.INK, 0.55))
        for _, row in rows.iterrows():
            axes.annotate(
                f"{row['weight']:.4f}", (row["index"], row["weight"]), ha="center", va="bottom",
                xytext=(0, style.em(0.2)), textcoords="offset points",
            )  # fmt: skip
        axes.set_xticks(rows["index"], [f"{score:.1f}".replace("-", "−") for score in rows["score"]])
        axes.set_title("the lecture’s scores" if factor == 1 else f"the same times {factor:g}")
        axes.set_xlabel("score")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    style.heading(figure, "softmax weight")
    return figure


def caption_peaky(frame: pd.DataFrame) -> str:
    """The heaviest weight for each factor."""
    heaviest = frame.groupby("factor")["weight"].max()
    return (
        f"The same order, another size: the softmax of the lecture's five numbers gives its largest entry a weight of "
        f"{number(heaviest.iloc[0], 4)}; of the numbers times {heaviest.index[-1]:g}, {number(heaviest.iloc[-1], 4)}."
    )


def alt_peaky(frame: pd.DataFrame) -> str:
    """All weights."""
    parts = [
        f"times {factor:g}: {listing(f'{weight:.4f}' for weight in rows.sort_values('index')['weight'])}"
        for factor, rows in frame.groupby("factor")
    ]
    return f"Bars of the softmax of five scores, {'; '.join(parts)}."


ROW = FigureSpec("softmax-row", "softmax_row", "One row of weights", draw_row, caption_row, alt_row)
PEAKY = FigureSpec("peaky-softmax", "peaky", "The peaky softmax", draw_peaky, caption_peaky, alt_peaky)
