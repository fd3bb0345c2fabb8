"""The lecture's matrices, one step of self-attention after the other, with their numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report.figures import matrices, style
from report.figures.matrices import Place
from report.figures.selection import select
from report.figures.spec import FigureSpec
from report.wording import listing, plain

DECIMALS = 4
FOLLOWED = 1  # row of the token that the lecture follows
CELL_WIDTH, CELL_HEIGHT, GAP, LABELS, ABOVE, BELOW = 4.0, 1.9, 2.6, 4.2, 2.4, 2.2  # in text sizes


@dataclass(frozen=True)
class Panel:
    """One matrix of a figure."""

    model: str
    matrix: str
    title: str
    colour: str = style.INK


def values(frame: pd.DataFrame, model: str, matrix: str) -> NDArray[np.float64]:
    """A matrix of the frame."""
    return entries(frame, model, matrix).pivot(index="row", columns="column", values="value").to_numpy()


def entries(frame: pd.DataFrame, model: str, matrix: str) -> pd.DataFrame:
    """A matrix's rows in the frame."""
    return select(frame, model=model, matrix=matrix)


def names(frame: pd.DataFrame, panel: Panel, side: str) -> list[str]:
    """What a matrix's rows or columns are called."""
    cells = entries(frame, panel.model, panel.matrix).drop_duplicates(side).sort_values(side)
    return [str(label) for label in cells[f"{side}_label"]]


def _drawing(*rows: Sequence[Panel], follow: bool = True) -> Callable[[pd.DataFrame], Figure]:
    """A function that draws rows of matrices, one below the other; those of a row have the same rows."""

    @style.styled
    def draw(frame: pd.DataFrame) -> Figure:
        heights = [values(frame, row[0].model, row[0].matrix).shape[0] for row in rows]
        needed = sum(heights) * CELL_HEIGHT + len(rows) * (ABOVE + BELOW)
        figure = style.new_figure(needed * style.em() / 72 / style.medium().height)
        axes = matrices.sheet(figure)
        em = style.em() / 72  # in inches
        spare = figure.get_figheight() / em - needed
        cell_height = CELL_HEIGHT + min(spare, 0) / sum(heights)
        top = figure.get_figheight() / em - max(spare, 0) / 2
        for row, n_rows in zip(rows, heights, strict=True):
            _draw_row(axes, frame, row, (top - ABOVE) * em, cell_height * em, follow)
            top -= ABOVE + n_rows * cell_height + BELOW
        return figure

    return draw


def _draw_row(
    axes: Axes, frame: pd.DataFrame, row: Sequence[Panel], y: float, cell_height: float, follow: bool
) -> None:
    """Matrices beside each other, centred; their rows are named at the left of the first."""
    em = style.em() / 72
    found = [values(frame, panel.model, panel.matrix) for panel in row]
    n_columns = sum(matrix.shape[1] for matrix in found)
    x = (axes.get_xlim()[1] - (n_columns * CELL_WIDTH + GAP * (len(row) - 1) - LABELS) * em) / 2
    for panel, matrix in zip(row, found, strict=True):
        place = Place(x, y, *matrix.shape, CELL_WIDTH * em, cell_height)
        matrices.draw_matrix(
            axes, matrix, place, colour=panel.colour, decimals=DECIMALS, title=panel.title,
            row_labels=names(frame, panel, "row") if panel is row[0] else (),
            column_labels=names(frame, panel, "column"), strong_row=FOLLOWED if follow else None,
        )  # fmt: skip
        x = place.right + GAP * em


def _number(value: float) -> str:
    return plain(float(value), DECIMALS)


def _extremes(frame: pd.DataFrame, model: str, matrix: str) -> tuple[pd.Series, pd.Series]:
    """The entries of a matrix with the smallest and with the largest value."""
    ordered = entries(frame, model, matrix).sort_values("value", kind="stable")
    return ordered.iloc[0], ordered.iloc[-1]


def _token(frame: pd.DataFrame) -> str:
    return names(frame, Panel("recap", "embeddings", ""), "row")[FOLLOWED]


def _alt(*panels: Panel) -> Callable[[pd.DataFrame], str]:
    """Every matrix with its shape, the numbers of the followed row (all of a small one), and its range."""

    def alt(frame: pd.DataFrame) -> str:
        parts = []
        for panel in panels:
            matrix = values(frame, panel.model, panel.matrix)
            shown = matrix[[FOLLOWED]] if matrix.shape[0] > 3 else matrix
            which = f"row “{names(frame, panel, 'row')[FOLLOWED]}”" if matrix.shape[0] > 3 else "rows"
            rows = "; ".join(" ".join(map(_number, row)) for row in shown)
            parts.append(
                f"{panel.matrix.replace('_', ' ')}, {matrix.shape[0]} by {matrix.shape[1]}, from "
                f"{_number(matrix.min())} to {_number(matrix.max())}, {which} {rows}"
            )
        return f"Tinted matrices with their numbers. {'. '.join(parts)}."

    return alt


def caption_recap(frame: pd.DataFrame) -> str:
    """What the followed token weighs most and least."""
    row = select(entries(frame, "recap", "weights"), row=FOLLOWED).sort_values("value", kind="stable")
    least, most = row.iloc[0], row.iloc[-1]
    token = _token(frame)
    context = " ".join(map(_number, values(frame, "recap", "context")[FOLLOWED]))
    itself = "itself" if most["column_label"] == token else f"“{most['column_label']}”"
    return (
        f"“{token}” is most like {itself} and gives it weight {_number(most['value'])}; “{least['column_label']}” gets "
        f"least, {_number(least['value'])}. Its context vector is {context}. Darker cells hold larger numbers."
    )


def caption_weight_matrices(frame: pd.DataFrame) -> str:
    """The range of their entries."""
    found = np.concatenate([values(frame, "basic", panel.matrix).ravel() for panel in WEIGHT_MATRICES])
    return (
        f"{len(found)} numbers are all that this self-attention could learn; at the start they lie between "
        f"{_number(found.min())} and {_number(found.max())}."
    )


def caption_projections(frame: pd.DataFrame) -> str:
    """The followed token's three vectors."""
    vectors = listing(
        f"{name} ({', '.join(map(_number, values(frame, 'basic', matrix)[FOLLOWED]))})"
        for name, matrix in (("query", "queries"), ("key", "keys"), ("value", "values"))
    )
    return f"One embedding, three vectors: “{_token(frame)}” has {vectors}."


def caption_scores(frame: pd.DataFrame) -> str:
    """The largest and the smallest."""
    least, most = _extremes(frame, "basic", "scores")
    return (
        f"Rows ask, columns are asked. The highest score, {_number(most['value'])}, is that of the query of "
        f"“{most['row_label']}” with the key of “{most['column_label']}”; the lowest, {_number(least['value'])}, that "
        f"of “{least['row_label']}” with “{least['column_label']}”."
    )


def caption_weights(frame: pd.DataFrame) -> str:
    """How far from equal they are."""
    matrix = values(frame, "basic", "weights")
    return (
        f"Divided scores and their softmax. Each row of weights sums to 1; they reach from {_number(matrix.min())} to "
        f"{_number(matrix.max())}, where equal ones would be {_number(1 / matrix.shape[1])}."
    )


def caption_advanced(frame: pd.DataFrame) -> str:
    """The spread of its scores."""
    scores, weights = values(frame, "advanced", "scaled_scores"), values(frame, "advanced", "weights")
    return (
        f"From a linear layer's weights the divided scores lie between {_number(scores.min())} and "
        f"{_number(scores.max())}, and the attention weights between {_number(weights.min())} and "
        f"{_number(weights.max())}."
    )


RECAP = (
    (Panel("recap", "embeddings", "$X$"), Panel("recap", "scores", r"scores $X X^\top$", style.RAW)),
    (Panel("recap", "weights", "weights $P$", style.RAW), Panel("recap", "context", "context $Z$")),
)
WEIGHT_MATRICES = (
    Panel("basic", "w_query", "$W_q$"), Panel("basic", "w_key", "$W_k$"), Panel("basic", "w_value", "$W_v$")
)  # fmt: skip
PROJECTIONS = (Panel("basic", "queries", "$Q$"), Panel("basic", "keys", "$K$"), Panel("basic", "values", "$V$"))
SCORES = (Panel("basic", "scores", r"scores $S = Q K^\top$", style.RAW),)
WEIGHTS = (
    (Panel("basic", "scaled_scores", r"scaled scores $S/\sqrt{d_k}$", style.SCALED),),
    (Panel("basic", "weights", "weights $P$", style.SCALED),),
)
ADVANCED = (
    (
        Panel("advanced", "w_query", "$W_q$"),
        Panel("advanced", "w_key", "$W_k$"),
        Panel("advanced", "w_value", "$W_v$"),
    ),
    (Panel("advanced", "weights", "weights $P$", style.SCALED), Panel("advanced", "context", "context $Z$")),
)

FIGURES = (
    FigureSpec(
        "recap", "self_attention", "Attention without weights of its own",
        _drawing(*RECAP), caption_recap, _alt(*RECAP[0], *RECAP[1]),
    ),
    FigureSpec(
        "weight-matrices", "self_attention", "The three matrices before any training",
        _drawing(WEIGHT_MATRICES, follow=False), caption_weight_matrices, _alt(*WEIGHT_MATRICES),
    ),
    FigureSpec(
        "projections", "self_attention", "Queries, keys and values",
        _drawing(PROJECTIONS), caption_projections, _alt(*PROJECTIONS),
    ),
    FigureSpec(
        "scores", "self_attention", "The scores of every token for every token",
        _drawing(SCORES), caption_scores, _alt(*SCORES),
    ),
    FigureSpec(
        "weights", "self_attention", "From scores to weights",
        _drawing(*WEIGHTS), caption_weights, _alt(*WEIGHTS[0], *WEIGHTS[1]),
    ),
    FigureSpec(
        "advanced", "self_attention", "The advanced class",
        _drawing(*ADVANCED, follow=False), caption_advanced, _alt(*ADVANCED[0], *ADVANCED[1]),
    ),
)  # fmt: skip
