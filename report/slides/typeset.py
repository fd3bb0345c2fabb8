"""A formula's MathML → the outlines of its letters and bars, set by ziamath in STIX Two Math.

Everything that knows ziamath is here: where it reads MathML otherwise than browsers do, the formula is put in its
words. It is asked where glyphs stand, and not for its SVG, in which all glyphs that are made of parts share one id.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from threading import Lock
from warnings import catch_warnings, filterwarnings
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from report.figures.paths import Segment

with catch_warnings():
    filterwarnings("ignore", "path is deprecated", DeprecationWarning)  # what ziamath finds its font by
    from ziafont.svgpath import Moveto, SVGOpType
    from ziamath.drawable import Drawable, Glyph, HLine
    from ziamath.mathtable import AssembledGlyph
    from ziamath.zmath import Math

EM = 100  # the size of the letters in an outline's units: large enough that nothing falls below the smallest size
Outline = list[Segment]

_one_at_a_time = Lock()  # ziamath has one font, with its state, for the whole process
_APPLIED = "\u2061"  # function application
_BIG = set("∑∏∐∫∬∭∮⋂⋃⨁⨂")
_DOTS = {"...": "…", "⋅⋅⋅": "⋯"}
_FENCES = set("([{|‖⟨⌊⌈")
_PADDING = re.compile(r"padding-(left|right):\s*([\d.]+)")
_ALIGNED = re.compile(r"text-align:\s*(\w+)")
_COMMANDS = {1: "L", 2: "Q", 3: "C"}


@cache  # once for all colours and sizes
def typeset(mathml: str) -> tuple[Outline, ...]:
    """Each glyph and each bar; the formula's line of letters stands at height 0, and heights grow downwards."""
    math = ElementTree.fromstring(mathml)
    _prepare(math)
    with _one_at_a_time:
        return tuple(outline for outline in _outlines(Math(math, size=EM).node, 0j) if outline)


def _outlines(node: Drawable, place: complex) -> Iterator[Outline]:
    if isinstance(node, Glyph) and not node.phantom:
        scale = node.size / node.glyph.font.info.layout.unitsperem
        if isinstance(node.glyph, AssembledGlyph):  # a long brace or a tall bracket
            for part, offset in zip(node.glyph.glyphs, node.glyph.offsets, strict=True):
                yield _lines(part.operators, place + scale * offset * (-1j if node.glyph.vert else 1), scale)
        else:
            yield _lines(node.glyph.operators, place, scale)
    elif isinstance(node, HLine) and not node.phantom:
        width, height = complex(node.length), 1j * node.lw
        corners = [place, place + width, place + width + height, place + height]
        yield [Segment("L" if i else "M", (corner,)) for i, corner in enumerate(corners)] + [Segment("z")]
    else:
        for (x, y), child in zip(getattr(node, "nodexy", ()), node.nodes, strict=False):
            yield from _outlines(child, place + complex(x, y))


def _lines(operators: Sequence[SVGOpType], place: complex, scale: float) -> Outline:
    """A glyph's lines at its place; none for a blank."""
    segments: Outline = []
    for operator in operators:
        points = [place + scale * complex(point.x, -point.y) for point in operator.points()[0]]
        if isinstance(operator, Moveto) and segments:
            segments.append(Segment("z"))
        command = "M" if isinstance(operator, Moveto) else _COMMANDS[len(points)]
        segments.append(Segment(command, tuple(points)))
    return [*segments, Segment("z")] if segments else []


def _prepare(node: Element) -> None:
    """Rewrite what stands in a node so that ziamath sets it as browsers do."""
    for child in node:
        _prepare(child)
    node[:] = [_bare(child) for child in node]
    if node.tag == "mtable":
        _align(node)
    elif node.tag in {"math", "mrow", "mtd", "msqrt"}:
        node[:] = _spaced(_with_ellipses(list(node)))
    elif node.tag == "mi" and len(node.text or "") > 1:
        node.tag = "mtext"  # whose sides are not padded: the MathML has all blanks in it


def _bare(node: Element) -> Element:
    """What stands alone in a row, without the row."""
    if node.tag != "mrow" or node.attrib:
        return node
    inside = [child for child in node if child.tag != "mspace" or child.attrib]
    return inside[0] if len(inside) == 1 else node


def _with_ellipses(row: list[Element]) -> list[Element]:
    """A row with one sign in the place of three dots."""
    kept: list[Element] = []
    for node in row:
        kept.append(node)
        dots = "".join(dot.text or "" for dot in kept[-3:] if dot.tag == "mo")
        if len(kept) >= 3 and dots in _DOTS:
            kept[-3:] = [_element("mi", _DOTS[dots], mathvariant="normal")]
    return kept


def _spaced(row: list[Element]) -> list[Element]:
    """A row with those blanks that ziamath would leave out, and without those that it would add."""
    kept: list[Element] = []
    for i, node in enumerate(row):
        opening = row[i + 1] if i + 1 < len(row) else None
        if node.tag == "mo" and node.text == _APPLIED:
            if "lspace" in node.attrib and not (opening is not None and _is_fenced(opening)):
                kept.append(_element("mspace", width=node.attrib["lspace"]))
            continue
        if _is_fenced(node):
            node[0].attrib.pop("lspace", None)  # ziamath puts a blank before a bracket that grows
        operator = node[0] if node.tag in {"munder", "munderover", "msub", "msubsup"} else node
        if kept and operator.tag == "mo" and operator.text in _BIG and "lspace" not in operator.attrib:
            kept.append(_element("mspace", width="0.1667em"))
        kept.append(node)
    return kept


def _is_fenced(node: Element) -> bool:
    return node.tag == "mrow" and len(node) > 0 and node[0].tag == "mo" and node[0].text in _FENCES


def _align(table: Element) -> None:
    """Say in attributes how the table's style aligns and parts its columns."""
    cells = max((list(row) for row in table), key=len)
    styles = [cell.get("style", "") for cell in cells]
    sides = [{"left": 0.4, "right": 0.4} | {s: float(em) for s, em in _PADDING.findall(style)} for style in styles]
    gaps = [before["right"] + after["left"] for before, after in pairwise(sides)]
    named = [_ALIGNED.search(style) for style in styles]
    aligned = [found[1] if found else "center" for found in named]
    table.attrib |= {"columnalign": " ".join(aligned), "rowspacing": "0.45em"}
    if gaps:
        table.set("columnspacing", " ".join(f"{gap:g}em" for gap in gaps))


def _element(tag: str, text: str | None = None, **attributes: str) -> Element:
    element = Element(tag, attributes)
    element.text = text
    return element
