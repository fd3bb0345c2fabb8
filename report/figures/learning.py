"""How fast heads learn: accuracy and loss against steps, and steps needed against d_k and the first scores' spread."""

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.learning_runs import LEVEL
from report.figures import marks, style
from report.figures.selection import levels, select
from report.figures.spec import FigureSpec
from report.wording import listing, number, percent

MARKS = {
    **marks.RULES,
    "absorbed": marks.FACTOR,
    "raw-default": marks.Mark(style.RAW, "^", style.BACKGROUND, text=style.RAW_TEXT),
    "scaled-default": marks.Mark(style.SCALED, "v", style.SCALED),
}
SHOWN = ("raw", "scaled", "absorbed")  # as curves
CURVE_WORDS = {"accuracy": "own key found", "loss": "loss"}
NAMES = {
    "raw": "raw",
    "scaled": "scaled",
    "absorbed": "absorbed",
    "raw-default": "raw, default weights",
    "scaled-default": "scaled, default weights",
}


def value(frame: pd.DataFrame, variant: str, d_k: int, quantity: str) -> float:
    """An estimate that is there once: of a head before it learns, or at the rate that was chosen."""
    rows = select(frame, variant=variant, d_k=d_k, quantity=quantity)
    return float(rows[rows["is_best"] != 0]["estimate"].iloc[-1])


def curve(frame: pd.DataFrame, variant: str, d_k: int, quantity: str = "accuracy") -> pd.DataFrame:
    """Accuracies or losses at the best rate, bin by bin, each at the middle of its steps."""
    rows = select(frame, variant=variant, d_k=d_k, quantity=quantity)
    return rows.assign(step=(rows["step_from"] + rows["step_to"]) / 2)


def ends(frame: pd.DataFrame) -> list[int]:
    """The smallest and the largest d_k; one if they are the same."""
    dimensions = levels(frame, "d_k")
    return list(dict.fromkeys((dimensions[0], dimensions[-1])))


def _points(axes: Axes, rows: pd.DataFrame, x: str, variant: str) -> None:
    mark = MARKS[variant]
    marks.intervals(axes, rows[x], rows["low"], rows["high"], mark.colour, width=0.7)
    axes.plot(
        rows[x], rows["estimate"], color=mark.colour, marker=mark.marker, markerfacecolor=mark.face, linestyle="none",
        label=NAMES[variant], markersize=0.9 * rcParams["lines.markersize"],
        markeredgewidth=0.8 * rcParams["lines.markeredgewidth"],
    )  # fmt: skip


def _line(axes: Axes, rows: pd.DataFrame, variant: str) -> style.EndLabel:
    """A curve in its band of intervals, and its label."""
    mark = MARKS[variant]
    axes.fill_between(rows["step"], rows["low"], rows["high"], color=style.faint(mark.colour, 0.25), linewidth=0)
    axes.plot(
        rows["step"], rows["estimate"], color=mark.colour, linestyle=mark.line if mark.line != "none" else "-.",
        linewidth=0.9 * rcParams["lines.linewidth"],
    )  # fmt: skip
    return style.EndLabel(rows["estimate"].iloc[-1], NAMES[variant], mark.words)


@style.styled
def draw_curves(frame: pd.DataFrame) -> Figure:
    """Accuracy above loss; a column for the smallest d_k and one for the largest."""
    figure = style.new_figure(1.35)
    dimensions = ends(frame)
    panels = figure.subplots(2, len(dimensions), sharex=True, sharey="row", squeeze=False)
    for row, (quantity, words) in zip(panels, CURVE_WORDS.items(), strict=True):
        for axes, d_k in zip(row, dimensions, strict=True):
            labels = [_line(axes, curve(frame, variant, d_k, quantity), variant) for variant in SHOWN]
        row[0].set_ylabel(words)
        row[0].set_ylim(-0.02, 1.02)
        style.end_labels(row[-1], labels)
    for axes, d_k in zip(panels[0], dimensions, strict=True):
        axes.set_title(f"$d_k$ = {d_k}")
        axes.axhline(LEVEL, color=style.GRID, linewidth=rcParams["lines.linewidth"], zorder=1)
    quarters = [0, 0.25, 0.5, 0.75, 1] if not style.medium().is_fixed else [0, 0.5, 1]
    below = [tick for tick in quarters if tick < 1]
    panels[0, 0].set_yticks([*below, LEVEL], [f"{tick:g}" for tick in [*below, LEVEL]])
    panels[1, 0].set_yticks(quarters, [f"{tick:g}" for tick in quarters])
    style.log2_axis(panels[0, 0], "x", curve(frame, SHOWN[0], dimensions[0])["step"], most=5)
    figure.supxlabel("step of learning", fontsize=style.em())
    is_titled = style.medium().is_fixed  # a slide has the same words above it
    style.heading(figure, f"{'' if is_titled else 'each rule at its own best rate; '}bands: 95 % intervals")
    return figure


def areas_at(frame: pd.DataFrame, d_k: int) -> str:
    """The mean accuracies of the shown variants, in words."""
    means = {variant: number(value(frame, variant, d_k, "area")) for variant in SHOWN}
    return f"{means['raw']} raw, {means['scaled']} scaled and {means['absorbed']} absorbed at $d_k = {d_k}$"


def caption_curves(frame: pd.DataFrame) -> str:
    """The mean accuracy of each curve, and where the curves end."""
    last = ends(frame)[-1]
    raw, scaled = (percent(curve(frame, variant, last)["estimate"].iloc[-1], 3) for variant in ("raw", "scaled"))
    losses = listing(number(curve(frame, name, last, "loss")["estimate"].iloc[-1], 2) for name in ("raw", "scaled"))
    return (
        f"Mean accuracy over all steps: {'. Of wide heads: '.join(areas_at(frame, d_k) for d_k in ends(frame))}. "
        "Over the last steps, "
        f"at $d_k = {last}$, raw heads find {raw} of the keys and scaled ones {scaled}, with losses of {losses}. "
        "Absorbed: no division, but first weights multiplied by $d_k^{-1/4}$ each. Means over "
        f"{int(frame['n_blocks'].iloc[0])} runs; other runs chose the rates."
    )


def alt_curves(frame: pd.DataFrame) -> str:
    """First, middle and last accuracy of every curve."""
    parts = []
    for d_k in ends(frame):
        for variant in SHOWN:
            rows = curve(frame, variant, d_k)
            three = rows.iloc[[0, len(rows) // 2, -1]]
            seen = ", ".join(
                f"{number(accuracy, 2)} at step {number(step)}"
                for accuracy, step in zip(three["estimate"], three["step"], strict=True)
            )
            loss = curve(frame, variant, d_k, "loss")["estimate"].iloc[[0, -1]]
            parts.append(f"d_k = {d_k}, {variant}: {seen}; loss {' to '.join(number(end, 2) for end in loss)}")
    return f"Accuracy, and loss below it, against steps of learning. {'; '.join(parts)}."


@style.styled
def draw_steps(frame: pd.DataFrame) -> Figure:
    """How many times as many steps raw takes, and the steps of every rule with either first weights, at every d_k."""
    figure = style.new_figure(1.05)
    left, axes = figure.subplots(1, 2, width_ratios=(2, 3))
    for variant in ("raw", "raw-default"):
        _points(left, select(frame, variant=variant, quantity="slowdown"), "d_k", variant)
    shown = {}
    for variant in NAMES:
        rows = select(frame, variant=variant, quantity="steps_to_90")
        spread = select(frame, variant=variant, quantity="spread")["estimate"]
        shown[variant] = rows.assign(spread=spread.to_numpy())
        _points(axes, shown[variant], "spread", variant)
    every, times = pd.concat(shown.values()), frame[frame["quantity"] == "slowdown"]
    style.log2_axis(left, "x", frame["d_k"], most=5)
    style.log2_axis(left, "y", [times["low"].min(), times["high"].max()])
    style.log2_axis(axes, "x", every["spread"], most=6)
    style.log2_axis(axes, "y", [every["low"].clip(lower=1).min(), every["high"].max()])
    raw = shown["raw"]
    for d_k, x, y in zip(raw["d_k"], raw["spread"], raw["high"], strict=True):
        if d_k in ends(frame):
            axes.annotate(
                f"$d_k$ = {d_k}", (x, y), xytext=(0, style.em(0.3)), textcoords="offset points",
                color=style.RAW_TEXT, ha="center", va="bottom", annotation_clip=False,
            )  # fmt: skip
    left.set_title("raw over scaled")
    left.set_xlabel("dimension, $d_k$")
    axes.set_title("steps")
    axes.set_xlabel("sd of the first scores, $\\sigma_0$")
    legend = figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, handlelength=1, columnspacing=1.5
    )
    for text, variant in zip(legend.get_texts(), NAMES, strict=True):
        text.set_color(MARKS[variant].words)
    style.heading(figure, f"steps until {100 * LEVEL:.0f} % are found")
    return figure


def _steps(frame: pd.DataFrame, variant: str, d_k: int) -> str:
    return number(value(frame, variant, d_k, "steps_to_90"), 2)


def caption_steps(frame: pd.DataFrame) -> str:
    """Steps of raw and scaled heads at both ends, and how many got there."""
    parts = [
        f"at $d_k = {d_k}$ raw heads take {_steps(frame, 'raw', d_k)} steps and scaled ones "
        f"{_steps(frame, 'scaled', d_k)}"
        for d_k in ends(frame)
    ]
    fewest = float(select(frame, quantity="reached")["estimate"].min())
    last = int(frame["step_to"].max())
    return (
        f"Each at its own quickest rate, {', '.join(parts)}. Default weights make entries of variance 1/3. Geometric "
        "means over runs, with 95 % intervals; "
        + (
            "every run got there."
            if fewest == 1
            else f"a run that did not get there counts as if it had at the last step, {last}, which is at worst "
            f"{percent(1 - fewest)} of the runs behind a point."
        )
    )


def alt_steps(frame: pd.DataFrame) -> str:
    """Every point."""
    parts = []
    for variant, words in NAMES.items():
        points = [
            f"{number(value(frame, variant, d_k, 'spread'), 2)}: {_steps(frame, variant, d_k)}"
            for d_k in levels(frame, "d_k")
        ]
        parts.append(f"{words} {', '.join(points)}")
    times = [f"{number(value(frame, 'raw', d_k, 'slowdown'), 2)} at d_k = {d_k}" for d_k in levels(frame, "d_k")]
    parts.append(f"raw over scaled: {', '.join(times)}")
    return f"Steps until 90 % are found, by standard deviation of the first scores. {'; '.join(parts)}."


CURVES = FigureSpec(
    "learning-curves", "learning", "Each rule at its own best rate", draw_curves, caption_curves, alt_curves
)
STEPS = FigureSpec(
    "steps-against-spread", "learning", "What decides how long it takes", draw_steps, caption_steps, alt_steps
)
