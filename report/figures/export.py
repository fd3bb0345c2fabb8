"""Figures as bytes: SVG inside the page, which follows its theme, and SVG and PNG files on white."""

import re
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.figure import Figure

from report.figures.style import BACKGROUND, INK, PAGE, RAW, RAW_TEXT, SCALED, medium

_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}
_THEME = {  # what the page's CSS decides, or may
    INK: "currentColor",
    BACKGROUND: "var(--page, #fff)",
    **{
        colour.lower(): f"var(--{name}, {colour})"
        for name, colour in (("raw", RAW), ("raw-text", RAW_TEXT), ("scaled", SCALED))
    },
}
FAST = {"compress_level": 3}  # a third of the time for a tenth more bytes
COLUMN = 42  # rem: the page's column of text, --measure in theme.css
_DECIMAL = re.compile(r"-?\d+\.\d+")
_NUMBERS = {"d", "x", "y", "width", "height", "fill-opacity", "stroke-opacity", "stroke-width", "opacity"}
_STYLE = {"fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linejoin", "stroke-linecap"}


@dataclass(frozen=True)
class Files:
    """A figure as files on white: an SVG with text as outlines, and a PNG."""

    svg: bytes
    png: bytes


def files(figure: Figure) -> Files:
    """Both files; the same bytes for the same figure."""
    return Files(
        _saved(figure, "svg", metadata=_NOTHING), _saved(figure, "png", metadata={"Software": None}, pil_kwargs=FAST)
    )


def labelled(page: str, alt: str) -> Markup:
    """The SVG for the page with its text alternative."""
    return Markup(page.replace(' role="img"', f' role="img" aria-label="{escape(alt)}"', 1))


def page_svg(svg: bytes, name: str) -> str:
    """An SVG file of a figure, made fit for the page, whose theme it follows: ink is the text's colour.

    `name` prefixes its ids; its text alternative is still missing.
    Styles become attributes, so that a content security policy may forbid inline styles; CSS gives the size, but for a
    figure narrower than the page's column, whose text shall be no larger than that of the others.
    """
    source = ElementTree.fromstring(svg)
    canvas = source.find("./{*}g[@id='figure_1']")
    assert canvas is not None
    canvas.remove(canvas[0])  # the white background, which is the figure's first patch
    _tidy(source, name)
    root = Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": source.get("viewBox", ""), "role": "img",
        "fill": "currentColor", "stroke-linejoin": "round", "stroke-linecap": "butt",
    })  # fmt: skip
    width = float(source.get("viewBox", "").split()[2])
    if width < 72 * PAGE.width - 1:
        root.set("width", f"{COLUMN * width / (72 * PAGE.width):.4g}rem")
    root.extend(_kept(source))
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _saved(figure: Figure, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    with rc_context(medium().settings()):
        figure.savefig(buffer, format=kind, facecolor="white", **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _tidy(source: Element, name: str) -> None:
    """Prefixed ids, rounded numbers, the theme's colours; a mark states its style once, where it is defined."""
    marks: dict[str, list[Element]] = {}
    for node in source.iter():
        node.tag = node.tag.rpartition("}")[2]
        node.text = node.tail = None
        attributes = _attributes(node)
        node.attrib.clear()
        node.attrib.update(attributes)
        marks.setdefault(attributes.get("href", attributes.get("clip-path", "")).strip("url(#)"), []).append(node)
    targets = {node.get("id"): node for node in source.iter() if node.get("id") in marks}
    for node in source.iter():
        if node.get("id") not in targets:
            node.attrib.pop("id", None)
    for number, (old, target) in enumerate(targets.items()):
        new = target.attrib["id"] = f"{name}-{number}"
        for node in marks[str(old)]:
            node.attrib |= {"href": f"#{new}"} if "href" in node.attrib else {"clip-path": f"url(#{new})"}
        styles = [{key: node.attrib[key] for key in node.attrib.keys() & _STYLE} for node in marks[str(old)]]
        if target.tag == "path" and all(style == styles[0] for style in styles):
            target.attrib |= dict(sorted(styles[0].items()))
            for node in marks[str(old)]:
                for key in styles[0]:
                    del node.attrib[key]


def _attributes(node: Element) -> dict[str, str]:
    """A node's attributes, its style among them."""
    given = {key.rpartition("}")[2]: value for key, value in node.items()}
    for declaration in filter(str.strip, given.pop("style", "").split(";")):
        key, value = (part.strip() for part in declaration.split(":", 1))
        given[key] = _THEME.get(value, value)
    if given.get("fill") == "currentColor":
        del given["fill"]  # the root says it
    for key in given.keys() & _NUMBERS:
        given[key] = _rounded(given[key])
    if "transform" in given:  # a scale keeps its digits; a glyph's unit is a hundredth of the text's size
        digits = 0 if node.tag == "use" else 2
        given["transform"] = re.sub(r"translate\(.*?\)", lambda match: _rounded(match[0], digits), given["transform"])
        if shift := re.fullmatch(r"translate\((\S+) 0\)", given["transform"]):
            given["x"] = shift[1]  # the same place, said shorter
            del given["transform"]
    if "d" in given:
        given["d"] = re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(given["d"].split()))
    return given


def _rounded(text: str, digits: int = 2) -> str:
    """Every decimal number in `text` with so many decimals at most."""
    return _DECIMAL.sub(lambda match: f"{round(float(match[0]), digits) + 0.0:.8g}", text)


def _kept(parent: Element) -> list[Element]:
    """The children of a node that the page needs, without groups that say nothing."""
    kept: list[Element] = []
    for node in parent:
        children = _kept(node)
        node[:] = children
        is_empty = node.tag in {"g", "defs"} and not children
        is_invisible = node.tag == "path" and node.get("fill") == "none" and not {"stroke", "id"} & node.attrib.keys()
        if node.tag in {"metadata", "style"} or is_empty or is_invisible:
            continue
        if node.tag == "g" and not node.attrib:
            _share(node)
        kept.extend(children if node.tag == "g" and not node.attrib else [node])
    return kept


def _share(group: Element) -> None:
    """Let a group of paths state once what all of them state."""
    if len(group) > 1 and all(path.tag == "path" for path in group):
        for key in sorted(_STYLE | {"clip-path"}):
            values = {path.get(key) for path in group}
            if len(values) == 1 and None not in values:
                group.set(key, group[0].attrib[key])
                for path in group:
                    del path.attrib[key]
