"""Matrices as grids of tinted cells with their numbers, and arrows between them.

The tint grows with |value|, the same for both signs; the number says which. A matrix stands at a `Place` in data units:
in inches on the `sheet` of a whole drawing, or with cells of size 1 in the axes of its own that `alone` prepares.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Annotation
from numpy.typing import ArrayLike, NDArray

from report.figures import style
from report.wording import plain

PALEST = 0.05  # alpha of a cell of value 0
DARKEST = {style.INK: 0.3}  # alpha of the largest |value|: words on it keep a contrast of 4.5 in light and dark
DARKEST_HUE = 0.5  # ... of every other colour
LINE = f"{style.INK}99"  # arrows, and the names of rows and columns that are not emphasised


@dataclass(frozen=True)
class Place:
    """Where a matrix stands: its top left corner, its shape and the size of a cell; rows go down, y goes up."""

    x: float
    y: float
    n_rows: int
    n_columns: int
    cell_width: float = 1.0
    cell_height: float = 1.0

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.n_columns * self.cell_width

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y - self.n_rows * self.cell_height

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return (self.x + self.right) / 2, (self.y + self.bottom) / 2

    def row(self, row: int) -> float:
        """The height of the middle of a row."""
        return self.y - (row + 0.5) * self.cell_height

    def column(self, column: int) -> float:
        """The place of the middle of a column."""
        return self.x + (column + 0.5) * self.cell_width


def sheet(figure: Figure) -> Axes:
    """Axes without any lines over the whole canvas, with inches as data units."""
    figure.set_layout_engine("none")
    width, height = figure.get_size_inches()
    return _bare(figure.add_axes((0, 0, 1, 1)), width, height)


def alone(axes: Axes, shape: tuple[int, int]) -> Place:
    """The place of a matrix of this shape that fills axes of its own, whose lines and ticks are taken away."""
    _bare(axes, shape[1], shape[0])
    return Place(0, shape[0], *shape)


def _bare(axes: Axes, width: float, height: float) -> Axes:
    axes.set(xlim=(0, width), ylim=(0, height), xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes


def tints(values: ArrayLike, colour: str, largest: float | None = None) -> NDArray[np.float64]:
    """How opaque `colour` is in the cell of each value: from the palest at 0 to the darkest at `largest`.

    Without one, that is the largest |value| of these. A nan stays one.
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    top = float(np.nanmax(sizes)) if largest is None else largest
    share = np.clip(sizes / top, 0, 1) if top > 0 else np.zeros_like(sizes)
    return PALEST + (DARKEST.get(colour, DARKEST_HUE) - PALEST) * share


def short(value: float, decimals: int) -> str:
    """A number with that many decimals, without the zero before the point: ".43", "−.07", "1.85"."""
    text = plain(value, decimals)
    return text.replace("0.", ".", 1) if abs(float(text.replace("−", "-"))) < 1 and decimals > 0 else text


def draw_matrix(
    axes: Axes,
    values: ArrayLike,
    place: Place,
    *,
    colour: str = style.INK,
    largest: float | None = None,
    decimals: int | None = 2,
    title: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    strong_row: int | None = None,
) -> None:
    """A matrix (n_rows, n_columns) at its place, as tinted cells; a nan is left out.

    `largest` is the |value| of the darkest tint, to share it between matrices; `decimals` are those of the numbers in
    the cells, None for no numbers; `title` gets the shape behind it; labels stand to the left and below; `strong_row`
    is outlined, its numbers and its label in semibold.
    """
    matrix = np.asarray(values, dtype=float)
    draw_cells(axes, tints(matrix, colour, largest), place, colour=colour)
    if decimals is not None:
        for row, column in np.argwhere(~np.isnan(matrix)):
            value = float(matrix[row, column])
            _words(axes, short(value, decimals), (place.column(column), place.row(row)), is_strong=row == strong_row)
    if title:
        draw_title(axes, title, place)
    for row, label in enumerate(row_labels):
        at, shift = (place.x, place.row(row)), (-style.em(0.55), 0.0)
        _words(axes, label, at, shift, ha="right", is_strong=row == strong_row)
    for column, label in enumerate(column_labels):
        _words(axes, label, (place.column(column), place.bottom), (0.0, -style.em(0.4)), va="top")
    if strong_row is not None:
        outline_row(axes, place, strong_row)


def draw_cells(axes: Axes, alphas: ArrayLike, place: Place, *, colour: str = style.INK) -> None:
    """Cells of the given opacities (n_rows, n_columns), parted by lines of the background's colour; none for a nan."""
    width, height = place.cell_width, place.cell_height
    for (row, column), alpha in np.ndenumerate(np.asarray(alphas, dtype=float)):
        if np.isnan(alpha):
            continue
        corner = (place.x + column * width, place.y - (row + 1) * height)
        axes.add_patch(
            Rectangle(
                corner, width, height, facecolor=(colour, round(float(alpha), 2)), edgecolor=style.BACKGROUND,
                linewidth=style.em(0.09), clip_on=False,
            )
        )  # fmt: skip


def outline_row(axes: Axes, place: Place, row: int) -> None:
    """A line in ink around one row."""
    corner = (place.x, place.y - (row + 1) * place.cell_height)
    axes.add_patch(
        Rectangle(
            corner, place.right - place.x, place.cell_height, facecolor="none", edgecolor=style.INK,
            linewidth=style.em(0.12), joinstyle="round", clip_on=False, zorder=2.5,
        )
    )  # fmt: skip


def draw_title(axes: Axes, title: str, place: Place) -> None:
    """A matrix's symbol and shape, centred above it."""
    words = f"{title}  {place.n_rows} × {place.n_columns}"
    _words(axes, words, (place.centre[0], place.y), (0.0, style.em(0.5)), va="baseline")


def _words(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float] = (0.0, 0.0),
    *,
    ha: str = "center",
    va: str = "center_baseline",
    is_strong: bool = False,
) -> Annotation:
    """Words at a place in data units, moved by points."""
    font = style.strong() if is_strong else None
    return axes.annotate(
        text, at, xytext=shift, textcoords="offset points", ha=ha, va=va, annotation_clip=False, fontproperties=font
    )  # fmt: skip


def arrow(axes: Axes, *points: tuple[float, float]) -> None:
    """A thin arrow through points of a `sheet`, its corners rounded, its head at the last point."""
    corner, barb = style.em(0.9) / 72, style.em(0.38) / 72
    places = [np.array(point, dtype=float) for point in points]
    vertices, codes = [places[0]], [Path.MOVETO]
    for before, turn, after in zip(places, places[1:], places[2:], strict=False):
        reach = min(corner, *(float(np.linalg.norm(end - turn)) / 2 for end in (before, after)))
        vertices += [turn + reach * _direction(turn, before), turn, turn + reach * _direction(turn, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    tip, along = places[-1], _direction(places[-2], places[-1])
    across = np.array([-along[1], along[0]])
    vertices += [tip, tip - barb * (along - across), tip, tip - barb * (along + across)]
    codes += [Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO]
    axes.add_patch(
        PathPatch(
            Path(vertices, codes), facecolor="none", edgecolor=LINE, linewidth=style.em(0.1), capstyle="round",
            joinstyle="round", clip_on=False, zorder=2,
        )
    )  # fmt: skip


def _direction(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector from one point to another."""
    return (end - start) / np.linalg.norm(end - start)
