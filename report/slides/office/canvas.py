"""What can be put on a slide of PowerPoint's: words, pictures, tables and the shapes that set them off."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.oxml.xmlchemy import BaseOxmlElement
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.slide import Slide as OfficeSlide
from pptx.table import Table as OfficeTable

from report.slides.office.base import TABLE_STYLE
from report.slides.office.layout import Box, emu
from report.slides.office.lettering import Colour, Look, clean, number_body, write
from report.slides.office.media import Media
from report.slides.words.runs import Run

_SPARE = 0.35  # inches of the slide's margin
Words = Sequence[Sequence[Run]]  # paragraphs
_DECORATIVE = (
    '<a:extLst><a:ext uri="{C183D7F6-B498-43B3-948B-1728B52AA6E4}"><adec:decorative val="1" '
    'xmlns:adec="http://schemas.microsoft.com/office/drawing/2017/decorative"/></a:ext></a:extLst>'
)
_SVG = (
    '<a:extLst><a:ext uri="{96DAC541-7B7A-43D3-8B79-37D633B846F1}"><asvg:svgBlip '
    'xmlns:asvg="http://schemas.microsoft.com/office/drawing/2016/SVG/main" r:embed="%s"/></a:ext></a:extLst>'
)


class Canvas:
    """One slide while it is filled, from the back to the front and in the order in which it is read aloud."""

    def __init__(self, slide: OfficeSlide, media: Media) -> None:
        self.slide = slide
        self._media = media

    def fill(self, index: int, words: Words, look: Look, box: Box | None = None) -> None:
        """Put words into the layout's placeholder of this index; without words, take it away."""
        shape = self.slide.placeholders[index]
        if not words:
            shape.element.getparent().remove(shape.element)
            return
        if box is not None:
            _move(shape, box)
        write(shape.text_frame._txBody, words, look)

    def has_room_for_text(self) -> bool:
        """Whether the layout's placeholder of text is still empty."""
        return any(shape.placeholder_format.idx == 1 and not shape.text_frame.text for shape in self.slide.placeholders)

    def text(self, box: Box, words: Words, look: Look, name: str) -> None:
        """A text box."""
        write(self._text_box(box, name).text_frame._txBody, words, look)

    def line(self, box: Box, words: Sequence[Run], look: Look, name: str) -> None:
        """A text box with one line in the middle of its height; it breaks only where the slide’s margin is full too."""
        body = self._text_box(replace(box, width=box.width + _SPARE), name).text_frame._txBody
        body.bodyPr.set("anchor", "ctr")
        write(body, [words], look)

    def panel(self, box: Box, margin: float, words: Words, look: Look, name: str) -> None:
        """A text box on a background of its own, with so many inches around its words."""
        shape = self._text_box(box, name, margin)
        fill = parse_xml(f'<a:solidFill {nsdecls("a")}><a:schemeClr val="bg2"/></a:solidFill>')
        properties = shape._element.spPr
        properties.replace(properties.find(qn("a:noFill")), fill)
        write(shape.text_frame._txBody, words, look)

    def picture(
        self, box: Box, svg: bytes, png: bytes, alt: str, kind: Literal["Figure", "Formula"], name: str
    ) -> None:
        """A picture with its text alternative; `name` is that of its files in the deck."""
        part = self.slide.part
        number = self._next_id()
        raster, vector = (self._media.relate(part, data, ending, name) for data, ending in ((png, "png"), (svg, "svg")))
        picture = parse_xml(
            f"<p:pic {nsdecls('p', 'a', 'r')}>"
            f'<p:nvPicPr><p:cNvPr id="{number}" name="{kind} {number}"/>'
            '<p:cNvPicPr><a:picLocks noChangeAspect="1"/></p:cNvPicPr><p:nvPr/></p:nvPicPr>'
            f'<p:blipFill><a:blip r:embed="{raster}">{_SVG % vector}</a:blip>'
            "<a:stretch><a:fillRect/></a:stretch></p:blipFill>"
            f'<p:spPr>{_place(box)}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>'
        )
        picture[0][0].set("descr", clean(alt))
        self._tree.append(picture)

    def bar(self, box: Box, colour: Colour) -> None:
        """A coloured rectangle that says nothing by itself."""
        number = self._next_id()
        self._tree.append(parse_xml(
            f"<p:sp {nsdecls('p', 'a')}>"
            f'<p:nvSpPr><p:cNvPr id="{number}" name="Bar {number}" descr="">{_DECORATIVE}</p:cNvPr>'
            f'<p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr>{_place(box)}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
            f'<a:solidFill><a:schemeClr val="{colour}"/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>'
        ))  # fmt: skip

    def table(self, box: Box, widths: Sequence[float], heights: Sequence[float], alt: str) -> OfficeTable:
        """An empty table with a row of headings, in no style of PowerPoint's."""
        frame = self.slide.shapes.add_table(len(heights), len(widths), *_emu(box))
        frame.name = f"Table {frame.shape_id}"
        frame._element.nvGraphicFramePr.cNvPr.set("descr", clean(alt))
        table = frame.table
        table.horz_banding = False
        table._tbl.tblPr.find(qn("a:tableStyleId")).text = TABLE_STYLE
        for column, width in zip(table.columns, widths, strict=True):
            column.width = emu(width)
        for row, height in zip(table.rows, heights, strict=True):
            row.height = emu(height)
        return table

    def number(self, number: int) -> None:
        """The slide's number, at the layout's place for it."""
        identity = self._next_id()
        shape = parse_xml(
            f"<p:sp {nsdecls('p', 'a')}>"
            f'<p:nvSpPr><p:cNvPr id="{identity}" name="Slide number {identity}"/><p:cNvSpPr><a:spLocks noGrp="1"/>'
            '</p:cNvSpPr><p:nvPr><p:ph type="sldNum" sz="quarter" idx="4"/></p:nvPr></p:nvSpPr><p:spPr/></p:sp>'
        )
        shape.append(number_body(number))
        self._tree.append(shape)

    def _text_box(self, box: Box, name: str, margin: float = 0) -> Shape:
        shape = self.slide.shapes.add_textbox(*_emu(box))
        shape.name = f"{name} {shape.shape_id}"
        body = shape.text_frame._txBody.bodyPr
        for side in ("lIns", "tIns", "rIns", "bIns"):
            body.set(side, str(emu(margin)))
        body.set("wrap", "square")
        return shape

    @property
    def _tree(self) -> BaseOxmlElement:
        return self.slide.shapes._spTree

    def _next_id(self) -> int:
        return int(self.slide.shapes._next_shape_id)


def _emu(box: Box) -> tuple[int, int, int, int]:
    return emu(box.left), emu(box.top), emu(box.width), emu(box.height)


def _place(box: Box) -> str:
    left, top, width, height = _emu(box)
    return f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'


def _move(shape: BaseShape, box: Box) -> None:
    shape.left, shape.top, shape.width, shape.height = _emu(box)
