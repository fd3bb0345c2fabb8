"""What every rule leaves of the same rows: against d_k, and against the number of keys."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from report.figures import marks, style
from report.figures.rule_words import FOLLOWS, PLAIN, WORDS, followers, marks_of
from report.figures.selection import levels
from report.figures.spec import FigureSpec
from report.wording import listing, number

TITLES = {"missing_entropy": "missing entropy, ln $n$ − $H$", "max_weight": "largest weight"}


def over_d_k(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The named rules' rows at the number of keys of the sweep over d_k, wherever they were measured."""
    n_keys = frame[frame["alpha"].notna()]["n_keys"].iloc[0]
    rows = _named(frame, quantity)
    return rows[rows["n_keys"] == n_keys].sort_values("d_k", kind="stable")


def over_n_keys(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The named rules' rows of the sweep over the number of keys: at the d_k that has most of them."""
    rows = _named(frame, quantity)
    d_k = rows.groupby("d_k")["n_keys"].nunique().idxmax()
    return rows[rows["d_k"] == d_k].sort_values("n_keys", kind="stable")


def _named(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    return frame[(frame["quantity"] == quantity) & frame["alpha"].isna()]


def curve(axes: Axes, rows: pd.DataFrame, along: str, mark: marks.Mark) -> None:
    """One rule: points with intervals on their exact line, or joined where no law is known; no place for zeros."""
    exact = rows[rows["prediction"] > 0]
    if len(exact):
        marks.exact_curve(axes, exact[along], exact["prediction"], logarithmic=True)
    points = rows[rows["estimate"] > 0]
    marks.intervals(axes, points[along], points["low"].clip(points["estimate"] / 8), points["high"], mark.colour)
    axes.plot(
        points[along], points["estimate"], color=mark.colour, marker=mark.marker, markerfacecolor=mark.face,
        linestyle="none" if len(exact) else "-", linewidth=0.5 * rcParams["lines.linewidth"],
        markersize=0.75 * rcParams["lines.markersize"], markeredgewidth=0.7 * rcParams["lines.markeredgewidth"],
    )  # fmt: skip


def decades(axes: Axes, values: pd.Series) -> None:
    """A logarithmic vertical axis with ticks at powers of ten."""
    positive = values[values > 0]
    low, high = np.floor(np.log10(positive.min()) - 0.05), np.ceil(np.log10(positive.max()) + 0.05)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(list(10.0 ** np.arange(low, high + 1))))
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(10.0**low, 10.0**high)


def _panel(axes: Axes, rows: pd.DataFrame, along: str, rules: dict[str, marks.Mark]) -> None:
    labels = []
    for rule, mark in rules.items():
        its = rows[rows["rule"] == rule]
        curve(axes, its, along, mark)
        if (end := its["estimate"].iloc[-1]) > 0:
            labels.append(style.EndLabel(end, WORDS.get(rule, rule), mark.words))
    decades(axes, rows[rows["rule"].isin(rules)]["estimate"])
    style.end_labels(axes, labels)


@style.styled
def draw_over_d_k(frame: pd.DataFrame) -> Figure:
    """The missing entropy against d_k: factors on the left, other rules on the right."""
    rows = over_d_k(frame, "missing_entropy")
    figure = style.new_figure(0.9)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    scaled = {"scaled": marks.RULES["scaled"]}
    others = marks_of(rows, "normalised", "shape", hidden=followers(rows))
    for axes, title, rules in (
        (panels[0], "a factor", {**marks.RULES, **marks_of(rows, "factor")}),
        (panels[1], "more than a factor", {**scaled, **others}),
    ):
        _panel(axes, rows, "d_k", rules)
        axes.set_title(title)
    decades(panels[0], rows["estimate"])
    style.log2_axis(panels[0], "x", rows["d_k"], most=4)
    figure.supxlabel("dimension of queries and keys, $d_k$", fontsize=style.em())
    style.heading(figure, f"ln $n$ − $H$, $n$ = {rows['n_keys'].iloc[0]}: measured (marks), exact (thin lines)")
    return figure


@style.styled
def draw_over_n_keys(frame: pd.DataFrame) -> Figure:
    """The missing entropy on the left, the largest weight on the right, where the number of keys decides the factor."""
    rows_of = {quantity: over_n_keys(frame, quantity) for quantity in TITLES}
    figure = style.new_figure(0.9)
    panels = figure.subplots(1, 2, sharex=True)
    for axes, (quantity, rows) in zip(panels, rows_of.items(), strict=True):
        _panel(axes, rows, "n_keys", {**marks.RULES, **marks_of(rows, "length")})
        axes.set_title(TITLES[quantity])
    style.log2_axis(panels[0], "x", rows["n_keys"], most=4)
    figure.supxlabel("number of keys, $n$", fontsize=style.em())
    style.heading(figure, f"$d_k$ = {rows['d_k'].iloc[0]}: measured (marks), exact (thin lines)")
    return figure


def ends(rows: pd.DataFrame, rule: str) -> tuple[float, float]:
    """A rule's estimates at the first and the last place of a sweep."""
    estimates = rows[rows["rule"] == rule]["estimate"]
    return float(estimates.iloc[0]), float(estimates.iloc[-1])


def caption_over_d_k(frame: pd.DataFrame) -> str:
    """Raw and scaled scores at the ends, and who is not drawn."""
    rows = over_d_k(frame, "missing_entropy")
    dimensions, n_keys = levels(rows, "d_k"), rows["n_keys"].iloc[0]
    raw, scaled = (ends(rows, rule) for rule in ("raw", "scaled"))
    span = f"from $d_k = {dimensions[0]}$ to {dimensions[-1]}" if len(dimensions) > 1 else f"at $d_k = {dimensions[0]}$"
    kinds = rows[rows["family"].isin(["normalised", "shape"])]["rule"].unique()
    words = [WORDS.get(rule, rule) for rule in followers(rows) if rule in kinds]
    follow = f" Never {100 * FOLLOWS:g} % from scaled, and drawn as one with it: {listing(words)}." if words else ""
    return (
        f"What the weights of {n_keys} keys lack to the entropy of equal weights, in nats: {_both(raw)} {span} without "
        f"a division, and {_both(scaled)} with $\\sqrt{{d_k}}$. Level: the entropy is kept. Pink: $q$ and $k$ are "
        f"normalised; ink: another function of $q \\cdot k$.{follow}"
    )


def caption_over_n_keys(frame: pd.DataFrame) -> str:
    """Scaled scores at the ends, by both quantities."""
    missing, weight = (over_n_keys(frame, quantity) for quantity in TITLES)
    keys, d_k = levels(missing, "n_keys"), missing["d_k"].iloc[0]
    span = f"from {keys[0]} keys to {keys[-1]}" if len(keys) > 1 else f"over {keys[0]} keys"
    return (
        f"Rules whose factor $n$ decides (green), at $d_k = {d_k}$. Divided by $\\sqrt{{d_k}}$ alone, scores leave "
        f"{_both(ends(missing, 'scaled'))} nats missing {span}, and a largest weight of "
        f"{_both(ends(weight, 'scaled'))}. Level on the left: the same share of the keys stays effective, however many "
        "there are. Level on the right: the first of them gets the same weight, however many compete."
    )


def _both(values: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(map(number, values)))


def _alt(rows: pd.DataFrame, *families: str) -> str:
    rules = rows[rows["family"].isin(families)]["rule"].unique()
    return listing(f"{PLAIN.get(rule, rule)} {_both(ends(rows, rule))}" for rule in rules)


def alt_over_d_k(frame: pd.DataFrame) -> str:
    """The ends of every curve."""
    rows = over_d_k(frame, "missing_entropy")
    dimensions = levels(rows, "d_k")
    return (
        f"Two panels of missing entropy against d_k, {dimensions[0]} to {dimensions[-1]}, over "
        f"{rows['n_keys'].iloc[0]} keys: {_alt(rows, 'raw', 'scaled', 'factor', 'normalised', 'shape')}."
    )


def alt_over_n_keys(frame: pd.DataFrame) -> str:
    """The ends of every curve, by both quantities."""
    missing, weight = (over_n_keys(frame, quantity) for quantity in TITLES)
    keys, families = levels(missing, "n_keys"), ("raw", "scaled", "length")
    return (
        f"Two panels against the number of keys, {keys[0]} to {keys[-1]}, at d_k = {missing['d_k'].iloc[0]}. Missing "
        f"entropy: {_alt(missing, *families)}. Largest weight: {_alt(weight, *families)}."
    )


OVER_D_K = FigureSpec(
    "rules-over-d", "scalings", "Every rule against the dimension", draw_over_d_k, caption_over_d_k, alt_over_d_k
)
OVER_N_KEYS = FigureSpec(
    "rules-over-keys", "scalings", "Against the number of keys", draw_over_n_keys, caption_over_n_keys, alt_over_n_keys
)
