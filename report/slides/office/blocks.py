"""Blocks that share a slide: each is measured for a size of letters first, and then put where there is room for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from markupsafe import Markup

from report.slides.office.canvas import Canvas
from report.slides.office.formulas import formula_within
from report.slides.office.layout import CONTENT, SMALLEST, TEXT_SIZES, WIDTH, Box, choices, stacked
from report.slides.office.lettering import Look
from report.slides.office.measuring import LINE, Letters, height_of, width_of
from report.slides.office.tables import Align, Row, grid
from report.slides.slide import Block, Code, Formula, Table, Words
from report.slides.words.runs import Run, formula_text, paragraphs, plain_text

_LARGER = 1.25  # letters of a formula on a line of its own
_LARGEST_IN_CODE, _LARGEST_IN_TABLE = 20, 22  # points: both are wide
_BEGINNINGS = set("0123456789.+−-–—±<>≤≥≈") | {""}  # of numbers, and of what stands for none
_PANEL = 0.15  # around code


@dataclass(frozen=True)
class Piece:
    """A block that is measured: its height, and how to put it on a slide with its upper edge there."""

    height: float
    draw: Callable[[Canvas, float], None]


def draw_blocks(canvas: Canvas, blocks: tuple[Block, ...], ink: str) -> None:
    """Put blocks one under the other, at the largest size at which all have room.

    Raises
    ------
    ValueError
        When they have none at the smallest, or when one of them is no block that shares a slide.
    """
    for letters in choices(TEXT_SIZES):
        pieces = [_measured(block, letters, ink) for block in blocks]
        fitting = [piece for piece in pieces if piece is not None]
        if len(fitting) == len(pieces) and (tops := stacked([piece.height for piece in fitting], CONTENT)) is not None:
            for piece, top in zip(fitting, tops, strict=True):
                piece.draw(canvas, top)
            return
    kinds = ", ".join(type(block).__name__ for block in blocks)
    raise ValueError(f"its blocks ({kinds}) have no room at {SMALLEST} points")


def _measured(block: Block, letters: Letters, ink: str) -> Piece | None:
    """The block at this size, or none where it is too wide."""
    if isinstance(block, Words):
        return _words(block, letters)
    if isinstance(block, Formula):
        return _formula(block, letters, ink)
    if isinstance(block, Table):
        return _table(block, _smaller(letters, _LARGEST_IN_TABLE))
    if isinstance(block, Code):
        return _code(block, _smaller(letters, _LARGEST_IN_CODE))
    raise ValueError(f"{type(block).__name__} needs the slide's whole room, but stands beside other blocks")


def _words(block: Words, letters: Letters) -> Piece:
    text = [runs for paragraph in block.paragraphs for runs in paragraphs(paragraph)]
    height = height_of(text, letters, WIDTH)

    def draw(canvas: Canvas, top: float) -> None:
        box, look = Box(CONTENT.left, top, WIDTH, height), Look(letters.size)
        if canvas.has_room_for_text():
            canvas.fill(1, text, look, box)
        else:
            canvas.text(box, text, look, "Text")

    return Piece(height, draw)


def _formula(block: Formula, letters: Letters, ink: str) -> Piece | None:
    picture = formula_within(block.latex, ink, _LARGER * letters.size, WIDTH)
    if picture.width > WIDTH:
        return None

    def draw(canvas: Canvas, top: float) -> None:
        box = Box(CONTENT.left + (WIDTH - picture.width) / 2, top, picture.width, picture.height)
        canvas.picture(box, picture.svg, picture.png, formula_text(block.latex), "Formula", "formula")

    return Piece(picture.height, draw)


def _table(block: Table, letters: Letters) -> Piece | None:
    rows: list[Row] = [[paragraphs(cell) for cell in row] for row in (block.columns, *block.rows)]
    aligns: list[Align] = [
        "r" if block.numeric and j > 0 and all(_is_number(row[j]) for row in block.rows) else "l"
        for j in range(len(block.columns))
    ]
    sizes = [letters.size, *(size for size in TEXT_SIZES if size < letters.size)] if block.numeric else []
    grids = [grid(rows, aligns, replace(letters, size=size), block.numeric) for size in sizes]
    measured = next((it for it in grids if it is not None and not it.is_broken), None)
    measured = measured or grid(rows, aligns, letters, block.numeric)
    if measured is None:
        return None
    alt = "Table: " + ", ".join(plain_text(heading) for heading in block.columns)
    return Piece(measured.height, lambda canvas, top: measured.draw(canvas, CONTENT.left, top, alt))


def _code(block: Code, letters: Letters) -> Piece | None:
    lines = [[Run(line, code=True)] for line in block.source.expandtabs(4).strip("\n").split("\n")]
    if max(width_of(line, letters) for line in lines) > WIDTH - 2 * _PANEL:
        return None
    height = len(lines) * LINE * letters.inches + 2 * _PANEL

    def draw(canvas: Canvas, top: float) -> None:
        canvas.panel(
            Box(CONTENT.left, top, WIDTH, height), _PANEL, lines, Look(letters.size, line=LINE * letters.size), "Code"
        )

    return Piece(height, draw)


def _smaller(letters: Letters, largest: float) -> Letters:
    return replace(letters, size=min(letters.size, largest))


def _is_number(cell: Markup) -> bool:
    """Whether a cell begins as numbers do, or is empty."""
    return plain_text(cell)[:1] in _BEGINNINGS
