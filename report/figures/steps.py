"""The lecture's matrices, one step of self-attention after the other, with their numbers."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from report.figures import matrices, style
from report.figures.matrix_rows import DECIMALS, FOLLOWED, Panel, drawing, matrix_of_panel
from report.figures.spec import FigureSpec
from report.wording import listing, plain


def _number(value: float) -> str:
    return plain(float(value), DECIMALS)


def _numbers(row: Iterable[float]) -> str:
    return " ".join(map(_number, row))


def _alt(*panels: Panel) -> Callable[[pd.DataFrame], str]:
    """Every matrix with its shape and range, and the numbers of the followed row; of a small one, all."""

    def alt(frame: pd.DataFrame) -> str:
        parts = []
        for panel in panels:
            matrix = matrix_of_panel(frame, panel)
            if len(matrix) > 3:
                told = f"row “{matrix.index[FOLLOWED]}” {_numbers(matrix.iloc[FOLLOWED])}"
            else:
                told = f"rows {'; '.join(_numbers(row) for row in matrix.to_numpy())}"
            parts.append(
                f"{panel.matrix.replace('_', ' ')}, {len(matrix)} by {matrix.shape[1]}, from "
                f"{_number(matrix.to_numpy().min())} to {_number(matrix.to_numpy().max())}, {told}"
            )
        return f"Tinted matrices with their numbers. {'. '.join(parts)}."

    return alt


def caption_recap(frame: pd.DataFrame) -> str:
    """What the followed token weighs most and least."""
    weights, context = (matrix_of_panel(frame, panel).iloc[FOLLOWED] for panel in RECAP[1])
    token, most, least = weights.name, weights.idxmax(), weights.idxmin()
    return (
        f"“{token}” is most like {'itself' if most == token else f'“{most}”'} and gives it weight "
        f"{_number(weights.max())}; “{least}” gets least, {_number(weights.min())}. Its context vector is "
        f"({', '.join(map(_number, context))}). Within one matrix, the stronger a cell's tint, the larger its number, "
        "signs aside."
    )


def caption_weight_matrices(frame: pd.DataFrame) -> str:
    """The range of their entries."""
    found = np.concatenate([matrix_of_panel(frame, panel).to_numpy().ravel() for panel in WEIGHT_MATRICES])
    return (
        f"{len(found)} numbers are all that this self-attention could learn; at the start they lie between "
        f"{_number(found.min())} and {_number(found.max())}."
    )


def caption_projections(frame: pd.DataFrame) -> str:
    """The followed token's three vectors."""
    rows = [matrix_of_panel(frame, panel).iloc[FOLLOWED] for panel in PROJECTIONS]
    vectors = (
        f"{name} ({', '.join(map(_number, row))})" for name, row in zip(("query", "key", "value"), rows, strict=True)
    )
    return f"One embedding, three vectors: “{rows[0].name}” has {listing(vectors)}."


def caption_scores(frame: pd.DataFrame) -> str:
    """The largest and the smallest."""
    scores = matrix_of_panel(frame, SCORES[0])
    values = scores.to_numpy()

    def pair(place: np.intp) -> str:
        row, column = divmod(int(place), values.shape[1])
        return f"{_number(values[row, column])}, that of “{scores.index[row]}” for “{scores.columns[column]}”"

    highest, lowest = pair(values.argmax()), pair(values.argmin())
    return f"Rows ask, columns are asked. The highest score is {highest}; the lowest {lowest}."


def caption_weights(frame: pd.DataFrame) -> str:
    """How far from equal they are."""
    weights = matrix_of_panel(frame, WEIGHTS[1][0]).to_numpy()
    return (
        f"Divided scores and their softmax. Each row of weights sums to 1; they reach from {_number(weights.min())} to "
        f"{_number(weights.max())}, where equal ones would be {_number(1 / weights.shape[1])}."
    )


def caption_advanced(frame: pd.DataFrame) -> str:
    """The spread of its scores."""
    scores = matrices.matrix_of(frame, "advanced", "scaled_scores").to_numpy()
    weights = matrix_of_panel(frame, ADVANCED[1][0]).to_numpy()
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
        Panel("advanced", "w_query", r"$W_q^\top$"),
        Panel("advanced", "w_key", r"$W_k^\top$"),
        Panel("advanced", "w_value", r"$W_v^\top$"),
    ),
    (Panel("advanced", "weights", "weights $P$", style.SCALED), Panel("advanced", "context", "context $Z$")),
)

FIGURES = (
    FigureSpec(
        "recap", "self_attention", "Attention without weights of its own",
        drawing(*RECAP), caption_recap, _alt(*RECAP[0], *RECAP[1]),
    ),
    FigureSpec(
        "weight-matrices", "self_attention", "The three matrices before any training",
        drawing(WEIGHT_MATRICES, follow=False), caption_weight_matrices, _alt(*WEIGHT_MATRICES),
    ),
    FigureSpec(
        "projections", "self_attention", "Queries, keys and values",
        drawing(PROJECTIONS), caption_projections, _alt(*PROJECTIONS),
    ),
    FigureSpec(
        "scores", "self_attention", "The scores of every token for every token",
        drawing(SCORES), caption_scores, _alt(*SCORES),
    ),
    FigureSpec(
        "weights", "self_attention", "From scores to weights",
        drawing(*WEIGHTS), caption_weights, _alt(*WEIGHTS[0], *WEIGHTS[1]),
    ),
    FigureSpec(
        "advanced", "self_attention", "The advanced class",
        drawing(*ADVANCED, follow=False), caption_advanced, _alt(*ADVANCED[0], *ADVANCED[1]),
    ),
)  # fmt: skip
