"""A display formula as a picture, from the MathML that the page shows: letters are outlines of STIX Two Math."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from math import ceil, floor
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from PIL import Image

from report.figures.export import FAST
from report.figures.paths import boxes, moved, short_path
from report.formulas import to_mathml
from report.slides.typeset import EM, Outline, typeset

PIXELS = 5  # of the PNG for a point: 360 to the inch
_MARGIN = 0.04  # of the size of the letters, around the ink
_CODES = {"M": Path.MOVETO, "L": Path.LINETO, "Q": Path.CURVE3, "C": Path.CURVE4, "z": Path.CLOSEPOLY}


@dataclass(frozen=True)
class FormulaPicture:
    """The same formula as SVG and as PNG, both on nothing; width and height are those of both, in inches."""

    svg: bytes
    png: bytes
    width: float
    height: float
    baseline: float  # from the top to the line that the letters stand on


@cache
def formula_picture(latex: str, ink: str, size: float) -> FormulaPicture:
    """Draw a formula in the colour `ink`, with letters of `size` points; the same bytes wherever it is drawn.

    Raises
    ------
    ValueError
        When the formula does not parse (see `to_mathml`), or shows nothing.
    """
    outlines = [moved(outline, 0j, size / EM) for outline in typeset(to_mathml(latex, display=True))]
    if not outlines:
        raise ValueError(f"formula {latex!r}: it shows nothing")
    margin = _MARGIN * size
    ink_boxes = [box for outline in outlines for box in boxes(outline)]
    left, top = (floor(PIXELS * (min(box[i] for box in ink_boxes) - margin)) for i in (0, 1))
    right, bottom = (ceil(PIXELS * (max(box[i] for box in ink_boxes) + margin)) for i in (2, 3))
    corner, width, height = complex(left, top) / PIXELS, (right - left) / PIXELS, (bottom - top) / PIXELS
    placed = [moved(outline, -corner) for outline in outlines]
    return FormulaPicture(
        svg=_svg(placed, ink, width, height),
        png=_png(placed, ink, right - left, bottom - top),
        width=width / 72,
        height=height / 72,
        baseline=-corner.imag / 72,
    )


def _svg(outlines: list[Outline], ink: str, width: float, height: float) -> bytes:
    root = Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "width": f"{width:.6g}pt", "height": f"{height:.6g}pt",
        "viewBox": f"0 0 {width:.6g} {height:.6g}", "fill": ink,
    })  # fmt: skip
    root.extend(Element("path", d=short_path(outline)) for outline in outlines)
    return ElementTree.tostring(root)


def _png(outlines: list[Outline], ink: str, width: int, height: int) -> bytes:
    """One colour throughout, and for each pixel how opaque it is."""
    renderer = RendererAgg(width, height, 72 * PIXELS)
    context = renderer.new_gc()
    context.set_linewidth(0)
    context.set_antialiased(True)
    context.set_snap(False)
    to_pixels = Affine2D().scale(PIXELS, -PIXELS).translate(0, height)
    for outline in outlines:
        renderer.draw_path(context, _path(outline), to_pixels, (0, 0, 0))
    image = Image.fromarray(np.asarray(renderer.buffer_rgba())[..., 3])  # how much of each pixel is ink
    image.putpalette(256 * [round(255 * channel) for channel in to_rgb(ink)])
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=bytes(range(256)), dpi=(72 * PIXELS, 72 * PIXELS), **FAST)
    return buffer.getvalue()


def _path(outline: Outline) -> Path:
    """The outline as matplotlib's path."""
    vertices, codes = [], []
    for segment in outline:
        points = segment.points or (0j,)
        vertices += [(point.real, point.imag) for point in points]
        codes += [_CODES[segment.command]] * len(points)
    return Path(vertices, codes)
