"""Where the parts of self-attention stand in its one drawing: in three bands, or in two lines where text must be large.

Three bands, one below the other: keys, queries, values. The middle one is the way of every query, and the rows of all
its matrices are tokens: a token's row stays at one height from the input to its context vector. Two lines: the input,
the weight matrices and what they make of it; below, scores, weights and the context vectors, which stand under the
values that they are averages of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pandas as pd

from report.figures import style
from report.figures.marks import RULES
from report.figures.matrices import Place, height_of, short, titled, width_of
from report.figures.theme import INK

Point = tuple[float, float]
INPUT, PROJECTIONS, SCORES, WEIGHTS, CONTEXT, FORMULA = range(6)  # stages: what is there from each on


@dataclass(frozen=True)
class Part:
    """How one matrix is named and coloured, and where it stands: in which band and behind which gap."""

    title: str
    stage: int
    band: int
    gap: float  # to its left, in text sizes
    rule: str | None = None

    @property
    def colours(self) -> tuple[str, str]:
        """Of its cells and of its title."""
        return (RULES[self.rule].colour, RULES[self.rule].words) if self.rule else (INK, INK)


PARTS: Mapping[str, Part] = {
    "embeddings": Part("$X$", INPUT, 1, 0.55),
    "w_key": Part("$W_k$", PROJECTIONS, 0, 2.6),
    "w_query": Part("$W_q$", PROJECTIONS, 1, 2.6),
    "w_value": Part("$W_v$", PROJECTIONS, 2, 2.6),
    "keys": Part("$K$", PROJECTIONS, 0, 1.9),
    "queries": Part("$Q$", PROJECTIONS, 1, 1.9),
    "values": Part("$V$", PROJECTIONS, 2, 1.9),
    "scores": Part("scores $QK^\\top$", SCORES, 1, 2.8, "raw"),
    "weights": Part("weights", WEIGHTS, 1, 4.2, "scaled"),
    "context": Part("context", CONTEXT, 1, 2.8),
}
COLUMNS = (("embeddings",), ("w_key", "w_query", "w_value"), ("keys", "queries", "values"), ("scores",), ("weights",),
           ("context",))  # fmt: skip
CELL_HEIGHT, PADDING = 1.6, 0.48  # of a cell, and the room beside its number; in text sizes, as all that follows
LEAST_HEIGHT, OVERHANG = 5.0, 1.25  # of a matrix with a row per token; of a title over its matrix
TITLE, BAND_GAP, MARGIN, AWAY = 1.6, 1.5, 0.6, 0.45  # the last: between a matrix and an arrow
FORMULA_SIZE = 1.9
INLINE = r"$\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$"
DISPLAYED = r"$\mathrm{softmax}\left(\dfrac{QK^\top}{\sqrt{d_k}}\right)V$"  # no part of it small


@dataclass(frozen=True)
class Arrow:
    """A line through points; its head is at the last."""

    stage: int
    way: Sequence[Point]


@dataclass(frozen=True)
class Sign:
    """Words beside an arrow: at a place, moved from it and aligned there."""

    stage: int
    text: str
    at: Point
    shift: Point = (0.0, 0.0)
    ha: str = "center"
    va: str = "center_baseline"
    size: float = 1.0


@dataclass(frozen=True)
class Layout:
    """All places in text sizes, from the lower left corner, and the size of the whole."""

    places: Mapping[str, Place]
    arrows: Sequence[Arrow]
    signs: Sequence[Sign]
    formula: Sign
    width: float
    height: float
    decimals: int


def _cell_width(matrix: pd.DataFrame, decimals: int, padding: float) -> float:
    """Room for the widest number of a matrix."""
    return padding + max(width_of(short(value, decimals), is_strong=True) for value in matrix.to_numpy().ravel())


def _title_width(matrices: Mapping[str, pd.DataFrame], name: str) -> float:
    return width_of(titled(PARTS[name].title, *matrices[name].shape))


def _tokens_width(matrices: Mapping[str, pd.DataFrame]) -> float:
    return max(width_of(token, is_strong=True) for token in matrices["embeddings"].index)


def three_bands(matrices: Mapping[str, pd.DataFrame], decimals: int = 2) -> Layout:
    """Column after column from the left, each matrix in the middle of its band."""
    tallest = max(len(matrices[name]) for name in PARTS)
    cell_height = max(CELL_HEIGHT, LEAST_HEIGHT / len(matrices["scores"]))
    band = TITLE + cell_height * tallest
    height = 2 * MARGIN + 3 * band + 2 * BAND_GAP
    x = MARGIN + _tokens_width(matrices)
    places: dict[str, Place] = {}
    for column in COLUMNS:
        cell_width = max(_cell_width(matrices[name], decimals, PADDING) for name in column)
        overhang = max(_title_width(matrices, name) - cell_width * matrices[name].shape[1] for name in column) / 2
        aside = max(0.0, overhang - OVERHANG)
        x += max(PARTS[name].gap for name in column) + aside
        for name in column:
            n_rows, n_columns = matrices[name].shape
            y = height - MARGIN - TITLE - PARTS[name].band * (band + BAND_GAP) - cell_height * (tallest - n_rows) / 2
            places[name] = Place(x, y, n_rows, n_columns, cell_width, cell_height)
        x = max(places[name].right for name in column) + aside
    width = max(x, places["context"].centre[0] + _title_width(matrices, "context") / 2) + MARGIN
    left, right = places["scores"].x, places["context"].right
    size = min(FORMULA_SIZE, (right - left) / width_of(INLINE))
    formula = Sign(FORMULA, INLINE, ((left + right) / 2, places["keys"].centre[1]), va="center", size=size)
    return Layout(places, *_ways_of_bands(places), formula, width, height, decimals)


def _ways_of_bands(places: Mapping[str, Place]) -> tuple[list[Arrow], list[Sign]]:
    """The way of the tokens, and what is done on it."""
    start = _right(places["embeddings"])
    turn = (start[0] + places["w_query"].x) / 2 - AWAY
    arrows = [Arrow(PROJECTIONS, [start, _left(places["w_query"])])]
    for name in ("w_key", "w_value"):
        middle = places[name].centre[1]
        arrows.append(Arrow(PROJECTIONS, [start, (turn, start[1]), (turn, middle), _left(places[name])]))
    steps = [("w_key", "keys"), ("w_query", "queries"), ("w_value", "values")]
    steps += [("queries", "scores"), ("scores", "weights"), ("weights", "context")]
    arrows += [Arrow(PARTS[end].stage, [_right(places[begin]), _left(places[end])]) for begin, end in steps]
    signs = []
    for name, target, text in (("keys", "scores", "$\\cdot\\,K^\\top$"), ("values", "context", "$\\cdot\\,V$")):
        begin, (tip, main) = _right(places[name]), _left(places[target])
        turn, side = tip - 1.5, float(np.sign(begin[1] - main))
        stage = PARTS[target].stage
        arrows.append(Arrow(stage, [begin, (turn, begin[1]), (turn, main + AWAY * side)]))
        beside = (turn, (begin[1] + main + (places[name].y - places[name].bottom) / 2 * side) / 2)
        signs.append(Sign(stage, text, beside, (0.4, 0), ha="left", size=1.15))
    middle_of_gap = ((places["scores"].right + places["weights"].x) / 2, start[1])
    return arrows, signs + _division(middle_of_gap)


def _division(at: Point) -> list[Sign]:
    """Above and below the arrow from scores to weights."""
    return [
        Sign(WEIGHTS, "$\\div\\sqrt{d_k}$", at, (0, 0.4), va="bottom", size=1.1),
        Sign(WEIGHTS, "$\\mathrm{softmax}$", at, (0, -0.5), va="top"),
    ]


LINE_TITLE, LINE_GAP = 1.35, 2.3  # above a matrix, and between the two lines
LINE_PADDING, LEAST_CELL, LARGEST_CELL, LEAST_LINE = 0.3, 1.2, 1.7, 3.6  # the last: of a row per token
BESIDE, STEP, DIVISION = 0.7, 2.2, 5.2  # between matrices of a kind, for an arrow, and for one with words
LARGEST_FORMULA = 1.6
PROJECTED = (("w_query", "w_key", "w_value"), ("queries", "keys", "values"))


def two_lines(matrices: Mapping[str, pd.DataFrame], aspect: float, decimals: int = 2) -> Layout:
    """From the left, on a canvas that is `aspect` times as wide as high; the formula stands under weight matrices."""
    sizes = {name: matrix.shape for name, matrix in matrices.items()}
    cells = {name: _cell_width(matrices[name], decimals, LINE_PADDING) for name in PARTS}
    widths = {name: cells[name] * sizes[name][1] for name in PARTS}
    over = {name: max(0.0, _title_width(matrices, name) - widths[name]) / 2 for name in PARTS}

    x_of = {"embeddings": MARGIN + _tokens_width(matrices) + PARTS["embeddings"].gap + over["embeddings"]}
    x = x_of["embeddings"] + widths["embeddings"] + over["embeddings"] + STEP
    for group in PROJECTED:
        pitches = [widths[name] + 2 * over[name] + BESIDE for name in group]
        x_of |= {name: x + at + over[name] for name, at in zip(group, accumulate([0.0, *pitches]), strict=False)}
        x += sum(pitches) - BESIDE + STEP
    middle = x_of["values"] + widths["values"] / 2
    x_of["scores"] = MARGIN + _tokens_width(matrices) + PARTS["embeddings"].gap + over["scores"]
    x_of["weights"] = x_of["scores"] + widths["scores"] + DIVISION + over["scores"] + over["weights"]
    least = x_of["weights"] + widths["weights"] + STEP + over["weights"] + over["context"]
    aside = max(0.0, least - (middle - widths["context"] / 2))  # how far values must stand to the right of their place
    x_of |= {name: x_of[name] + aside for name in PROJECTED[1]}
    x_of["context"] = max(least, middle - widths["context"] / 2)
    spare = (x_of["context"] - least) / 2
    x_of["weights"] += spare
    width = max(x_of[name] + widths[name] + over[name] for name in ("values", "context")) + MARGIN

    n_tokens, d_in = sizes["embeddings"][0], sizes["w_query"][0]
    upper = max(n_tokens, d_in)
    around = 2 * MARGIN + 2 * LINE_TITLE + LINE_GAP
    least_cell = max(LEAST_CELL, LEAST_LINE / n_tokens)
    cell = float(np.clip((width / aspect - around) / (upper + n_tokens), least_cell, max(least_cell, LARGEST_CELL)))
    left, right = x_of["w_query"], x_of["w_value"] + widths["w_value"]
    room, tall = (upper - d_in) * cell - BESIDE / 2, height_of(DISPLAYED)
    size = min(LARGEST_FORMULA, (right - left) / width_of(DISPLAYED), room / tall)
    is_under = size >= 1
    height = around + cell * (upper + n_tokens)
    if not is_under:
        size = min(LARGEST_FORMULA, (width - 2 * MARGIN) / width_of(DISPLAYED))
        height += size * tall + BESIDE
    top = height - MARGIN - LINE_TITLE
    low = top - cell * upper - LINE_GAP - LINE_TITLE
    places = {
        name: Place(x_of[name], low if name in ("scores", "weights", "context") else top, *sizes[name], cells[name],
                    cell)
        for name in PARTS
    }  # fmt: skip
    at = ((left + right) / 2, top - cell * upper + room / 2) if is_under else (width / 2, MARGIN + size * tall / 2)
    formula = Sign(FORMULA, DISPLAYED, at, va="center", size=size)
    return Layout(places, *_ways_of_lines(places, low + LINE_TITLE), formula, width, height, decimals)


def _ways_of_lines(places: Mapping[str, Place], under: float) -> tuple[list[Arrow], list[Sign]]:
    """The way of the tokens; `under` the gap between the lines stand the titles of the lower one."""
    height = places["w_query"].centre[1]
    arrows = [
        Arrow(PROJECTIONS, [(places[begin].right + AWAY, height), (places[end].x - AWAY, height)])
        for begin, end in (("embeddings", "w_query"), ("w_value", "queries"))
    ]
    scores, turn = places["scores"].centre[0], under + 0.62 * LINE_GAP
    for name in ("queries", "keys"):
        begin = (places[name].centre[0], places[name].bottom - AWAY / 2)
        arrows.append(Arrow(SCORES, [begin, (begin[0], turn), (scores, turn), (scores, under + AWAY / 2)]))
    arrows.append(Arrow(WEIGHTS, [_right(places["scores"]), _left(places["weights"])]))
    arrows.append(Arrow(CONTEXT, [_right(places["weights"]), _left(places["context"])]))
    begin = (places["values"].centre[0], places["values"].bottom - AWAY / 2)
    arrows.append(Arrow(CONTEXT, [begin, (begin[0], under + AWAY / 2)]))
    return arrows, _division(((places["scores"].right + places["weights"].x) / 2, places["scores"].centre[1]))


def _left(place: Place) -> Point:
    return place.x - AWAY, place.centre[1]


def _right(place: Place) -> Point:
    return place.right + AWAY, place.centre[1]


def planned(matrices: Mapping[str, pd.DataFrame]) -> Layout:
    """For the medium: on a slide with so many decimals that numbers are no smaller than text, if that can be."""
    medium = style.medium()
    if not medium.is_fixed:
        return three_bands(matrices)
    layouts = [two_lines(matrices, medium.width / medium.height, decimals) for decimals in (2, 1, 0)]
    large = [layout for layout in layouts if text_size(layout) >= medium.least]
    return large[0] if large else layouts[-1]


def text_size(layout: Layout) -> float:
    """In points, of a layout that fills the medium's canvas."""
    medium = style.medium()
    width, height = medium.canvas(layout.height / layout.width * medium.width / medium.height)
    return 72 * min(width / layout.width, height / layout.height)
