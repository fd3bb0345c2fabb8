"""Matrices as grids of tinted cells with their numbers, and arrows between them.

The tint grows with |value|, the same for both signs; the number says which. A matrix stands at a `Place` in data units:
in text sizes on the `sheet` of a whole drawing, or with cells of size 1 in the axes of its own that `alone` prepares.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.textpath import TextToPath
from numpy.typing import ArrayLike, NDArray

from report.figures import style
from report.figures.fonts import Font
from report.figures.selection import select
from report.wording import plain

PALEST = 0.05  # alpha of a cell of value 0
DARKEST = {style.INK: 0.3}  # alpha of the largest |value|: words on it keep a contrast of 4.5 in light and dark
DARKEST_HUE = 0.5  # ... of every other colour
MIDDLE = 0.36  # text sizes from the baseline to the middle of a digit
LINE = style.faint(style.INK, 0.6)  # arrows, and the names of rows and columns that are not emphasised


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


def sheet(figure: Figure, width: float, height: float) -> Axes:
    """Axes without any lines over the whole canvas, for a drawing of this size in its middle, in text sizes."""
    figure.set_layout_engine(None)
    axes = _bare(figure.add_axes((0, 0, 1, 1)))
    spare_x, spare_y = figure.get_size_inches() * 72 / style.em() - (width, height)
    axes.set(xlim=(-spare_x / 2, width + spare_x / 2), ylim=(-spare_y / 2, height + spare_y / 2))
    return axes


def alone(axes: Axes, shape: tuple[int, int]) -> Place:
    """The place of a matrix of this shape that fills axes of its own, whose lines and ticks are taken away."""
    _bare(axes).set(xlim=(0, shape[1]), ylim=(0, shape[0]))
    return Place(0, shape[0], *shape)


def _bare(axes: Axes) -> Axes:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes


def matrix_of(frame: pd.DataFrame, model: str, matrix: str) -> pd.DataFrame:
    """One matrix of the self-attention experiment, (n_rows, n_columns), with the labels of its rows and columns."""
    cells = select(frame, model=model, matrix=matrix).sort_values(["row", "column"])
    width = cells["column"].nunique()
    return pd.DataFrame(
        cells["value"].to_numpy().reshape(-1, width),
        index=pd.Index(cells["row_label"].iloc[::width], name="row"),
        columns=pd.Index(cells["column_label"].iloc[:width], name="column"),
    )


def second_row(matrix: pd.DataFrame) -> pd.Series:
    """The row of the second token, which the lecture follows; of the only one, if there is one."""
    return matrix.iloc[min(1, len(matrix) - 1)]


def vector(values: Iterable[float]) -> str:
    """Numbers with two decimals, as words write a vector."""
    return f"({', '.join(plain(value, 2) for value in values)})"


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
    title_colour: str = style.INK,
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
            text, at = short(float(matrix[row, column]), decimals), (place.column(column), place.row(row))
            words(axes, text, at, (0.0, -MIDDLE * style.em()), is_strong=row == strong_row)
    if title:
        draw_title(axes, title, place, colour=title_colour)
    for row, label in enumerate(row_labels):
        at, shift = (place.x, place.row(row)), (-style.em(0.55), -MIDDLE * style.em())
        words(axes, label, at, shift, ha="right", is_strong=row == strong_row)
    for column, label in enumerate(column_labels):
        words(axes, label, (place.column(column), place.bottom), (0.0, -style.em(0.4)), va="top")
    if strong_row is not None:
        outline_row(axes, place, strong_row)


def draw_cells(axes: Axes, alphas: ArrayLike, place: Place, *, colour: str = style.INK) -> None:
    """Cells of the given opacities (n_rows, n_columns), parted by lines of the background's colour; none for a nan."""
    width, height = place.cell_width, place.cell_height
    opacities = np.asarray(alphas, dtype=float).round(2)
    levels = np.unique(opacities[~np.isnan(opacities)])
    outlines = [
        Path.make_compound_path(*(_cell(place, row, column) for row, column in np.argwhere(opacities == level)))
        for level in levels
    ]
    cells = PathCollection(outlines, facecolors=[(colour, level) for level in levels], linewidths=0)
    cells.set_clip_on(False)
    axes.add_collection(cells, autolim=False)
    between_rows = [[(place.x, y), (place.right, y)] for y in place.y - height * np.arange(1, place.n_rows)]
    between_columns = [[(x, place.y), (x, place.bottom)] for x in place.x + width * np.arange(1, place.n_columns)]
    draw_lines(axes, between_rows + between_columns, style.BACKGROUND, style.em(0.1))


def _cell(place: Place, row: int, column: int) -> Path:
    left, top = place.x + column * place.cell_width, place.y - row * place.cell_height
    right, bottom = left + place.cell_width, top - place.cell_height
    return Path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], closed=True)


def outline_row(axes: Axes, place: Place, row: int) -> None:
    """A line in ink around one row."""
    corner = (place.x, place.y - (row + 1) * place.cell_height)
    axes.add_patch(
        Rectangle(
            corner, place.right - place.x, place.cell_height, facecolor="none", edgecolor=style.INK,
            linewidth=style.em(0.12), joinstyle="round", clip_on=False, zorder=2.5,
        )
    )  # fmt: skip


def titled(title: str, n_rows: int, n_columns: int) -> str:
    """A matrix's symbol and shape."""
    return f"{title}  {n_rows} × {n_columns}"


def draw_title(axes: Axes, title: str, place: Place, *, colour: str = style.INK) -> None:
    """A matrix's symbol and shape, centred above it."""
    words(
        axes,
        titled(title, place.n_rows, place.n_columns),
        (place.centre[0], place.y),
        (0.0, style.em(0.5)),
        va="baseline",
        colour=colour,
    )


def width_of(text: str, is_strong: bool = False) -> float:
    """How wide words are, in text sizes, whatever they are drawn on."""
    return _extent(text, is_strong, style.font())[0]


def height_of(text: str) -> float:
    """How high words are, in text sizes."""
    return _extent(text, False, style.font())[1]


@lru_cache(maxsize=1024)  # numbers repeat, and so do drawings of a figure, stage after stage
def _extent(text: str, is_strong: bool, font: Font) -> tuple[float, float]:
    face = font.heading.copy() if is_strong else FontProperties(family=font.families)
    face.set_size(100)
    width, height, _ = TextToPath().get_text_width_height_descent(text, face, "$" in text)
    return float(width) / 100, float(height) / 100


def words(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float] = (0.0, 0.0),
    *,
    ha: str = "center",
    va: str = "baseline",
    colour: str = style.INK,
    size: float = 1.0,
    is_strong: bool = False,
) -> Annotation:
    """Words at a place in data units, moved by points; their size is in text sizes."""
    font = style.strong() if is_strong else None
    return axes.annotate(
        text, at, xytext=shift, textcoords="offset points", ha=ha, va=va, color=colour, fontproperties=font,
        fontsize=style.em(size), annotation_clip=False,
    )  # fmt: skip


def draw_arrows(axes: Axes, *ways: Sequence[tuple[float, float]]) -> None:
    """Thin arrows on a `sheet`, each through its points: corners rounded, the head at the last one."""
    corner, barb = 0.9, 0.38  # text sizes
    paths = []
    for way in ways:
        points = [np.array(point, dtype=float) for point in way]
        vertices, codes = [points[0]], [Path.MOVETO]
        for before, turn, after in zip(points, points[1:], points[2:], strict=False):
            reach = min(corner, *(float(np.linalg.norm(end - turn)) / 2 for end in (before, after)))
            vertices += [turn + reach * _direction(turn, before), turn, turn + reach * _direction(turn, after)]
            codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
        tip, along = points[-1], _direction(points[-2], points[-1])
        across = np.array([-along[1], along[0]])
        vertices += [tip, tip - barb * (along - across), tip, tip - barb * (along + across)]
        codes += [Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO]
        paths.append(Path(vertices, codes))
    _draw_path(axes, Path.make_compound_path(*paths), LINE, style.em(0.1))


def draw_lines(axes: Axes, lines: Sequence[Sequence[tuple[float, float]]], colour: style.Colour, width: float) -> None:
    """Straight lines through points, `width` points thick."""
    if lines:
        _draw_path(axes, Path.make_compound_path(*(Path(line) for line in lines)), colour, width)


def _draw_path(axes: Axes, path: Path, colour: style.Colour, width: float) -> None:
    """One line, however many parts it has: where they meet it is no darker."""
    axes.add_patch(
        PathPatch(
            path, facecolor="none", edgecolor=colour, linewidth=width, capstyle="round", joinstyle="round",
            clip_on=False, zorder=2,
        )
    )  # fmt: skip


def _direction(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector from one point to another."""
    return (end - start) / np.linalg.norm(end - start)
