"""Tables that are measured before they are drawn: native ones, with thin lines and no fills."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls

from report.slides.layout import WIDTH, Box, shared
from report.slides.measuring import LINE, height_of, width_of, width_of_longest_word
from report.slides.office.base import emu
from report.slides.office.canvas import Canvas
from report.slides.office.lettering import Look, write
from report.slides.runs import Run

Align = Literal["l", "r"]
Cell = Sequence[Sequence[Run]]  # paragraphs
Row = Sequence[Cell]
_SLACK = 1.01  # of a column's width: rounding breaks no line
_HEADING_LINE, _ROW_LINE = 12700, 6350  # EMU: 1 and 0.5 points


@dataclass(frozen=True)
class Spacing:
    """What stands between a table's words, in inches."""

    between: float = 0.35  # columns
    around: float = 0.07  # above and below a cell's words
    spread: float = 0.5  # more for each column, where there is room


@dataclass(frozen=True)
class Grid:
    """A table whose words have room: row 0 is that of the headings."""

    rows: Sequence[Row]
    aligns: Sequence[Align]
    widths: Sequence[float]
    heights: Sequence[float]
    size: float
    spacing: Spacing

    @property
    def width(self) -> float:
        """Of all columns."""
        return sum(self.widths)

    @property
    def height(self) -> float:
        """Of all rows."""
        return sum(self.heights)

    def draw(self, canvas: Canvas, left: float, top: float, alt: str, has_lines: bool = True) -> None:
        """Put it on a slide."""
        table = canvas.table(Box(left, top, self.width, self.height), self.widths, self.heights, alt)
        around = emu(self.spacing.around)
        for i, row in enumerate(self.rows):
            for j, (cell, element) in enumerate(zip(row, table._tbl.tr_lst[i].tc_lst, strict=True)):
                look = Look(self.size, self.aligns[j], is_bold=i == 0, colour="tx2" if i == 0 else "tx1")
                write(element.get_or_add_txBody(), cell, look)
                line = _line("B", _HEADING_LINE if i == 0 else _ROW_LINE) if has_lines else ""
                element.replace(element.tcPr, parse_xml(
                    f'<a:tcPr {nsdecls("a")} marL="{emu(self.spacing.between if j else 0)}" marR="0" marT="{around}" '
                    f'marB="{around}" anchor="ctr">{line}<a:noFill/></a:tcPr>'
                ))  # fmt: skip


def grid(
    rows: Sequence[Row], aligns: Sequence[Align], size: float, room: float = WIDTH, spacing: Spacing = Spacing()
) -> Grid | None:
    """A table at this size of letters, or none where its words do not fit into the room's width."""
    gaps = [0.0, *([spacing.between] * (len(aligns) - 1))]
    natural, least = (
        [_SLACK * max(_widest(row[j], size, i == 0, width) for i, row in enumerate(rows)) for j in range(len(aligns))]
        for width in (width_of, width_of_longest_word)
    )
    words = shared(natural, least, room - sum(gaps))
    if words is None:
        return None
    more = min(spacing.spread, (room - sum(gaps) - sum(words)) / len(aligns))
    heights = [
        2 * spacing.around + max(
            max(LINE * size / 72, height_of(_set(cell, i == 0), size, width + 0.001))
            for cell, width in zip(row, words, strict=True)
        )
        for i, row in enumerate(rows)
    ]  # fmt: skip
    widths = [width + gap + more for width, gap in zip(words, gaps, strict=True)]
    return Grid(rows, aligns, widths, heights, size, spacing)


def _widest(cell: Cell, size: float, is_heading: bool, width: Callable[[Sequence[Run], float], float]) -> float:
    return max((width(runs, size) for runs in _set(cell, is_heading)), default=0.0)


def _set(cell: Cell, is_heading: bool) -> Cell:
    """The cell's runs in the weight in which they are drawn."""
    if not is_heading:
        return cell
    return [[Run(run.text, True, run.italic, run.code, run.script) for run in runs] for runs in cell]


def _line(side: str, width: int) -> str:
    others = "".join(f'<a:ln{other} w="0"><a:noFill/></a:ln{other}>' for other in "LRT")
    return (
        f'{others}<a:ln{side} w="{width}" cap="flat" cmpd="sng" algn="ctr"><a:solidFill><a:schemeClr val="tx2"/>'
        f'</a:solidFill><a:prstDash val="solid"/></a:ln{side}>'
    )
