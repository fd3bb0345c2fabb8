"""The whole of self-attention in one drawing: from the tokens to their context vectors, with every number."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import style
from report.figures.flow import FORMULA, PARTS, Layout, Sign, planned, text_size
from report.figures.matrices import draw_arrows, draw_matrix, matrix_of, second_row, sheet, vector, words
from report.figures.spec import FigureSpec
from report.wording import count, plain

MODEL = "basic"
DECIMALS = 2  # in words
STAGES = (
    "The input $X$: a row of numbers for each token.",
    "Three weight matrices turn it into queries $Q$, keys $K$ and values $V$.",
    "Every query meets every key: the scores $QK^\\top$.",
    "Divided by $\\sqrt{d_k}$ and put through the softmax, each row of scores becomes weights.",
    "The average of the values under a row of weights is a context vector.",
    "All of it in one line: $\\mathrm{softmax}(QK^\\top/\\sqrt{d_k})\\,V$.",
)


def _matrices(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    inputs = {"embeddings": matrix_of(frame, "recap", "embeddings")}
    return inputs | {name: matrix_of(frame, MODEL, name) for name in PARTS if name not in inputs}


@style.wide
@style.styled
def draw(frame: pd.DataFrame, stage: int = FORMULA) -> Figure:
    """All matrices that are there by a stage, with arrows between them that name what is done."""
    matrices = _matrices(frame)
    plan = planned(matrices)
    medium = style.medium()
    figure = style.new_figure(plan.height / plan.width * medium.width / medium.height)
    with rc_context({"font.size": text_size(plan)}):
        axes = sheet(figure, plan.width, plan.height)
        _draw_matrices(axes, matrices, plan, stage)
        for sign in plan.signs:
            if sign.stage <= stage:
                _draw_sign(axes, sign)
        draw_arrows(axes, *(arrow.way for arrow in plan.arrows if arrow.stage <= stage))
        if plan.formula.stage <= stage:
            _draw_sign(axes, plan.formula)
    return figure


def _draw_matrices(axes: Axes, matrices: Mapping[str, pd.DataFrame], plan: Layout, stage: int) -> None:
    named = {"embeddings", "scores"} if style.medium().is_fixed else {"embeddings"}
    for name, part in PARTS.items():
        if part.stage > stage:
            continue
        colour, title_colour = part.colours
        draw_matrix(
            axes, matrices[name], plan.places[name], colour=colour, decimals=plan.decimals, title=part.title,
            title_colour=title_colour, row_labels=list(matrices[name].index) if name in named else (),
            strong_row=min(1, len(matrices[name]) - 1) if part.band == 1 and name != "w_query" else None,
        )  # fmt: skip


def _draw_sign(axes: Axes, sign: Sign) -> None:
    shift = (style.em(sign.shift[0]), style.em(sign.shift[1]))
    words(axes, sign.text, sign.at, shift, ha=sign.ha, va=sign.va, size=sign.size)


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


ONE_FIGURE = FigureSpec(
    "one-figure", "self_attention", "Self-attention in one figure", draw, caption, alt, wide=True, stages=STAGES
)
