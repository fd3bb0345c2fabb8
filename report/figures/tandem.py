"""A figure drawn once for two files: every stroke goes to Agg for the PNG, and scaled to points to the SVG.

Most of the time of drawing goes into finding where everything stands, which is the same for both.
"""

from typing import Any

from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform, TransformedBbox, TransformedPath


class Tandem(RendererBase):
    """Draws with Agg in its pixels, and with the other renderer the same at `scale` times the size.

    Text is measured as Agg draws it. Images and filters are not drawn: no figure has any.
    """

    def __init__(self, agg: RendererAgg, svg: RendererSVG, scale: float) -> None:
        """Take two renderers with nothing drawn yet."""
        super().__init__()
        self.width, self.height = agg.width, agg.height
        self._agg, self._svg, self._scale, self._shrink = agg, svg, scale, Affine2D().scale(scale)

    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None) -> None:
        """A line or an area."""
        self._agg.draw_path(gc, path, transform, rgbFace)
        self._svg.draw_path(self._scaled(gc), path, transform + self._shrink, rgbFace)

    def draw_markers(
        self, gc: GraphicsContextBase, marker: Path, marker_trans: Transform, path: Path, trans: Transform,
        rgbFace: Any = None,
    ) -> None:  # fmt: skip
        """A marker at every point of a path."""
        self._agg.draw_markers(gc, marker, marker_trans, path, trans, rgbFace)
        shrink = self._shrink
        self._svg.draw_markers(self._scaled(gc), marker, marker_trans + shrink, path, trans + shrink, rgbFace)

    def draw_path_collection(
        self, gc: GraphicsContextBase, master_transform: Transform, paths: Any, all_transforms: Any, offsets: Any,
        offset_trans: Transform, facecolors: Any, edgecolors: Any, linewidths: Any, linestyles: Any,
        *others: Any, **options: Any,
    ) -> None:  # fmt: skip
        """Many paths at once."""
        self._agg.draw_path_collection(
            gc, master_transform, paths, all_transforms, offsets, offset_trans, facecolors, edgecolors,
            linewidths, linestyles, *others, **options,
        )  # fmt: skip
        self._svg.draw_path_collection(
            self._scaled(gc), master_transform + self._shrink, paths, all_transforms, offsets,
            offset_trans + self._shrink, facecolors, edgecolors, linewidths, linestyles, *others, **options,
        )  # fmt: skip

    def draw_quad_mesh(
        self, gc: GraphicsContextBase, master_transform: Transform, width: Any, height: Any, coordinates: Any,
        offsets: Any, offset_trans: Any, *others: Any,
    ) -> None:  # fmt: skip
        """A grid of coloured cells."""
        self._agg.draw_quad_mesh(gc, master_transform, width, height, coordinates, offsets, offset_trans, *others)
        self._svg.draw_quad_mesh(
            self._scaled(gc), master_transform + self._shrink, width, height, coordinates, offsets,
            offset_trans + self._shrink, *others,
        )  # fmt: skip

    def draw_text(
        self, gc: GraphicsContextBase, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False,
        mtext: Any = None,
    ) -> None:  # fmt: skip
        """Words on one line; `y` runs down from the top of Agg's canvas, whose height is in whole pixels."""
        self._agg.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        down = self._svg.height - self._scale * (self.height - y)
        self._svg.draw_text(self._scaled(gc), self._scale * x, down, s, prop, angle, ismath, mtext)

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        """In Agg's pixels."""
        return self._agg.get_text_width_height_descent(s, prop, ismath)

    def points_to_pixels(self, points: Any) -> Any:
        """In Agg's pixels."""
        return self._agg.points_to_pixels(points)

    def get_canvas_width_height(self) -> tuple[float, float]:
        """In Agg's pixels."""
        return self.width, self.height

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Groups are of the SVG."""
        self._svg.open_group(s, gid)

    def close_group(self, s: str) -> None:
        """Groups are of the SVG."""
        self._svg.close_group(s)

    def _scaled(self, gc: GraphicsContextBase) -> GraphicsContextBase:
        """What clips is in pixels; the width of lines and their dashes are in points for both."""
        scaled = self._svg.new_gc()
        scaled.copy_properties(gc)
        if (rectangle := gc.get_clip_rectangle()) is not None:
            scaled.set_clip_rectangle(TransformedBbox(rectangle, self._shrink))  # type: ignore[arg-type]  # any box will do
        path: Any  # matplotlib's types call it a TransformedPath, but it is a Path
        path, transform = gc.get_clip_path()
        if path is not None and transform is not None:
            scaled.set_clip_path(TransformedPath(path, transform + self._shrink))
        return scaled
