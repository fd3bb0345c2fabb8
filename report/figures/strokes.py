"""The lines of a figure's SVG in fewer elements, with less said about each: nothing drawn moves, shows or hides."""

from collections.abc import Iterator, Sequence
from itertools import product
from xml.etree.ElementTree import Element

from report.figures.paths import Outlines, Segment, boxes, grown, moved

_FACE = {"fill", "fill-opacity"}
_SEEN_THROUGH = {"stroke-opacity", "opacity"}


def draw_ticks(source: Element, outlines: Outlines) -> None:
    """Turn marks that are one straight line into lines, in place."""
    marks = _marks(outlines)
    for node in list(source.iter("use")):
        if _is_straight(marks.get(node.attrib["href"], [])):
            outlines[node] = _outline(node, outlines, marks)
            node.tag = "path"
            for key in {"href", "x", "y"} & node.attrib.keys():
                del node.attrib[key]


def drop_faces(outlines: Outlines) -> None:
    """Take the fill off straight lines, which enclose nothing that would show it."""
    for node, outline in outlines.items():
        if _is_straight(outline):
            for key in _FACE & node.attrib.keys():
                del node.attrib[key]


def _is_straight(outline: Sequence[Segment]) -> bool:
    commands = [segment.command for segment in outline]
    return bool(commands) and commands == ["M", "L"] * (len(commands) // 2)


def drop_clips(source: Element, outlines: Outlines) -> None:
    """Take off clip paths that cut nothing off: rectangles that hold all they could clip."""
    marks = _marks(outlines)
    rectangles = {
        f"url(#{node.get('id')})": node[0].attrib
        for node in source.iter("clipPath")
        if [child.tag for child in node] == ["rect"]
    }
    for node in source.iter():
        rectangle = rectangles.get(node.get("clip-path", ""))
        if rectangle is None or any("transform" in part.attrib for part in node.iter()):
            continue
        x, y, width, height = (float(rectangle.get(key, 0)) for key in ("x", "y", "width", "height"))
        shown = [part for part in node.iter() if part.tag in {"path", "use"}]
        seen = [grown(box, _reach(part)) for part in shown for box in boxes(_outline(part, outlines, marks))]
        if all(x <= box[0] and y <= box[1] and box[2] <= x + width and box[3] <= y + height for box in seen):
            del node.attrib["clip-path"]


def sort_axes(source: Element) -> None:
    """In each axis put lines that look alike beside each other, and its text after them: no two of these overlap."""
    for axis in source.iter("g"):
        if axis.get("id", "").startswith("matplotlib.axis"):
            leaves = list(_leaves(axis))
            lines = sorted((node for node in leaves if node.tag == "path"), key=lambda line: sorted(line.items()))
            axis[:] = [*lines, *(node for node in leaves if node.tag != "path")]


def _leaves(group: Element) -> Iterator[Element]:
    for node in group:
        if node.tag == "g" and node.attrib.keys() <= {"id"}:
            yield from _leaves(node)
        else:
            yield node


def joined(nodes: Sequence[Element], outlines: Outlines) -> list[Element]:
    """Nodes with neighbours of one look made one path, where that looks the same."""
    kept: list[Element] = []
    for node in nodes:
        if kept and _are_alike(kept[-1], node) and (_is_line(node, outlines) or _are_apart(kept[-1], node, outlines)):
            outlines[kept[-1]] = [*outlines[kept[-1]], *outlines[node]]
        else:
            kept.append(node)
    return kept


def _are_alike(one: Element, other: Element) -> bool:
    return one.tag == other.tag == "path" and one.attrib == other.attrib and "id" not in one.attrib


def _is_line(node: Element, outlines: Outlines) -> bool:
    """Whether a path is an opaque line, which may lie over another of its kind and show nothing of it."""
    is_open = node.get("fill") == "none" or _is_straight(outlines[node])
    return is_open and not _SEEN_THROUGH & node.attrib.keys()


def _are_apart(one: Element, other: Element, outlines: Outlines) -> bool:
    a, b = ([grown(box, _reach(node)) for box in boxes(outlines[node])] for node in (one, other))
    return all(
        left[2] < right[0] or right[2] < left[0] or left[3] < right[1] or right[3] < left[1]
        for left, right in product(a, b)
    )


def _reach(node: Element) -> float:
    """How far a line reaches beyond its outline, at most: half its width, more at square ends and mitres."""
    if "stroke" not in node.attrib:
        return 0
    return float(node.get("stroke-width", 1)) * (2 if node.get("stroke-linejoin") == "miter" else 0.75)


def _marks(outlines: Outlines) -> dict[str, list[Segment]]:
    """Outlines that are used elsewhere, by how they are referred to."""
    return {f"#{node.attrib['id']}": outline for node, outline in outlines.items() if "id" in node.attrib}


def _outline(node: Element, outlines: Outlines, marks: dict[str, list[Segment]]) -> list[Segment]:
    """Of a path, or of a mark where it is used."""
    if node.tag == "path":
        return outlines[node]
    return moved(marks[node.attrib["href"]], complex(float(node.get("x", 0)), float(node.get("y", 0))))
