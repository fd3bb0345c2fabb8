"""The whole of self-attention in one drawing: from the tokens to their context vectors, with every number.

Three bands, one below the other: keys, queries, values. The middle one is the way of every query, and the rows of all
its matrices are tokens: a token's row stays at one height from the input to its context vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import style
from report.figures.marks import RULES
from report.figures.matrices import (
    Place,
    draw_arrows,
    draw_matrix,
    matrix_of,
    second_row,
    sheet,
    short,
    titled,
    vector,
    width_of,
    words,
)
from report.figures.spec import FigureSpec
from report.wording import count, plain

MODEL = "basic"
DECIMALS = 2


@dataclass(frozen=True)
class Part:
    """How one matrix is named and coloured, and where it stands: in which band and behind which gap."""

    title: str
    band: int
    gap: float  # to its left, in text sizes
    rule: str | None = None

    @property
    def colours(self) -> tuple[str, str]:
        """Of its cells and of its title."""
        return (RULES[self.rule].colour, RULES[self.rule].words) if self.rule else (style.INK, style.INK)


PARTS: Mapping[str, Part] = {
    "embeddings": Part("$X$", 1, 0.55),
    "w_key": Part("$W_k$", 0, 2.6),
    "w_query": Part("$W_q$", 1, 2.6),
    "w_value": Part("$W_v$", 2, 2.6),
    "keys": Part("$K$", 0, 1.9),
    "queries": Part("$Q$", 1, 1.9),
    "values": Part("$V$", 2, 1.9),
    "scores": Part("scores $QK^\\top$", 1, 2.8, "raw"),
    "weights": Part("weights", 1, 4.2, "scaled"),
    "context": Part("context", 1, 2.8),
}
COLUMNS = (("embeddings",), ("w_key", "w_query", "w_value"), ("keys", "queries", "values"), ("scores",), ("weights",),
           ("context",))  # fmt: skip
CELL_HEIGHT, PADDING = 1.6, 0.48  # of a cell, and the room beside its number; in text sizes, as all that follows
LEAST_HEIGHT, OVERHANG = 5.0, 1.25  # of a matrix with a row per token; of a title over its matrix
TITLE, BAND_GAP, MARGIN, AWAY = 1.6, 1.5, 0.6, 0.45  # the last: between a matrix and an arrow
FORMULA, FORMULA_SIZE = r"$\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$", 1.9


@dataclass(frozen=True)
class Layout:
    """Places of all matrices in text sizes, from the lower left corner, and the size of the whole."""

    places: Mapping[str, Place]
    width: float
    height: float


def _cell_width(matrix: pd.DataFrame) -> float:
    """Room for the widest number of a matrix."""
    return PADDING + max(width_of(short(value, DECIMALS), is_strong=True) for value in matrix.to_numpy().ravel())


def layout(matrices: Mapping[str, pd.DataFrame]) -> Layout:
    """Column after column from the left, each matrix in the middle of its band."""
    tallest = max(len(matrices[name]) for name in PARTS)
    cell_height = max(CELL_HEIGHT, LEAST_HEIGHT / len(matrices["scores"]))
    band = TITLE + cell_height * tallest
    height = 2 * MARGIN + 3 * band + 2 * BAND_GAP
    x = MARGIN + max(width_of(token, is_strong=True) for token in matrices["embeddings"].index)
    places: dict[str, Place] = {}
    for column in COLUMNS:
        cell_width = max(_cell_width(matrices[name]) for name in column)
        overhang = max(_title_width(matrices, name) - cell_width * matrices[name].shape[1] for name in column) / 2
        aside = max(0.0, overhang - OVERHANG)
        x += max(PARTS[name].gap for name in column) + aside
        for name in column:
            n_rows, n_columns = matrices[name].shape
            y = height - MARGIN - TITLE - PARTS[name].band * (band + BAND_GAP) - cell_height * (tallest - n_rows) / 2
            places[name] = Place(x, y, n_rows, n_columns, cell_width, cell_height)
        x = max(places[name].right for name in column) + aside
    last = places["context"].centre[0] + _title_width(matrices, "context") / 2
    return Layout(places, max(x, last) + MARGIN, height)


def _title_width(matrices: Mapping[str, pd.DataFrame], name: str) -> float:
    return width_of(titled(PARTS[name].title, *matrices[name].shape))


def _matrices(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    inputs = {"embeddings": matrix_of(frame, "recap", "embeddings")}
    return inputs | {name: matrix_of(frame, MODEL, name) for name in PARTS if name not in inputs}


@style.wide
@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """All matrices, with arrows between them that name what is done."""
    matrices = _matrices(frame)
    plan = layout(matrices)
    medium = style.medium()
    wanted = plan.height / plan.width * medium.width / medium.height
    width, height = medium.canvas(wanted)
    text = 72 * min(width / plan.width, height / plan.height)
    figure = style.new_figure(wanted)
    with rc_context({"font.size": text}):
        axes = sheet(figure, plan.width, plan.height)
        _draw_matrices(axes, matrices, plan.places)
        _draw_arrows(axes, plan.places)
        _draw_formula(axes, plan)
    return figure


def _draw_matrices(axes: Axes, matrices: Mapping[str, pd.DataFrame], places: Mapping[str, Place]) -> None:
    for name, part in PARTS.items():
        colour, title_colour = part.colours
        draw_matrix(
            axes, matrices[name], places[name], colour=colour, decimals=DECIMALS, title=part.title,
            title_colour=title_colour, row_labels=list(matrices[name].index) if name == "embeddings" else (),
            strong_row=min(1, len(matrices[name]) - 1) if part.band == 1 and name != "w_query" else None,
        )  # fmt: skip


def _draw_arrows(axes: Axes, places: Mapping[str, Place]) -> None:
    """The way of the tokens, and what is done on it."""
    start = _right(places["embeddings"])
    turn = (start[0] + places["w_query"].x) / 2 - AWAY
    ways = [[start, _left(places["w_query"])]]
    for name in ("w_key", "w_value"):
        middle = places[name].centre[1]
        ways.append([start, (turn, start[1]), (turn, middle), _left(places[name])])
    steps = [("w_key", "keys"), ("w_query", "queries"), ("w_value", "values")]
    steps += [("queries", "scores"), ("scores", "weights"), ("weights", "context")]
    ways += [[_right(places[name]), _left(places[target])] for name, target in steps]
    for name, target, text in (("keys", "scores", "$\\cdot\\,K^\\top$"), ("values", "context", "$\\cdot\\,V$")):
        begin, (tip, main) = _right(places[name]), _left(places[target])
        turn, side = tip - 1.5, float(np.sign(begin[1] - main))
        ways.append([begin, (turn, begin[1]), (turn, main + AWAY * side)])
        beside = (turn, (begin[1] + main + (places[name].y - places[name].bottom) / 2 * side) / 2)
        words(axes, text, beside, (style.em(0.4), 0), ha="left", va="center_baseline", size=1.15)
    draw_arrows(axes, *ways)
    middle_of_gap = ((places["scores"].right + places["weights"].x) / 2, start[1])
    words(axes, "$\\div\\sqrt{d_k}$", middle_of_gap, (0, style.em(0.4)), va="bottom", size=1.1)
    words(axes, "$\\mathrm{softmax}$", middle_of_gap, (0, -style.em(0.5)), va="top")


def _left(place: Place) -> tuple[float, float]:
    return place.x - AWAY, place.centre[1]


def _right(place: Place) -> tuple[float, float]:
    return place.right + AWAY, place.centre[1]


def _draw_formula(axes: Axes, plan: Layout) -> None:
    """What the drawing says, above the matrices that it ends in."""
    left, right = plan.places["scores"].x, plan.places["context"].right
    size = min(FORMULA_SIZE, (right - left) / width_of(FORMULA))
    words(axes, FORMULA, ((left + right) / 2, plan.places["keys"].centre[1]), size=size, va="center")


def _span(row: pd.Series) -> str:
    return f"{plain(row.min(), DECIMALS)} to {plain(row.max(), DECIMALS)}"


def caption(frame: pd.DataFrame) -> str:
    """The way of the second token."""
    matrices = _matrices(frame)
    scores, weights, context = (second_row(matrices[name]) for name in ("scores", "weights", "context"))
    n_tokens, d_k = len(matrices["embeddings"]), matrices["keys"].shape[1]
    return (
        f"The way from {count(n_tokens, 'token')} to as many context vectors, with the numbers of the basic class, to "
        f"two decimals. Outlined is the row of “{scores.name}”: its scores run from {_span(scores)}; divided by "
        f"$\\sqrt{{{d_k}}}$ and put through the softmax they are weights from {_span(weights)}, and the values' "
        f"average under these weights is its context vector, {vector(context)}. Softmax and average see one row at a "
        "time: a token's row stays a row from end to end."
    )


def alt(frame: pd.DataFrame) -> str:
    """Every step with its shapes, and the numbers of the second token."""
    matrices = _matrices(frame)
    shape = {name: f"{len(matrix)} × {matrix.shape[1]}" for name, matrix in matrices.items()}
    token = second_row(matrices["scores"]).name
    steps = ("embeddings", "queries", "scores", "weights", "context")
    rows = "; ".join(f"{name} {vector(second_row(matrices[name]))}" for name in steps)
    return (
        f"Self-attention from left to right: the input X ({shape['embeddings']}) times the weight matrices W_q "
        f"({shape['w_query']}), W_k ({shape['w_key']}) and W_v ({shape['w_value']}) gives Q ({shape['queries']}), "
        f"K ({shape['keys']}) and V ({shape['values']}); Q times K transposed gives scores ({shape['scores']}); these "
        f"divided by the square root of d_k and through the softmax, weights ({shape['weights']}); times V, "
        f"context vectors ({shape['context']}). The row of {token}: {rows}."
    )


ONE_FIGURE = FigureSpec("one-figure", "self_attention", "Self-attention in one figure", draw, caption, alt, wide=True)
