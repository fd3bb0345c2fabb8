"""The derivation as a sheet that fills line by line: a formula, and in columns beside it what was measured of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from report.slides.formula_picture import FormulaPicture, formula_picture
from report.slides.layout import CONTENT, SMALLEST, WIDTH, Box
from report.slides.office.canvas import Canvas
from report.slides.office.formulas import formula_within
from report.slides.office.tables import Cell, Grid, Row, Spacing, grid
from report.slides.runs import Run, formula_text, paragraphs
from report.slides.slide import Derivation, Step

HEADINGS = ("predicted", "measured", "interval", "verdict")
_SIZES = ((20, 22), (SMALLEST, 22), (SMALLEST, 20), (SMALLEST, 19), (SMALLEST, SMALLEST))  # of words and of formulas
_SPACING = Spacing(between=0.2, around=0.04, spread=0)
_INDENT = 0.15  # of the formulas, beside the bar of the newest line
_BAR = 0.07
_BESIDE = 0.2  # between formulas and columns
_AROUND = 0.02  # above and below a formula
_MOST_SPARE = 0.3  # that a row takes of the room left over


@dataclass(frozen=True)
class Sheet:
    """All lines at their places; these depend on no line's being shown."""

    steps: Sequence[Step]
    formulas: Sequence[FormulaPicture]
    columns: Grid

    def draw(self, canvas: Canvas, n_shown: int) -> None:
        """Put the first lines on a slide; a bar stands beside the newest one."""
        tops = [CONTENT.top + sum(self.columns.heights[: i + 1]) for i in range(n_shown)]
        heights = self.columns.heights[1:]
        newest = Box(CONTENT.left, tops[-1], CONTENT.width, heights[n_shown - 1])
        canvas.bar(newest, "bg2")
        canvas.bar(replace(newest, width=_BAR), "accent1")
        for step, picture, top, height in zip(self.steps[:n_shown], self.formulas, tops, heights, strict=False):
            box = Box(CONTENT.left + _INDENT, top + (height - picture.height) / 2, picture.width, picture.height)
            canvas.picture(box, picture.svg, picture.png, formula_text(step.latex), "Formula", "formula")
        shown = replace(
            self.columns, rows=self.columns.rows[: n_shown + 1], heights=self.columns.heights[: n_shown + 1]
        )
        shown.draw(canvas, CONTENT.right - shown.width, CONTENT.top, "Evidence for each line", has_lines=False)


def sheet(derivation: Derivation, ink: str) -> Sheet:
    """The sheet at the largest size at which all of its lines fit.

    Raises
    ------
    ValueError
        When they do not, or when no line is to be shown.
    """
    steps = derivation.steps
    if not 1 <= derivation.n_shown <= len(steps):
        raise ValueError(f"shows {derivation.n_shown} of {len(steps)} lines; at least 1, at most all")
    rows: list[Row] = [[[[Run(heading)]] for heading in HEADINGS], *(_evidence(step) for step in steps)]
    free = WIDTH - _INDENT - _BESIDE
    widest = max(formula_picture(step.latex, ink, SMALLEST).width for step in steps)
    for words, letters in _SIZES:
        columns = grid(rows, ("r", "r", "r", "l"), words, free - widest, _SPACING)
        if columns is None:
            continue
        formulas = [formula_within(step.latex, ink, letters, free - columns.width) for step in steps]
        if (spaced := _spaced(columns, formulas)) is not None:
            return Sheet(steps, formulas, spaced)
    raise ValueError(f"the derivation's {len(steps)} lines have no room at {SMALLEST} points")


def _evidence(step: Step) -> Row:
    cells: list[Cell] = [paragraphs(words) for words in (step.predicted, step.measured, step.interval)]
    return [*cells, [[Run(step.verdict)]]]


def _spaced(columns: Grid, formulas: Sequence[FormulaPicture]) -> Grid | None:
    """The columns with rows as high as their formulas, and the room left over shared among them."""
    head, *rows = columns.heights
    heights = [max(height, picture.height + 2 * _AROUND) for height, picture in zip(rows, formulas, strict=True)]
    spare = (CONTENT.height - head - sum(heights)) / len(heights)
    if spare < 0:
        return None
    return replace(columns, heights=[head, *(height + min(spare, _MOST_SPARE) for height in heights)])
