"""Text in a figure's SVG as words of letters, each letter a path in units of the page.

matplotlib writes glyphs in units of their font, under a transformation for the line and for each that is smaller or
raised. In units of the page most need none, and a word that is written twice is the same twice.
"""

import re
from xml.etree.ElementTree import Element

from report.figures.paths import Outlines, Segment, moved, short_number, short_path

FONT = 1 / 64  # of a line's unit to that of its glyphs
_TRANSFORMATION = re.compile(r"(\w+)\(([^)]*)\)")
Word = list[tuple[str, complex]]  # letters: an id, and a place in the line


def set_text(source: Element, outlines: Outlines) -> None:
    """Put words in the place of all lines of glyphs, and the outlines of their letters at the front, each once."""
    glyphs = {f"#{node.get('id')}": outline for node, outline in outlines.items() if "id" in node.attrib}
    letters: dict[str, Element] = {}  # by outline
    for line in list(source.iter("g")):
        if "scale" in _transformations(line):
            _set_line(line, outlines, glyphs, letters)
    definitions = Element("defs")
    definitions.extend(letters.values())
    source.insert(0, definitions)


def _set_line(line: Element, outlines: Outlines, glyphs: dict[str, list[Segment]], letters: dict[str, Element]) -> None:
    """Put words in the place of a line's glyphs."""
    changes = _transformations(line)
    scale, start = changes["scale"][0], complex(*changes.get("translate", (0, 0)))
    del line.attrib["transform"]
    if "rotate" in changes:
        line.set("transform", f"translate({_pair(start)}) rotate({changes['rotate'][0]:g})")
        start = 0j
    words: list[Word] = [[]]
    bars = [node for node in line if node.tag == "path"]  # of roots and fractions
    for node in line.iter("use"):
        change = _transformations(node)
        size = scale * FONT * change.get("scale", [1])[0]
        outline = moved(glyphs[node.get("href", "")], 0, size, is_flipped=True)
        if not outline:
            words.append([])  # a space
            continue
        key = short_path(outline)
        if key not in letters:
            letters[key] = Element("path", id=f"letter-{len(letters)}")
            outlines[letters[key]] = outline
        place = start + scale * complex(*change.get("translate", (0, 0))).conjugate()
        words[-1].append((letters[key].attrib["id"], place))
    for bar in bars:
        outlines[bar] = moved(outlines[bar], start, scale, is_flipped=True)
    line[:] = [*map(_word, filter(None, words)), *bars]


def _word(letters: Word) -> Element:
    """A letter at its place, or several in a group that stands where the first of them does."""
    start = letters[0][1]
    if len(letters) == 1:
        return _letter(letters[0][0], start, 2)
    word = Element("g", transform=f"translate({_pair(start)})")
    word.extend(_letter(name, place - start, 1) for name, place in letters)
    return word


def _letter(name: str, place: complex, decimals: int) -> Element:
    places = {"x": short_number(place.real, decimals), "y": short_number(place.imag, decimals)}
    return Element("use", {"href": f"#{name}"} | {axis: place for axis, place in places.items() if place != "0"})


def _pair(place: complex) -> str:
    return f"{short_number(place.real)} {short_number(place.imag)}"


def _transformations(node: Element) -> dict[str, list[float]]:
    """The numbers of each of a node's transformations, by its kind."""
    return {
        kind: [float(number) for number in numbers.split()]
        for kind, numbers in _TRANSFORMATION.findall(node.get("transform", ""))
    }
