"""Figures as bytes: SVG inside a page, which follows its theme, and files on their theme's solid background."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from markupsafe import Markup, escape
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from report.figures.lettering import is_glyph, set_text
from report.figures.paths import Outlines, read_path, short_number, short_path
from report.figures.strokes import draw_ticks, drop_clips, drop_faces, joined, sort_axes
from report.figures.style import PAGE, as_drawn
from report.figures.theme import LIGHT, THEMES, Theme

_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}
FAST = {"compress_level": 3}  # a third of the time for a tenth more bytes
COLUMN = 42  # rem: the page's column of text, --measure in theme.css
_DECIMAL = re.compile(r"-?\d+\.\d+")
_NUMBERS = {"x", "y", "width", "height", "fill-opacity", "stroke-opacity", "stroke-width", "opacity"}
_STYLE = {"fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linejoin", "stroke-linecap"}


@dataclass(frozen=True)
class Files:
    """A figure as files: an SVG with text as outlines, and a PNG."""

    svg: bytes
    png: bytes


def files(figure: Figure) -> Files:
    """Both files; the same bytes for the same figure."""
    return Files(_svg(figure), _saved(figure, format="png", metadata={"Software": None}, pil_kwargs=FAST))


@dataclass(frozen=True)
class SlideFiles:
    """A figure as the files of a slide: an SVG with text as outlines, a PDF with its fonts inside, and a PNG."""

    svg: bytes
    pdf: bytes
    png: bytes


@dataclass(frozen=True)
class DeckFiles:
    """A figure as a deck needs it: the same SVG and PNG, and SVG for a page, still without words."""

    svg: bytes
    png: bytes
    page: str


def slide_files(figure: Figure, theme: Theme | None = None) -> SlideFiles:
    """A figure's files in a theme, without one in its own; the same bytes for the same figure."""
    return SlideFiles(_svg(figure, theme), _pdf(figure, theme), _pixels(figure, theme))


def themed_files(figure: Figure) -> dict[str, SlideFiles]:
    """A figure's files in every theme, by its name: what `slide_files` gives, in less time."""
    svg, files = _svg(figure, LIGHT), {}
    for name, theme in THEMES.items():
        with as_drawn(figure, theme):  # once for both
            files[name] = SlideFiles(_recoloured(svg, theme), _pdf(figure, theme), _pixels(figure, theme))
    return files


def deck_files(figure: Figure, name: str, theme: Theme | None = None) -> DeckFiles:
    """The same for a deck; `name` prefixes the ids of the page's SVG, whose colours are those of the page."""
    svg = _svg(figure, theme)
    with as_drawn(figure, theme) as setting:
        return DeckFiles(svg, _pixels(figure, theme), page_svg(svg, name, setting.theme))


def labelled(page: str, alt: str) -> Markup:
    """The SVG for the page with its text alternative."""
    return Markup(page.replace(' role="img"', f' role="img" aria-label="{escape(alt)}"', 1))


def page_svg(svg: bytes, name: str, theme: Theme = LIGHT) -> str:
    """An SVG file of a figure, made fit for the page, whose theme it follows: ink is the text's colour.

    `theme` is the one that the file is in; `name` prefixes its ids; its text alternative is still missing.
    Styles become attributes, so that a content security policy may forbid inline styles; CSS gives the size, but for a
    figure narrower than the page's column, whose text shall be no larger than that of the others.
    """
    source = ElementTree.fromstring(svg)
    canvas = source.find("./{*}g[@id='figure_1']")
    assert canvas is not None
    canvas.remove(canvas[0])  # the white background, which is the figure's first patch
    colours = _variables(theme)
    for node in source.iter():
        _plain(node, colours)
    outlines = {node: read_path(node.attrib.pop("d", "")) for node in source.iter("path") if not is_glyph(node)}
    draw_ticks(source, outlines)
    drop_faces(outlines)
    drop_clips(source, outlines)
    sort_axes(source)
    set_text(source, outlines)
    _name(source, name)
    root = Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": source.get("viewBox", ""), "role": "img",
        "fill": "currentColor", "stroke-linejoin": "round", "stroke-linecap": "butt",
    })  # fmt: skip
    width = float(source.get("viewBox", "").split()[2])
    if width < 72 * PAGE.width - 1:
        root.set("width", f"{COLUMN * width / (72 * PAGE.width):.4g}rem")
    root.extend(_kept(source, outlines))
    for node in root.iter("path"):
        if node in outlines:
            node.set("d", short_path(outlines[node]))
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _svg(figure: Figure, theme: Theme | None = None) -> bytes:
    svg = _saved(figure, LIGHT, format="svg", metadata=_NOTHING)
    with as_drawn(figure, theme) as setting:
        return _recoloured(svg, setting.theme)


def _recoloured(svg: bytes, theme: Theme) -> bytes:
    """A file of the light theme in another; the background stands first, and may be a map's white elsewhere."""
    if theme is LIGHT:
        return svg
    values = {LIGHT.colours[name].lower().encode(): theme.colours[name].lower().encode() for name in LIGHT.colours}
    recoloured = re.sub(b"|".join(values), lambda found: values[found[0]], svg)
    return recoloured.replace(LIGHT.background.encode(), theme.background.encode(), 1)


def _pdf(figure: Figure, theme: Theme | None) -> bytes:
    nothing = {"Creator": None, "Producer": None, "CreationDate": None}
    return _saved(figure, theme, format="pdf", metadata=nothing)


def _saved(figure: Figure, theme: Theme | None = None, **options: object) -> bytes:
    buffer = BytesIO()
    with as_drawn(figure, theme) as setting:
        figure.savefig(buffer, facecolor=setting.theme.background, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _pixels(figure: Figure, theme: Theme | None) -> bytes:
    """A PNG without an alpha channel; the canvas that the layout was made on is used again."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with as_drawn(figure, theme) as setting:
        face = figure.get_facecolor()
        figure.set_facecolor(setting.theme.background)
        canvas.draw()
        figure.set_facecolor(face)
    buffer = BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(
        buffer, "png", dpi=(figure.dpi, figure.dpi), **FAST
    )
    return buffer.getvalue()


def _variables(theme: Theme) -> dict[str, str]:
    """What the page's CSS decides, or may, for a theme's colours as they stand in a file."""
    named = {"raw": theme.raw, "raw-text": theme.raw_text, "scaled": theme.scaled, "green": theme.green,
             "green-text": theme.green_text, "pink": theme.pink, "pink-text": theme.pink_text}  # fmt: skip
    return {
        theme.ink: "currentColor",
        theme.face: f"var(--page, {theme.background.replace('#ffffff', '#fff')})",
        **{colour.lower(): f"var(--{name}, {colour})" for name, colour in named.items()},
    }


def _plain(node: Element, colours: Mapping[str, str]) -> None:
    """Without namespaces and blanks, with styles as attributes, rounded numbers and the theme's colours."""
    node.tag = node.tag.rpartition("}")[2]
    node.text = node.tail = None
    attributes = _attributes(node, colours)
    node.attrib.clear()
    node.attrib.update(attributes)


def _name(source: Element, name: str) -> None:
    """Ids that begin with `name`, where they are referred to; a mark states its style once, where it is defined."""
    marks: dict[str, list[Element]] = {}
    for node in source.iter():
        if reference := node.get("href") or node.get("clip-path"):
            marks.setdefault(reference.removeprefix("url(").strip("#)"), []).append(node)
    targets = {node.get("id"): node for node in source.iter() if node.get("id") in marks}
    for node in source.iter():
        if node.get("id") not in targets:
            node.attrib.pop("id", None)
    for number, (old, target) in enumerate(targets.items()):
        new = target.attrib["id"] = f"{name}-{number}"
        for node in marks[str(old)]:
            node.attrib |= {"href": f"#{new}"} if "href" in node.attrib else {"clip-path": f"url(#{new})"}
        if target.tag == "path":
            looks = [{key: node.get(key) for key in _STYLE & node.attrib.keys()} for node in marks[str(old)]]
            for key in sorted(looks[0]):
                if all(look.get(key) == looks[0][key] for look in looks):
                    target.set(key, str(looks[0][key]))
                    for node in marks[str(old)]:
                        del node.attrib[key]


def _attributes(node: Element, colours: Mapping[str, str]) -> dict[str, str]:
    """A node's attributes, its style among them."""
    given = {key.rpartition("}")[2]: value for key, value in node.items()}
    for declaration in filter(str.strip, given.pop("style", "").split(";")):
        key, value = (part.strip() for part in declaration.split(":", 1))
        given[key] = colours.get(value, value)
    if given.get("fill") == "currentColor":
        del given["fill"]  # the root says it
    for key in given.keys() & _NUMBERS:
        given[key] = _rounded(given[key])
    return given


def _rounded(text: str) -> str:
    """Every decimal number in `text` with two decimals at most."""
    return _DECIMAL.sub(lambda match: short_number(float(match[0])), text)


def _kept(parent: Element, outlines: Outlines) -> list[Element]:
    """The children of a node that the page needs, without groups that say nothing."""
    kept: list[Element] = []
    for node in parent:
        children = _kept(node, outlines)
        node[:] = children
        is_empty = node.tag in {"g", "defs"} and not children
        is_invisible = node.tag == "path" and node.get("fill") == "none" and not {"stroke", "id"} & node.attrib.keys()
        is_unused = node.tag in {"metadata", "style"} or (parent.tag == "defs" and "id" not in node.attrib)
        if is_unused or is_empty or is_invisible:
            continue
        if node.tag == "g" and not node.attrib:
            _share(node)
        kept.extend(children if node.tag == "g" and not node.attrib else [node])
    return joined(kept, outlines)


def _share(group: Element) -> None:
    """Let a group of paths state once what all of them state."""
    if len(group) > 1 and all(path.tag == "path" for path in group):
        for key in sorted(_STYLE | {"clip-path"}):
            values = {path.get(key) for path in group}
            if len(values) == 1 and None not in values:
                group.set(key, group[0].attrib[key])
                for path in group:
                    del path.attrib[key]
