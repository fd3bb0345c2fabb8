"""What the weight matrices do to the shapes: a token's d_in numbers become d_k, or d_v. Empty cells, to scale."""

from collections.abc import Mapping
from itertools import accumulate

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import style
from report.figures.matrices import LINE, MIDDLE, Place, draw_cells, draw_lines, matrix_of, sheet, width_of, words
from report.figures.spec import FigureSpec
from report.wording import count

MODEL = "basic"
TINT = 0.12
CELL, APART, SIGN, MARGIN = 1.65, 1.2, 2.4, 0.6  # a cell, between matrices, for × and =, around all; in text sizes
SLIDE_CELL, ASIDE = 2.1, 1.1  # on a slide: a cell, and words beside a matrix, which are upright there
ABOVE, BELOW, RULE = 1.9, 2.1, 0.4  # room for a symbol, for a dimension, and from a matrix to the rule along it
WEIGHTS = {"w_query": "$W_q$", "w_key": "$W_k$", "w_value": "$W_v$"}
RESULTS = {"queries": "$Q$", "keys": "$K$", "values": "$V$"}
OUTPUTS = ("$d_k$", "$d_k$", "$d_v$")


def _shapes(frame: pd.DataFrame) -> Mapping[str, tuple[int, ...]]:
    shapes = {name: matrix_of(frame, MODEL, name).shape for name in (*WEIGHTS, *RESULTS)}
    return {"embeddings": matrix_of(frame, "recap", "embeddings").shape} | shapes


@style.styled
def draw(frame: pd.DataFrame) -> Figure:
    """X times each weight matrix is queries, keys or values; the rules along the sides that must match are thick."""
    shapes = _shapes(frame)
    n_tokens, d_in = shapes["embeddings"]
    inner, tokens = f"$d_\\mathrm{{in}}$ = {d_in}", count(n_tokens, "token")
    is_slide = style.medium().is_fixed
    cell = SLIDE_CELL if is_slide else CELL
    of_inner, of_tokens = (ASIDE if is_slide else width_of(text) for text in (inner, tokens))
    outputs = [f"{symbol} = {shapes[name][1]}" for symbol, name in zip(OUTPUTS, WEIGHTS, strict=True)]
    pitch = [max(cell * shapes[name][1], width_of(text)) + APART for name, text in zip(WEIGHTS, outputs, strict=True)]
    beside = of_tokens + 2 * RULE
    x = MARGIN + beside
    weights = x + max(cell * d_in, width_of(inner)) + SIGN + of_inner + 2 * RULE
    results = weights + sum(pitch) - APART + SIGN
    width = results + sum(pitch) - APART + beside + MARGIN
    middle = MARGIN + BELOW + cell * max(n_tokens, d_in) / 2
    canvas = style.medium()
    height = 2 * middle - BELOW + ABOVE
    wanted = height / width * canvas.width / canvas.height
    size = canvas.canvas(wanted)
    figure = style.new_figure(wanted)
    with rc_context({"font.size": 72 * min(size[0] / width, size[1] / height)}):
        axes = sheet(figure, width, height)
        names = dict(
            zip(("embeddings", *WEIGHTS, *RESULTS), ("$X$", *WEIGHTS.values(), *RESULTS.values()), strict=True)
        )
        starts = [0.0, *accumulate(pitch[:-1])]
        corners = dict(zip(names, [x, *(weights + s for s in starts), *(results + s for s in starts)], strict=True))
        places = {
            name: Place(corners[name], middle + cell * rows / 2, rows, columns, cell, cell)
            for name, (rows, columns) in shapes.items()
        }
        for name, place in places.items():
            draw_cells(axes, [[TINT] * place.n_columns] * place.n_rows, place)
            words(axes, names[name], (place.centre[0], place.y), (0, style.em(0.55)), size=1.2)
        _below(axes, places["embeddings"], inner, is_inner=True)
        _left(axes, places["embeddings"], tokens, is_inner=False)
        _left(axes, places["w_query"], inner, is_inner=True)
        for name, text in zip((*WEIGHTS, *RESULTS), 2 * outputs, strict=True):
            _below(axes, places[name], text, is_inner=False)
        last = places["values"]
        draw_lines(axes, [[(last.right + RULE, last.y), (last.right + RULE, last.bottom)]], LINE, style.em(0.08))
        _beside(axes, tokens, (last.right + 2 * RULE, middle), is_left=False)
        times = (x + cell * d_in + weights - 2 * RULE - of_inner) / 2
        for sign, at in (("×", times), ("=", (places["w_value"].right + results) / 2)):
            words(axes, sign, (at, middle - MIDDLE * 1.4), size=1.4)
    return figure


def _rule(axes: Axes, start: tuple[float, float], end: tuple[float, float], is_inner: bool) -> None:
    draw_lines(axes, [[start, end]], style.INK if is_inner else LINE, style.em(0.24 if is_inner else 0.08))


def _below(axes: Axes, place: Place, text: str, is_inner: bool) -> None:
    """A rule under a matrix, and its number of columns."""
    _rule(axes, (place.x, place.bottom - RULE), (place.right, place.bottom - RULE), is_inner)
    words(axes, text, (place.centre[0], place.bottom - RULE), (0, -style.em(1.25)))


def _left(axes: Axes, place: Place, text: str, is_inner: bool) -> None:
    """A rule to the left of a matrix, and its number of rows."""
    _rule(axes, (place.x - RULE, place.y), (place.x - RULE, place.bottom), is_inner)
    _beside(axes, text, (place.x - 2 * RULE, place.centre[1]), is_left=True)


def _beside(axes: Axes, text: str, at: tuple[float, float], is_left: bool) -> None:
    """Words at one side of a matrix, in the middle of its height; upright on a slide, whose width is short."""
    if style.medium().is_fixed:
        place = words(axes, text, (at[0] + (-ASIDE if is_left else ASIDE) / 2, at[1]), va="center")
        place.set_rotation(90)
    else:
        words(axes, text, (at[0], at[1] - MIDDLE), ha="right" if is_left else "left")


def caption(frame: pd.DataFrame) -> str:
    """What goes in, what comes out, and what has to match."""
    shapes = _shapes(frame)
    n_tokens, d_in = shapes["embeddings"]
    d_k, d_v = shapes["w_query"][1], shapes["w_value"][1]
    return (
        f"A product's inner dimensions must match (thick): {count(n_tokens, 'token')} of $d_\\mathrm{{in}} = {d_in}$ "
        f"numbers, times matrices of {count(d_in, 'row')}. The outer ones remain: each token's query and key have "
        f"$d_k = {d_k}$ numbers and its value $d_v = {d_v}$, however many tokens there are. Queries and keys must be "
        "of one size, since they meet in dot products; values need not be of the same."
    )


def alt(frame: pd.DataFrame) -> str:
    """All shapes."""
    said = {name: " × ".join(map(str, shape)) for name, shape in _shapes(frame).items()}
    products = ", ".join(
        f"{weight.strip('$')} ({said[name]}) gives {result.strip('$')} ({said[result_name]})"
        for (name, weight), (result_name, result) in zip(WEIGHTS.items(), RESULTS.items(), strict=True)
    )
    return f"Grids of empty cells, drawn to scale: X ({said['embeddings']}) times {products}."


SHAPES = FigureSpec("shapes", "self_attention", "What the weight matrices do to the shapes", draw, caption, alt)
