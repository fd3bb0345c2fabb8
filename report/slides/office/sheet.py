"""The derivation as a sheet that fills line by line: a formula, and in columns beside it what was measured of it.

A line's evidence is one line of text with tab stops: unlike a table's rows, nothing of it moves where a font is wider
than expected, and a screen reader has it right after its formula.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, product

from report.slides.formula_picture import FormulaPicture
from report.slides.office.canvas import Canvas
from report.slides.office.formulas import formula_within
from report.slides.office.layout import CONTENT, SMALLEST, WIDTH, Box
from report.slides.office.lettering import Look, Tab
from report.slides.office.measuring import LINE, Letters, width_of
from report.slides.slide import Derivation, Step
from report.slides.words.runs import Run, formula_text, paragraphs

HEADINGS = ("predicted", "measured", "interval", "verdict")
_COLUMNS = ((0, 1, 2, 3), (1, 2, 3), (0, 1, 3), (1, 3), (3,))  # to try in turn: the notes have what is left out
_SIZES = ((20, 22), (SMALLEST, 22), (SMALLEST, 20), (SMALLEST, 19), (SMALLEST, SMALLEST))  # of words and of formulas
_INDENT = 0.15  # of the formulas, beside the bar of the newest line
_BAR = 0.07
_GAPS = (0.2, 0.6)  # before a column: at least, at most
_AROUND = 0.03  # above and below words and formulas
_MOST_SPARE = 0.3  # that a line takes of the height left over

Cells = Sequence[Sequence[Run]]  # a line's evidence, column by column


@dataclass(frozen=True)
class Sheet:
    """All lines at their places; these depend on no line's being shown."""

    steps: Sequence[Step]
    formulas: Sequence[FormulaPicture]
    headings: Cells  # of the columns that have room
    evidence: Sequence[Cells]
    size: float  # of words
    widths: Sequence[float]  # of columns, each with the gap before it
    last: float  # of the last column, without its gap
    heights: Sequence[float]  # of lines, the headings first

    def draw(self, canvas: Canvas, n_shown: int) -> None:
        """Put the headings and the first lines on a slide; a bar stands beside the newest one."""
        bands = [
            Box(CONTENT.left, CONTENT.top + bottom - height, WIDTH, height)
            for bottom, height in zip(accumulate(self.heights), self.heights, strict=True)
        ]
        canvas.bar(bands[n_shown], "bg2")
        canvas.bar(replace(bands[n_shown], width=_BAR), "accent1")
        self._write(canvas, bands[0], self.headings, is_heading=True)
        lines = list(zip(bands[1:], self.steps, self.formulas, self.evidence, strict=True))
        for band, step, picture, cells in lines[:n_shown]:
            top = band.top + (band.height - picture.height) / 2
            box = Box(band.left + _INDENT, top, picture.width, picture.height)
            canvas.picture(box, picture.svg, picture.png, formula_text(step.latex), "Formula", "formula")
            self._write(canvas, band, cells)

    def _write(self, canvas: Canvas, band: Box, cells: Cells, is_heading: bool = False) -> None:
        """One line of text: a tab before each cell, whose right end stands at its stop; the last begins there."""
        edges = list(accumulate(self.widths))
        tabs = (*(Tab(edge, "r") for edge in edges[:-1]), Tab(edges[-1] - self.last, "l"))
        words = [run for cell in cells for run in (Run("\t"), *cell)]
        box = replace(band, left=band.right - edges[-1], width=edges[-1])
        look = Look(self.size, "l", colour="tx2" if is_heading else "tx1", tabs=tabs)
        canvas.line(box, words, look, "Headings" if is_heading else "Evidence")


def sheet(derivation: Derivation, ink: str) -> Sheet:
    """The sheet at the largest size at which all of its lines fit, without a column or two where words are too long.

    Raises
    ------
    ValueError
        When they do not, or when no line is to be shown.
    """
    steps = derivation.steps
    if not 1 <= derivation.n_shown <= len(steps):
        raise ValueError(f"shows {derivation.n_shown} of {len(steps)} lines; at least 1, at most all")
    for columns, (letters, formula_size) in product(_COLUMNS, _sizes()):
        measured = _measured(steps, columns, ink, letters, formula_size)
        if measured is not None:
            return measured
    raise ValueError(f"the derivation's {len(steps)} lines have no room at {SMALLEST} points")


def _sizes() -> Iterator[tuple[Letters, float]]:
    """Letters of words and sizes of formulas, the best first."""
    for in_any_font in (True, False):
        for words, formulas in _SIZES:
            yield Letters(words, in_any_font), formulas


def _measured(
    steps: Sequence[Step], columns: Sequence[int], ink: str, letters: Letters, formula_size: float
) -> Sheet | None:
    """The sheet with these columns in these sizes, or none where it is too wide or too high."""
    headings, *evidence = (
        [cells[column] for column in columns]
        for cells in ([[Run(heading)] for heading in HEADINGS], *map(_evidence, steps))
    )
    widths = [max(width_of(cells[j], letters) for cells in (headings, *evidence)) for j in range(len(columns))]
    least, most = _GAPS
    free = WIDTH - _INDENT - sum(widths)  # for formulas and gaps
    formulas = [formula_within(step.latex, ink, formula_size, free - least * len(widths)) for step in steps]
    gap = min(most, (free - max(picture.width for picture in formulas)) / len(widths))
    line = LINE * letters.inches + 2 * _AROUND
    heights = [line, *(max(line, picture.height + 2 * _AROUND) for picture in formulas)]
    spare = (CONTENT.height - sum(heights)) / len(steps)
    if gap < least - 1e-9 or spare < 0:
        return None
    heights = [line, *(height + min(spare, _MOST_SPARE) for height in heights[1:])]
    return Sheet(
        steps, formulas, headings, evidence, letters.size, [gap + width for width in widths], widths[-1], heights
    )


def _evidence(step: Step) -> Cells:
    cells = [
        [run for runs in paragraphs(words) for run in (Run(" "), *runs)][1:]
        for words in (step.predicted, step.measured, step.interval)
    ]
    return [*cells, [Run(step.verdict)]]
