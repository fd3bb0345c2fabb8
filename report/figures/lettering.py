"""Text in a figure's SVG as words of letters, each letter a path in units of the page.

matplotlib writes glyphs in units of their font, under a transformation for the line and for each that is smaller or
raised. In units of the page most need none, and a word that is written twice is the same twice.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from xml.etree.ElementTree import Element

from report.figures.paths import Outlines, moved, read_path, short_number, short_path

FONT = 1 / 64  # of a line's unit to that of its glyphs
_TRANSFORMATION = re.compile(r"(\w+)\(([^)]*)\)")
Letters = dict[tuple[str, float], Element]  # by the glyph's outline and its size
Word = list[tuple[str, complex]]  # letters: an id, and a place in the line


def set_text(source: Element, outlines: Outlines) -> None:
    """Put words in the place of all lines of glyphs, and their letters at the front, each once."""
    glyphs = {f"#{node.get('id')}": node.get("d", "") for node in source.iter("path") if is_glyph(node)}
    letters: Letters = {}
    for line in list(source.iter("g")):
        if "scale" in _transformations(line):
            _set_line(line, outlines, glyphs, letters)
    definitions = Element("defs")
    definitions.extend(letters.values())
    source.insert(0, definitions)


def is_glyph(path: Element) -> bool:
    """Whether a path is in units of its font, which nothing else is."""
    return "scale" in _transformations(path)


def _set_line(line: Element, outlines: Outlines, glyphs: Mapping[str, str], letters: Letters) -> None:
    """Put words in the place of a line's glyphs."""
    changes = _transformations(line)
    scale, start = changes["scale"][0], complex(*changes.get("translate", (0, 0)))
    del line.attrib["transform"]
    if "rotate" in changes:
        line.set("transform", f"translate({_pair(start)}) rotate({changes['rotate'][0]:g})")
        start = 0j
    words: list[Word] = [[]]
    for node in line.iter("use"):
        change = _transformations(node)
        glyph, size = glyphs[node.attrib["href"]], scale * FONT * change.get("scale", [1])[0]
        if not glyph:
            words.append([])  # a space
            continue
        if (glyph, size) not in letters:
            letters[glyph, size] = Element("path", id=f"letter-{len(letters)}", d=_outline(glyph, size))
        place = start + scale * complex(*change.get("translate", (0, 0))).conjugate()
        words[-1].append((letters[glyph, size].attrib["id"], place))
    bars = [node for node in line if node.tag == "path"]  # of roots and fractions
    for bar in bars:
        outlines[bar] = moved(outlines[bar], start, scale, is_flipped=True)
    line[:] = [*map(_word, filter(None, words)), *bars]


@lru_cache(maxsize=1024)  # figures of a process share most of their letters
def _outline(glyph: str, size: float) -> str:
    return short_path(moved(read_path(glyph), 0, size, is_flipped=True))


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
