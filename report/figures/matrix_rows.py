"""Rows of matrices with their numbers: one below the other on the page, and as large as they can be on a slide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import matrices, style
from report.figures.matrices import Place

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


def matrix_of_panel(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Its numbers, with the labels of its rows and columns."""
    return matrices.matrix_of(frame, panel.model, panel.matrix)


def _planned(frame: pd.DataFrame, rows: Rows) -> Plan:
    """As the page has it; on a slide the first of some plans that leaves text as large as others, or the largest."""
    usual = Plan(rows, [[matrix_of_panel(frame, panel) for panel in row] for row in rows])
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


def drawing(*rows: Sequence[Panel], follow: bool = True) -> Callable[[pd.DataFrame], Figure]:
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
