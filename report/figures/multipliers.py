"""What becomes of trained models whose scores are multiplied: their loss and their heads' entropy."""

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.head_windows import D_K, WITHOUT
from report.figures import marks, style
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.figures.trained_terms import LANGUAGES, languages
from report.wording import listing, number, plain

PANELS = (("loss_difference", "loss above that at 1, nats"), ("mean_entropy", "entropy, $H/\\ln n$"))
LINES = {"en": "-", "pt": "--"}
FACES = {"en": style.GREEN, "pt": style.BACKGROUND}


def at(frame: pd.DataFrame, language: str, quantity: str, multiplier: float) -> pd.Series:
    """The row of one multiplier."""
    return select(frame, language=language, quantity=quantity, weights="trained", multiplier=multiplier).iloc[0]


def best(frame: pd.DataFrame, language: str) -> float:
    """The multiplier of the smallest loss."""
    rows = select(frame, language=language, quantity="loss", weights="trained")
    return float(rows["multiplier"].iloc[int(rows["estimate"].argmin())])


def _draw_panel(axes: Axes, frame: pd.DataFrame, quantity: str) -> None:
    """Points with intervals, joined; drawn as scaled and as raw scores are, where the scores are those."""
    rows = {language: select(frame, quantity=quantity, language=language) for language in languages(frame)}
    for language, its in rows.items():
        marks.intervals(axes, its["multiplier"], its["low"], its["high"], style.GREEN)
        axes.plot(
            its["multiplier"], its["estimate"], color=style.GREEN, linestyle=LINES[language], marker="D",
            markerfacecolor=FACES[language], markersize=0.7 * rcParams["lines.markersize"],
        )  # fmt: skip
    for rule, multiplier in (("scaled", 1.0), ("raw", WITHOUT)):
        mark, points = marks.RULES[rule], pd.concat([select(its, multiplier=multiplier) for its in rows.values()])
        marks.intervals(axes, points["multiplier"], points["low"], points["high"], mark.colour)
        axes.plot(
            points["multiplier"], points["estimate"], color=mark.colour, marker=mark.marker, markerfacecolor=mark.face,
            linestyle="none", label=rule,
        )  # fmt: skip


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """The loss on the left, the entropy on the right."""
    figure = style.new_figure(0.9)
    panels = figure.subplots(1, 2, sharex=True)
    for axes, (quantity, title) in zip(panels, PANELS, strict=True):
        _draw_panel(axes, frame, quantity)
        axes.set_title(title)
    ends = [(select(frame, quantity=PANELS[0][0], language=language), language) for language in languages(frame)]
    style.end_labels(
        panels[0], [style.EndLabel(float(rows["estimate"].iloc[-1]), LANGUAGES[language]) for rows, language in ends]
    )
    style.log2_axis(panels[0], "x", ends[0][0]["multiplier"], most=5)
    panels[1].set_ylim(0, 1.02)
    handles, words = panels[0].get_legend_handles_labels()
    legend = figure.legend(handles, words, loc="upper right", ncols=2, borderaxespad=0.1, columnspacing=1)
    for text in legend.get_texts():
        text.set_color(marks.RULES[text.get_text()].words)
    figure.supxlabel("what the scaled scores of every head are multiplied by", fontsize=style.em())
    style.heading(figure, "trained models, weights left alone")
    return figure


def caption(frame: pd.DataFrame) -> str:
    """Where the loss is least, and what no division costs."""
    found = languages(frame)
    costs = []
    for language in found:
        row = at(frame, language, "loss_difference", WITHOUT)
        low, high = plain(row["low"], 2), plain(row["high"], 2)
        costs.append(f"by {plain(row['estimate'], 2)} nats a token in {LANGUAGES[language]} ({low} to {high})")
    least = sorted({best(frame, language) for language in found})
    where = (
        f"Of these multipliers {least[0]:g} has the smallest loss{' in both models' * (len(found) > 1)}."
        if len(least) == 1
        else f"The smallest losses are at {listing(f'{multiplier:g}' for multiplier in least)}."
    )
    return (
        f"{where} A multiplier of $\\sqrt{{{D_K}}}$ takes the division away; against 1 it changes the loss "
        f"{listing(costs)}."
    )


def alt(frame: pd.DataFrame) -> str:
    """Both quantities at the ends, at 1 and without the division."""
    parts = []
    for language in languages(frame):
        multipliers = select(frame, quantity="loss", language=language, weights="trained")["multiplier"]
        for multiplier in sorted({float(multipliers.min()), 1.0, WITHOUT, float(multipliers.max())}):
            loss, entropy = (at(frame, language, quantity, multiplier)["estimate"] for quantity, _ in PANELS)
            parts.append(f"{LANGUAGES[language]}, {number(multiplier)}: {plain(loss, 3)} and {plain(entropy, 3)}")
    return f"Change of the loss, and entropy over ln n, by the multiplier of all scores. {'; '.join(parts)}."


MULTIPLIERS = FigureSpec(
    "trained-multipliers", "trained_heads", "Trained models with their scores multiplied", draw, caption, alt
)
