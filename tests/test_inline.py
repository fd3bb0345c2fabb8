"""Figures inside the page against their files: letters and marks where they were put, lines that look as they did."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from report.figures import FIGURES
from report.figures.export import files, page_svg
from report.figures.glyphs import share_glyphs
from report.figures.style import styled
from test_paths import read

ALLOWED = 0.065  # of the page's unit: a letter's place is rounded to a tenth, its word's and its outline to a hundredth


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    """The page."""
    return (report / "report" / "index.html").read_text(encoding="utf-8")


def shapes(svg: str, sheet: str = "<g/>") -> np.ndarray:
    """Left, top, right and bottom of all that is drawn by reference, but ticks, in the order of writing: (n, 4)."""
    roots = [ElementTree.fromstring(text) for text in (svg, sheet)]
    for node in (node for root in roots for node in root.iter()):
        node.tag = node.tag.rpartition("}")[2]
    named = {node.attrib["id"]: node for root in roots for node in root.iter() if "id" in node.attrib}
    boxes = np.array(list(_shapes(roots[0], np.eye(3), named)))
    return boxes[(boxes[:, 0] < boxes[:, 2] - 0.02) & (boxes[:, 1] < boxes[:, 3] - 0.02)]


def _shapes(node: Element, base: np.ndarray, named: dict[str, Element], is_used: bool = False) -> Iterator[list[float]]:
    base = base @ _matrix(node)
    if node.tag == "use":
        target = next(value for key, value in node.items() if key.endswith("href"))
        yield from _shapes(named[target[1:]], base, named, is_used=True)
    elif node.tag == "path" and is_used and node.get("d"):
        places = _places(node.attrib["d"])
        x, y, _ = base @ np.array([places.real, places.imag, np.ones(len(places))])
        yield [x.min(), y.min(), x.max(), y.max()]
    elif node.tag in {"svg", "g"}:
        for child in node:
            yield from _shapes(child, base, named, is_used)


def _matrix(node: Element) -> np.ndarray:
    """Of a node's transformations, and of its place where it refers to something."""
    matrix = np.eye(3)
    for kind, text in re.findall(r"(\w+)\(([^)]*)\)", node.get("transform", "")):
        numbers = [float(number) for number in text.split()]
        c, s = np.cos(np.radians(numbers[0])), np.sin(np.radians(numbers[0]))
        matrix = (
            matrix
            @ {
                "translate": np.array([[1, 0, numbers[0]], [0, 1, numbers[-1]], [0, 0, 1]]),
                "scale": np.diag([numbers[0], numbers[-1], 1]),
                "rotate": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
            }[kind]
        )
    if node.tag == "use":
        matrix = matrix @ np.array([[1, 0, float(node.get("x", 0))], [0, 1, float(node.get("y", 0))], [0, 0, 1]])
    return matrix


def _places(data: str) -> np.ndarray:
    """Of path data with absolute places, as matplotlib writes them, or with steps."""
    if "m" in data:
        return np.array([place for line in read(data) for _, places in line for place in places])
    numbers = np.array(re.findall(r"-?[\d.]+", data), dtype=float)
    return numbers[::2] + 1j * numbers[1::2]


@pytest.mark.parametrize("name", [spec.name for spec in FIGURES])
def test_letters_and_marks_stand_where_they_stood(report: Path, html: str, name: str) -> None:
    """Each of them, at its size, within what rounding takes; half as much would be too little."""
    expected = shapes((report / "report" / "figures" / f"{name}.svg").read_text(encoding="utf-8"))
    assert len(expected) > 10
    (drawing,) = re.findall(rf'<figure id="figure-{name}".*?(<svg .*?</svg>)', html, flags=re.DOTALL)
    (sheet,) = re.findall(r'<svg class="marks" aria-hidden="true">(<defs>.*?</defs>)</svg>', html)
    assert ALLOWED / 2 < np.abs(shapes(drawing, sheet) - expected).max() <= ALLOWED


@styled
def words() -> Figure:
    """Text upright and turned, in two sizes, with a root, and the same word twice."""
    figure = Figure(figsize=(7, 2))
    figure.text(0.1, 0.7, "raw and scaled raw", color="#B34E00")
    figure.text(0.6, 0.3, "raw", fontsize=15)
    figure.text(0.1, 0.1, "raw keys", rotation=90)
    figure.text(0.4, 0.5, "$\\sqrt{d_k}$")
    return figure


def test_text_is_set_in_words() -> None:
    """Spaces part them; the same word is written the same way, turned or not; another size is another word."""
    svg = page_svg(files(words()).svg, "f")
    found = re.findall(r'<g transform="([^"]*)">((?:<use [^>]*/>)+)</g>', svg)
    lengths = [len(re.findall("<use", letters)) for _, letters in found]
    assert lengths[:6] == [3, 3, 6, 3, 3, 3]  # raw and scaled raw, raw, raw of the two turned words
    letters = [letters for _, letters in found]
    assert letters[0] == letters[3] == letters[5] != letters[4]
    assert svg.count("rotate(-90)") == 1
    assert 'fill="var(--raw-text, #B34E00)"' in svg
    shared, sheet = share_glyphs({"f": Markup(svg)})
    (name,) = re.findall(r'<g id="(w\d+)">', sheet)
    assert shared["f"].count(f'href="#{name}"') == 3
    assert "scale" not in shared["f"] + sheet


def test_the_bar_of_a_root_is_where_it_was() -> None:
    """It is no letter, but a path of its own in the line's units."""
    file = files(words()).svg
    lines = [node for node in ElementTree.fromstring(file).iter() if "scale" in node.get("transform", "")]
    ((line, bar),) = [(line, child) for line in lines for child in line if child.tag.endswith("}path")]
    places = _places(bar.attrib["d"])
    x, y, _ = _matrix(line) @ np.array([places.real, places.imag, np.ones(len(places))])
    (shown,) = re.findall(r'<path d="([^"]*)"', page_svg(file, "f").split("</defs>")[1])
    assert np.abs(_places(shown) - (x + 1j * y)[: len(_places(shown))]).max() <= 0.01


RECTANGLE = '<defs><clipPath id="p1"><rect x="10" y="10" width="100" height="50"/></clipPath></defs>'


def page_of(body: str) -> str:
    """What the page shows of such a body of a figure."""
    space = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    svg = f'<svg {space} viewBox="0 0 504 100"><g id="figure_1"><g id="patch_1"/>{body}{RECTANGLE}</g></svg>'
    return re.sub(r"^<svg[^>]*>|</svg>$", "", page_svg(svg.encode(), "f"))


def line(data: str, style: str = "stroke: #1b1b1f", more: str = "") -> str:
    """A line as matplotlib writes it."""
    return f'<g id="line2d_1"><path d="{data}" {more} style="fill: none; {style}"/></g>'


def test_ticks_are_lines() -> None:
    """Ticks of one look are one path, before the text between them; a mark with a face stays a mark."""
    tick = '<use xlink:href="#m1" x="{}" y="5" style="stroke: #1b1b1f; stroke-width: 0.7"/>'
    glyph = '<defs><path id="A" d="M 0 0 L 640 0 L 0 640 z" transform="scale(0.015625)"/></defs>'
    text = f'<g id="text_1"><g transform="translate(3 4) scale(0.1 -0.1)">{glyph}<use xlink:href="#A"/></g></g>'
    face = '<defs><path id="m2" d="M 0 1 L 1 0 L 0 -1 z"/></defs>'
    made = page_of(
        '<defs><path id="m1" d="M 0 0 L 0 3.5" style="stroke: #1b1b1f"/></defs>'
        f'<g id="matplotlib.axis_1"><g id="xtick_1">{tick.format(10)}{text}</g>'
        f'<g id="xtick_2">{tick.format(20.25)}</g></g>'
        f'{face}<use xlink:href="#m2" x="9" y="9" style="fill: #ff0000"/>'
    )
    assert made == (
        '<defs><path id="f-0" d="m0 0h1l-1-1z"/></defs>'
        '<path stroke="currentColor" stroke-width=".7" d="m10 5v3.5m10.25-3.5v3.5"/><use href="#f-0" x="3" y="4"/>'
        '<defs><path id="f-1" fill="#ff0000" d="m0 1 1-1-1-1z"/></defs><use href="#f-1" x="9" y="9"/>'
    )


@pytest.mark.parametrize(
    ("one", "other", "style", "is_joined"),
    [
        ("M 0 0 L 9 9", "M 0 9 L 9 0", "stroke: #1b1b1f", True),
        ("M 0 0 L 9 9", "M 0 9 L 9 0", "stroke: #1b1b1f; stroke-opacity: 0.5", False),
        ("M 0 0 L 9 9", "M 0 9 L 9 0", "stroke: #1b1b1f; opacity: 0.5", False),
        ("M 0 0 L 9 0", "M 0 9 L 9 9", "stroke: #1b1b1f; stroke-opacity: 0.5", True),
        ("M 0 0 L 9 0", "M 0 1 L 9 1", "stroke: #1b1b1f; stroke-opacity: 0.5", False),
        ("M 0 0 L 9 0 L 5 5", "M 0 1 L 9 1 L 4 7", "stroke: #1b1b1f", True),
        ("M 0 0 L 9 0 L 9 9 z", "M 0 1 L 9 1 L 1 9 z", "fill: #D55E00", False),
        ("M 0 0 L 9 0 L 9 9 z", "M 9 0 L 19 0 L 19 9 z", "fill: #D55E00", False),
        ("M 0 0 L 9 0 L 9 9 z", "M 9.5 0 L 19 0 L 19 9 z", "fill: #D55E00", True),
    ],
    ids=[
        "opaque lines cross", "pale lines cross", "pale as a whole", "pale lines apart", "pale lines touch",
        "an open corner", "faces overlap", "faces touch", "faces apart",
    ],
)  # fmt: skip
def test_lines_are_joined_where_it_does_not_show(one: str, other: str, style: str, is_joined: bool) -> None:
    """What can be seen through, or is filled, is one path only where nothing lies over anything."""
    made = page_of(line(one, style) + line(other, style))
    assert made.count("<path") == (1 if is_joined else 2)
    assert made.count("m") == 2
    assert page_of(line(one, style) + line(other, "stroke: #0072b2")).count("<path") == 2  # of another look


@pytest.mark.parametrize(
    ("data", "style", "is_clipped"),
    [
        ("M 20 20 L 90 50", "stroke-width: 2", False),
        ("M 20 20 L 120 50", "stroke-width: 2", True),
        ("M 20 20 L 90 59.5", "stroke-width: 2", True),  # its lower half would be seen
        ("M 20 20 L 107 40", "stroke-width: 2; stroke-linejoin: miter", True),
        ("M 20 20 Q 200 30 20 40", "stroke-width: 2", True),
    ],
)
def test_clips_that_cut_nothing_are_dropped(data: str, style: str, is_clipped: bool) -> None:
    """One goes where all of a line, its width included, lies within; its rectangle goes with the last of them."""
    made = page_of(line(data, f"stroke: #1b1b1f; {style}", 'clip-path="url(#p1)"'))
    assert ("clip-path=" in made, "<clipPath" in made) == (is_clipped, is_clipped)


@pytest.mark.parametrize(("x", "is_clipped"), [(50, False), (108.5, True)])
def test_groups_of_marks_are_clipped_where_one_is_cut(x: float, is_clipped: bool) -> None:
    """One that reaches over the edge keeps the clip for all."""
    mark = '<defs><path id="m2" d="M -1 1 L 1 1 L 1 -1 L -1 -1 z"/></defs>'
    uses = "".join(f'<use xlink:href="#m2" x="{at}" y="30" style="stroke: #1b1b1f"/>' for at in (50, x))
    made = page_of(f'{mark}<g clip-path="url(#p1)">{uses}</g>')
    assert ("clip-path=" in made) == is_clipped
    assert made.count("<use") == 2
