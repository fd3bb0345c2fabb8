"""Tables that are measured before they are drawn: native ones, with thin lines and no fills."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls

from report.slides.office.canvas import Canvas
from report.slides.office.layout import WIDTH, Box, emu, shared
from report.slides.office.lettering import Look, write
from report.slides.office.measuring import LINE, Letters, height_of, width_of, width_of_longest_word
from report.slides.words.runs import Run

Align = Literal["l", "r"]
Cell = Sequence[Sequence[Run]]  # paragraphs
Row = Sequence[Cell]
_BETWEEN = 0.35  # columns
_AROUND = 0.07  # above and below a cell's words
_SPREAD = 0.5  # more for each column, where there is room
_LONGEST_WORD = WIDTH / 2  # a longer one may be broken
_SLACK = 1.01  # of a column's width: rounding breaks no line
_HEADING_LINE, _ROW_LINE = 12700, 6350  # EMU: 1 and 0.5 points


@dataclass(frozen=True)
class Grid:
    """A table whose words have room: row 0 is that of the headings."""

    rows: Sequence[Row]
    aligns: Sequence[Align]
    widths: Sequence[float]
    heights: Sequence[float]
    size: float

    @property
    def width(self) -> float:
        """Of all columns."""
        return sum(self.widths)

    @property
    def is_broken(self) -> bool:
        """Whether words of any row stand on more than one line."""
        return max(self.heights) > 2 * _AROUND + 1.5 * LINE * self.size / 72

    @property
    def height(self) -> float:
        """Of all rows."""
        return sum(self.heights)

    def draw(self, canvas: Canvas, left: float, top: float, alt: str) -> None:
        """Put it on a slide."""
        table = canvas.table(Box(left, top, self.width, self.height), self.widths, self.heights, alt)
        around = emu(_AROUND)
        for i, row in enumerate(self.rows):
            for j, (cell, element) in enumerate(zip(row, table._tbl.tr_lst[i].tc_lst, strict=True)):
                look = Look(self.size, self.aligns[j], colour="tx2" if i == 0 else "tx1")
                write(element.get_or_add_txBody(), cell, look)
                line = _line("B", _HEADING_LINE if i == 0 else _ROW_LINE)
                element.replace(element.tcPr, parse_xml(
                    f'<a:tcPr {nsdecls("a")} marL="{emu(_BETWEEN if j else 0)}" marR="0" marT="{around}" '
                    f'marB="{around}" anchor="ctr">{line}<a:noFill/></a:tcPr>'
                ))  # fmt: skip


def grid(rows: Sequence[Row], aligns: Sequence[Align], letters: Letters, is_numeric: bool) -> Grid | None:
    """A table in these letters, or none where its words do not fit into the slide's width.

    Of a numeric one the first column alone has broken lines, if that is enough.
    """
    gaps = [0.0, *([_BETWEEN] * (len(aligns) - 1))]
    natural, words_alone = (
        [_SLACK * max(_widest(row[j], letters, width) for row in rows) for j in range(len(aligns))]
        for width in (width_of, width_of_longest_word)
    )
    least = [min(width, _LONGEST_WORD) for width in words_alone]
    room = WIDTH - sum(gaps)
    words = shared(natural, [least[0], *natural[1:]], room) if is_numeric else None
    words = words or shared(natural, least, room)
    if words is None:
        return None
    more = min(_SPREAD, (room - sum(words)) / len(aligns))
    heights = [
        2 * _AROUND + max(
            max(LINE * letters.inches, height_of(cell, letters, width + 0.001))
            for cell, width in zip(row, words, strict=True)
        )
        for row in rows
    ]  # fmt: skip
    widths = [width + gap + more for width, gap in zip(words, gaps, strict=True)]
    return Grid(rows, aligns, widths, heights, letters.size)


def _widest(cell: Cell, letters: Letters, width: Callable[[Sequence[Run], Letters], float]) -> float:
    return max((width(runs, letters) for runs in cell), default=0.0)


def _line(side: str, width: int) -> str:
    others = "".join(f'<a:ln{other} w="0"><a:noFill/></a:ln{other}>' for other in "LRT")
    return (
        f'{others}<a:ln{side} w="{width}" cap="flat" cmpd="sng" algn="ctr"><a:solidFill><a:schemeClr val="tx2"/>'
        f'</a:solidFill><a:prstDash val="solid"/></a:ln{side}>'
    )
