"""Measured mean and variance of q·k for pairs that keep or break an assumption, and what √d_k leaves of them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.assumptions import CASES, INDEPENDENT, SLIGHT, kind_of
from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import count, listing, number, percent
from scaling.pairs import PAIR_LAWS

CONTROL = "control"  # the slightly aligned pairs, held against what independent ones would have
EDGE = 1.7  # margins from the prediction; what lies beyond is an arrow
BEYOND = 16  # times the largest measured d_k: as far as exact lines are drawn
PANELS = (("variance", "variance"), ("mean", "mean, in standard deviations"))


def deviations(frame: pd.DataFrame) -> pd.DataFrame:
    """Every row's estimate and interval less its prediction, and its margin, in units of the variance or of the sd.

    The control's rows come last: those of the slight alignment against the predictions for independent vectors.
    """
    rows = pd.concat([frame, _as_independent(frame).assign(case=CONTROL)], ignore_index=True)
    variance = rows["d_k"].map({d_k: float(d_k) for d_k in levels(frame, "d_k")})
    for case in CASES:
        exact = select(rows, case=case, quantity="variance").set_index("d_k")["prediction"]
        variance = variance.where(rows["case"] != case, rows["d_k"].map(exact))
    unit = variance.where(rows["quantity"] == "variance", variance**0.5)
    shifted = {name: (rows[name] - rows["prediction"]) / unit for name in ("estimate", "low", "high")}
    return rows.assign(**shifted, margin=rows["margin"] / unit)


def _as_independent(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the slight alignment with the predictions and margins of independent vectors."""
    aligned = select(frame, case=SLIGHT)
    independent = select(frame, case=INDEPENDENT)
    return aligned.assign(prediction=independent["prediction"].to_numpy(), margin=independent["margin"].to_numpy())


def _draw_deviations(axes: Axes, rows: pd.DataFrame, quantity: str, names: Sequence[str]) -> None:
    """One row for each of the named cases, with its d_k one below another, the smallest on top."""
    dimensions = levels(rows, "d_k")
    rows = select(rows[rows["case"].isin(names)], quantity=quantity)
    margin = float(rows["margin"].iloc[0])
    edge = EDGE * margin
    axes.axvspan(-margin, margin, color=style.BAND, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=0.65 * rcParams["lines.linewidth"], zorder=1.5)
    step = 0.6 / max(1, len(dimensions) - 1)
    y = (
        rows["case"].map(list(names).index)
        + rows["d_k"].map(dimensions.index) * step
        - step * (len(dimensions) - 1) / 2
    )
    is_inside = rows["estimate"].abs() < edge
    for is_control, mark in ((False, marks.RULES["raw"]), (True, marks.VERDICTS["refuted"])):
        its = is_inside & ((rows["case"] == CONTROL) == is_control)
        low, high = (rows[name][its].clip(-edge, edge) for name in ("low", "high"))
        marks.intervals_across(axes, y[its], low, high, mark.colour, width=0.6)
        axes.plot(
            rows["estimate"][its], y[its], linestyle="none", color=mark.colour, marker=mark.marker,
            markerfacecolor=mark.face, markersize=0.5 * rcParams["lines.markersize"],
            markeredgewidth=0.4 * rcParams["lines.markeredgewidth"],
        )  # fmt: skip
    for side, marker in ((-1, "<"), (1, ">")):
        beyond = y[~is_inside & (side * rows["estimate"] > 0)]
        if len(beyond):
            axes.plot(
                np.full(len(beyond), side * edge), beyond, linestyle="none", color=style.INK, marker=marker,
                markersize=0.4 * rcParams["lines.markersize"], clip_on=False,
            )  # fmt: skip
    axes.set_xlim(-edge, edge)
    ticks = (-margin, 0, margin)
    axes.set_xticks(ticks, [f"−{100 * margin:g} %", "0", f"+{100 * margin:g} %"])


@style.styled
def draw_deviations(frame: pd.DataFrame) -> Figure:
    """The variance on the left, the mean on the right; the control at the bottom. On a slide, twice half the rows."""
    figure = style.new_figure(1.35)
    labels = {**{case: words.short for case, words in CASES.items()}, CONTROL: "control"}
    n_parts = 2 if style.medium().is_fixed else 1
    n_rows = -(-len(labels) // n_parts)
    panels = figure.subplots(1, 2 * n_parts, sharey="row" if n_parts == 1 else False)
    rows = deviations(frame)
    for part in range(n_parts):
        names = list(labels)[part * n_rows : (part + 1) * n_rows]
        pair = panels[2 * part : 2 * part + 2]
        for axes, (quantity, title) in zip(pair, PANELS, strict=True):
            _draw_deviations(axes, rows, quantity, names)
            axes.set_title(title if n_parts == 1 else title.split(",")[0])
            axes.grid(visible=False)
            axes.set_yticks(range(len(names)), [labels[name] for name in names])
            axes.set_ylim(n_rows - 0.4, -0.6)
            if CONTROL in names:
                axes.axhline(len(names) - 1.5, color=style.GRID, linewidth=0.7 * rcParams["lines.linewidth"])
        pair[1].tick_params(axis="y", labelleft=False)
    in_sd = ", means in standard deviations" if n_parts == 2 else ""
    style.heading(figure, f"measured less predicted{in_sd} (shaded: the margin)")
    return figure


def caption_deviations(frame: pd.DataFrame) -> str:
    """The farthest variance, and what becomes of the control."""
    rows = deviations(frame)
    own, control = rows[rows["case"] != CONTROL], select(rows, case=CONTROL)
    variances = select(own, quantity="variance")
    far = variances.iloc[int(variances["estimate"].abs().argmax())]
    means = select(control, quantity="mean")["estimate"]
    variance = select(control, quantity="variance")["estimate"].abs().max()
    d_k = levels(frame, "d_k")
    places = f"$d_k = {d_k[0]}$ (on top) to {d_k[-1]}" if len(d_k) > 1 else f"$d_k = {d_k[0]}$"
    ends = listing(dict.fromkeys(number(value, 2) for value in (means.iloc[0], means.iloc[-1])))
    return (
        f"{len(CASES)} kinds of pairs at {places}, each against its own prediction: of {len(variances)} variances the "
        f"farthest is {percent(abs(far['estimate']))} off ({CASES[str(far['case'])].words}, $d_k = {far['d_k']}$). "
        "Within: any two components of a vector are correlated, 0.1; neighbours: only components next to each other, "
        "1/2; $q$ with $k$: each $q_i$ with its $k_i$, 0.1. "
        "Last row, the control: the pairs in which $q_i$ is correlated with $k_i$, judged as if they were independent. "
        f"Their variance is at most {percent(variance)} off; their mean gives them away, {ends} standard deviations "
        "off (arrows: beyond the axis)."
    )


def alt_deviations(frame: pd.DataFrame) -> str:
    """The farthest deviations of each quantity, and the control's."""
    rows = deviations(frame)
    parts = []
    for quantity, unit in (("variance", "of the variance"), ("mean", "of a standard deviation")):
        own = select(rows[rows["case"] != CONTROL], quantity=quantity)["estimate"].abs().max()
        control = select(rows, case=CONTROL, quantity=quantity)["estimate"].abs().max()
        parts.append(f"{quantity}: at most {percent(own)} {unit}; of the control, {percent(control, 3)}")
    return f"Deviations of {count(len(CASES), 'kind')} of pairs from their predictions. {'. '.join(parts)}.".replace(
        ". mean", ". Mean"
    ).replace(". variance", ". Variance")


def _draw_left(axes: Axes, frame: pd.DataFrame, quantity: str) -> None:
    """Points at the measured d_k on exact lines that go on beyond them, each with its name at the end."""
    power = 1.0 if quantity == "variance" else 0.5
    dimensions = levels(frame, "d_k")
    octaves = 2 ** np.arange(int(np.log2(dimensions[0])), int(np.ceil(np.log2(BEYOND * dimensions[-1]))) + 1)
    kept = _kept()
    labels, shown = [], []
    for case, words in CASES.items():
        law = PAIR_LAWS[case]
        exact = law.variance if quantity == "variance" else law.mean
        line = np.array([exact(int(d_k)) / d_k**power for d_k in octaves])
        if not np.all(line > 0):
            continue  # a mean of 0
        shown.append(case)
        if case not in kept[1:]:
            is_straight = np.allclose(np.diff(np.log(line), n=2), 0)
            places = [0, -1] if is_straight else slice(None)
            marks.exact(axes, octaves[places], line[places])
            text = f"{len(kept)} others" if case in kept and len(kept) > 1 else words.short
            labels.append(style.EndLabel(float(line[-1]), text))
    rows = frame[(frame["quantity"] == quantity) & frame["case"].isin(shown) & (frame["estimate"] > 0)]
    unit = rows["d_k"] ** power
    rows = rows.assign(**{name: rows[name] / unit for name in ("estimate", "low", "high", "prediction")})
    for is_one, mark, size in ((True, marks.RULES["scaled"], 0.9), (False, marks.FACTOR, 0.6)):
        its = rows[rows["case"].isin(kept) == is_one]
        marks.intervals(axes, its["d_k"], its["low"].clip(its["estimate"] / 8), its["high"], mark.colour, width=0.7)
        axes.plot(
            its["d_k"], its["estimate"], linestyle="none", color=mark.colour, marker=mark.marker,
            markerfacecolor=mark.face, markersize=size * rcParams["lines.markersize"],
        )  # fmt: skip
    style.end_labels(axes, labels)
    style.log2_axis(axes, "x", octaves, most=5)
    style.log2_axis(axes, "y", [*(label.y for label in labels), *rows["prediction"]], most=6)
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"1/{1 / value:.0f}" if value < 1 else f"{value:.0f}")
    )


@style.styled
def draw_left(frame: pd.DataFrame) -> Figure:
    """The scaled score's variance on the left, its mean on the right."""
    figure = style.new_figure(1.05)
    left, right = figure.subplots(1, 2)
    _draw_left(left, frame, "variance")
    _draw_left(right, frame, "mean")
    left.set_title("variance")
    right.set_title("mean, where it is not 0")
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    style.heading(figure, "$q \\cdot k/\\sqrt{d_k}$: measured (marks), exact (lines)")
    return figure


def caption_left(frame: pd.DataFrame) -> str:
    """What is kept, and the two ways in which the root fails, with their numbers at the largest d_k."""
    d_k = levels(frame, "d_k")[-1]
    rows = frame[frame["d_k"] == d_k].set_index(["case", "quantity"])["estimate"]

    def variance(case: str) -> str:
        return number(float(rows[case, "variance"]) / d_k)

    return (
        f"Divided by $\\sqrt{{d_k}}$, at $d_k = {d_k}$: {len(_kept())} of {len(CASES)} cases (blue) keep variance 1. "
        f"Entries of another size, or neighbours that are alike, only change the constant: {variance('wide')} for a "
        f"standard deviation of 3, {variance('narrow')} for 1/2, {variance('neighbours')} for neighbours. Where all "
        f"components of both vectors are correlated the variance, {variance('shared-sign')}, goes on growing like "
        f"$d_k$. Where each $q_i$ is correlated with its $k_i$, or no entry is centred, it is the mean that grows, "
        f"like $\\sqrt{{d_k}}$: {number(float(rows[SLIGHT, 'mean']) / d_k**0.5)} for a correlation of 0.1."
    )


def _kept() -> list[str]:
    """The cases that keep mean 0 and variance d_k."""
    return [case for case in CASES if kind_of(PAIR_LAWS[case]) == "kept"]


def alt_left(frame: pd.DataFrame) -> str:
    """Variance and mean of every case at the largest d_k."""
    d_k = levels(frame, "d_k")[-1]
    rows = frame[frame["d_k"] == d_k].set_index(["case", "quantity"])["estimate"]
    parts = [
        f"{case}: {number(float(rows[case, 'variance']) / d_k)} and {number(float(rows[case, 'mean']) / d_k**0.5, 2)}"
        for case in CASES
    ]
    return f"Variance and mean of the scaled score at d_k = {d_k}. {'; '.join(parts)}."


DEVIATIONS = FigureSpec(
    "assumptions-deviations", "assumptions", "Predicted and measured, case by case",
    draw_deviations, caption_deviations, alt_deviations,
)  # fmt: skip
LEFT = FigureSpec(
    "assumptions-scaled", "assumptions", "What the division leaves when an assumption breaks",
    draw_left, caption_left, alt_left,
)  # fmt: skip
