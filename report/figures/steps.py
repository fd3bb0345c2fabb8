"""The lecture's matrices, one step of self-attention after the other, with their numbers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import matrices, style
from report.figures.matrices import Place
from report.figures.spec import FigureSpec
from report.wording import listing, plain

DECIMALS = 4
FOLLOWED = 1  # row of the token that the lecture follows
CELL_HEIGHT, GAP, LABELS, EDGE = 1.9, 2.4, 4.4, 0.8  # in text sizes: the last is the room at the right
CELL_WIDTHS = {4: 3.9, 3: 3.25, 2: 2.6}  # by decimals
LEAST_HEIGHT, LARGEST = 1.3, 1.7  # on a slide: of a cell, and of text in units of the usual


@dataclass(frozen=True)
class Panel:
    """One matrix of a figure."""

    model: str
    matrix: str
    title: str
    colour: str = style.INK


Rows = Sequence[Sequence[Panel]]


@dataclass(frozen=True)
class Plan:
    """Rows of matrices, one below the other, those of a row with as many rows each; lengths in text sizes."""

    rows: Rows
    matrices: Sequence[Sequence[pd.DataFrame]]
    decimals: int = DECIMALS
    names_columns: bool = True

    @property
    def above(self) -> float:
        """Room above a row of matrices."""
        return 2.4 if self.names_columns else 1.9

    @property
    def below(self) -> float:
        """Room below it."""
        return 2.2 if self.names_columns else 0.5

    @property
    def around(self) -> float:
        """Of the whole height, what is no cell's."""
        return len(self.rows) * (self.above + self.below)

    @property
    def n_rows(self) -> int:
        """Cells from the top to the bottom."""
        return sum(len(row[0]) for row in self.matrices)

    @property
    def width(self) -> float:
        """Of the widest row, with the names of its own rows."""
        return LABELS + EDGE + max(map(self.width_of, self.matrices))

    @cached_property
    def cell_width(self) -> float:
        """As wide as the longest number needs; on the page, where the font is known, that is known."""
        if not style.medium().is_fixed:
            return CELL_WIDTHS[self.decimals]
        values = np.concatenate([matrix.to_numpy().ravel() for row in self.matrices for matrix in row])
        longest = max((matrices.short(value, self.decimals) for value in values), key=len)
        return max(CELL_WIDTHS[self.decimals], matrices.width_of(longest, is_strong=True) + 0.4)

    def width_of(self, row: Sequence[pd.DataFrame]) -> float:
        """Of the matrices of a row, without the names of their rows."""
        return self.cell_width * sum(matrix.shape[1] for matrix in row) + GAP * (len(row) - 1)

    def text(self, width: float, height: float) -> float:
        """How large its text can be in such a room, in units in which this is the room's own."""
        return min(width / self.width, height / (self.around + LEAST_HEIGHT * self.n_rows), LARGEST)


def _matrix(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    return matrices.matrix_of(frame, panel.model, panel.matrix)


def _planned(frame: pd.DataFrame, rows: Rows) -> Plan:
    """As the page has it; on a slide the first of some plans that leaves text as large as others, or the largest."""
    usual = Plan(rows, [[_matrix(frame, panel) for panel in row] for row in rows])
    if not style.medium().is_fixed:
        return usual
    one_row = replace(
        usual,
        rows=[[panel for row in rows for panel in row]],
        matrices=[[matrix for row in usual.matrices for matrix in row]],
    )
    is_even = len({len(row[0]) for row in usual.matrices}) == 1
    plans = [
        usual,
        *([one_row, replace(one_row, decimals=3, names_columns=False)] if is_even else []),
        *(replace(usual, decimals=decimals, names_columns=False) for decimals in (4, 3, 2)),
    ]
    sizes = [plan.text(*_room()) for plan in plans]
    return plans[next((i for i, size in enumerate(sizes) if size >= 1), int(np.argmax(sizes)))]


def _room() -> tuple[float, float]:
    """Width and height of a slide, in text sizes."""
    return style.medium().width * 72 / style.em(), style.medium().height * 72 / style.em()


def _drawing(*rows: Sequence[Panel], follow: bool = True) -> Callable[[pd.DataFrame], Figure]:
    """A function that draws rows of matrices."""

    @style.styled
    def draw(frame: pd.DataFrame) -> Figure:
        plan = _planned(frame, rows)
        medium = style.medium()
        wanted = (CELL_HEIGHT * plan.n_rows + plan.around, plan.width)
        height, width = (style.em(length) / 72 for length in wanted)
        figure = style.new_figure(height / medium.height, min(1.0, width / medium.width))
        text = plan.text(*_room()) if medium.is_fixed else 1.0
        with rc_context({"font.size": style.em(text)}):
            width, height = figure.get_size_inches() * 72 / style.em()  # in text sizes
            cell_height = min(CELL_HEIGHT, (height - plan.around) / plan.n_rows)
            top = cell_height * plan.n_rows + plan.around
            axes = matrices.sheet(figure, width, top)
            for row, found in zip(plan.rows, plan.matrices, strict=True):
                _draw_row(axes, plan, row, found, (width, top - plan.above), cell_height, FOLLOWED if follow else None)
                top -= plan.above + len(found[0]) * cell_height + plan.below
        return figure

    return draw


def _draw_row(
    axes: Axes,
    plan: Plan,
    row: Sequence[Panel],
    found: Sequence[pd.DataFrame],
    corner: tuple[float, float],
    cell_height: float,
    followed: int | None,
) -> None:
    """Matrices beside each other, in the middle of what lies left of the corner; the first one's rows are named."""
    x = (corner[0] - plan.width_of(found) + LABELS) / 2
    for panel, matrix in zip(row, found, strict=True):
        place = Place(x, corner[1], *matrix.shape, plan.cell_width, cell_height)
        matrices.draw_matrix(
            axes, matrix, place, colour=panel.colour, decimals=plan.decimals, title=panel.title,
            row_labels=list(matrix.index) if panel is row[0] else (),
            column_labels=list(matrix.columns) if plan.names_columns else (), strong_row=followed,
        )  # fmt: skip
        x = place.right + GAP


def _number(value: float) -> str:
    return plain(float(value), DECIMALS)


def _numbers(row: Iterable[float]) -> str:
    return " ".join(map(_number, row))


def _alt(*panels: Panel) -> Callable[[pd.DataFrame], str]:
    """Every matrix with its shape and range, and the numbers of the followed row; of a small one, all."""

    def alt(frame: pd.DataFrame) -> str:
        parts = []
        for panel in panels:
            matrix = _matrix(frame, panel)
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
    weights, context = (_matrix(frame, panel).iloc[FOLLOWED] for panel in RECAP[1])
    token, most, least = weights.name, weights.idxmax(), weights.idxmin()
    return (
        f"“{token}” is most like {'itself' if most == token else f'“{most}”'} and gives it weight "
        f"{_number(weights.max())}; “{least}” gets least, {_number(weights.min())}. Its context vector is "
        f"({', '.join(map(_number, context))}). Within one matrix, the stronger a cell's tint, the larger its number, "
        "signs aside."
    )


def caption_weight_matrices(frame: pd.DataFrame) -> str:
    """The range of their entries."""
    found = np.concatenate([_matrix(frame, panel).to_numpy().ravel() for panel in WEIGHT_MATRICES])
    return (
        f"{len(found)} numbers are all that this self-attention could learn; at the start they lie between "
        f"{_number(found.min())} and {_number(found.max())}."
    )


def caption_projections(frame: pd.DataFrame) -> str:
    """The followed token's three vectors."""
    rows = [_matrix(frame, panel).iloc[FOLLOWED] for panel in PROJECTIONS]
    vectors = (
        f"{name} ({', '.join(map(_number, row))})" for name, row in zip(("query", "key", "value"), rows, strict=True)
    )
    return f"One embedding, three vectors: “{rows[0].name}” has {listing(vectors)}."


def caption_scores(frame: pd.DataFrame) -> str:
    """The largest and the smallest."""
    scores = _matrix(frame, SCORES[0])
    values = scores.to_numpy()

    def pair(place: np.intp) -> str:
        row, column = divmod(int(place), values.shape[1])
        return f"{_number(values[row, column])}, that of “{scores.index[row]}” for “{scores.columns[column]}”"

    highest, lowest = pair(values.argmax()), pair(values.argmin())
    return f"Rows ask, columns are asked. The highest score is {highest}; the lowest {lowest}."


def caption_weights(frame: pd.DataFrame) -> str:
    """How far from equal they are."""
    weights = _matrix(frame, WEIGHTS[1][0]).to_numpy()
    return (
        f"Divided scores and their softmax. Each row of weights sums to 1; they reach from {_number(weights.min())} to "
        f"{_number(weights.max())}, where equal ones would be {_number(1 / weights.shape[1])}."
    )


def caption_advanced(frame: pd.DataFrame) -> str:
    """The spread of its scores."""
    scores = matrices.matrix_of(frame, "advanced", "scaled_scores").to_numpy()
    weights = _matrix(frame, ADVANCED[1][0]).to_numpy()
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
