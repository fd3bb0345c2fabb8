"""What must hold of a figure on a slide, each as a function that lists the faults; and who sees which colours."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import NDArray

from report.figures import style
from report.figures.theme import THEMES, Theme

MAP_COLOURS = {"#ffffff", "#111111"}  # of marks on a map's fields: each shows where the other does not
KNOWN = {to_hex(colour) for theme in THEMES.values() for colour in theme.colours.values()}
NONE = {"None", "none", "", " ", None}


def legends(figure: Figure) -> list[Legend]:
    """The legends of a figure and of its axes."""
    return [*figure.legends, *(legend for axes in figure.axes if (legend := axes.get_legend()))]


def shown_texts(figure: Figure) -> list[Text]:
    """Every text that a reader sees: labels of ticks outside the axes' limits exist, but are not drawn."""
    texts: list[Text] = [*figure.texts]
    for legend in legends(figure):
        texts += legend.get_texts()
    for axes in figure.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += [child for child in axes.get_children() if isinstance(child, Text)]  # titles at all places
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [
                tick.label1 for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high and tick.label1.get_visible()
            ]  # fmt: skip
    return [text for text in dict.fromkeys(texts) if text.get_visible() and text.get_text()]


def faults_of_text(figure: Figure) -> list[str]:
    """Texts that leave the canvas, and pairs of texts that overlap by more than half a pixel."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    with style.as_drawn(figure):  # hinting changes widths
        figure.draw_without_rendering()  # places a colour bar
        for legend in legends(figure):
            legend.draw(renderer)  # places its texts
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in shown_texts(figure)]
    canvas = figure.bbox
    outside = [
        f"outside: {text}" for text, box in boxes if min(box.x0, box.y0, canvas.x1 - box.x1, canvas.y1 - box.y1) < -0.5
    ]
    overlapping = [
        f"{one} | {other}"
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
    ]
    return outside + overlapping


def small_texts(figure: Figure, least: float = 18) -> list[str]:
    """Texts of fewer points."""
    return [
        f"{text.get_fontsize():.1f}: {text.get_text()}"
        for text in shown_texts(figure)
        if text.get_fontsize() < least - 1e-6
    ]


def thin_lines(figure: Figure, thinnest: float = 2.5) -> list[str]:
    """Lines of fewer points: of data and laws, edges of marks, spines, ticks, grids, gaps, arrows and outlines."""
    with style.as_drawn(figure):
        widths = [(artist, width) for artist in figure.findobj() for width in _widths(artist)]
    return [f"{width:.2f}: {artist}" for artist, width in widths if 0 < width < thinnest - 1e-6]


def _widths(artist: Artist) -> Iterator[float]:
    if isinstance(artist, Line2D):
        if artist.get_linestyle() not in NONE:
            yield float(artist.get_linewidth())
        if artist.get_marker() not in NONE:
            yield float(artist.get_markeredgewidth())
    elif isinstance(artist, Patch):
        if to_rgba(artist.get_edgecolor())[3] > 0:
            yield float(artist.get_linewidth())
    elif isinstance(artist, Collection) and len(artist.get_edgecolor()):  # type: ignore[arg-type]
        yield from np.atleast_1d(np.asarray(artist.get_linewidth(), dtype=float)).tolist()


def faint_texts(figure: Figure, theme: Theme, least: float = 4.5) -> list[str]:
    """Texts with less contrast to what is behind them: fields, bands, cells and bars, drawn without lines and marks."""
    faults = []
    with style.as_drawn(figure, theme):
        behind = _fields(figure, theme)
        for text in shown_texts(figure):
            box = text.get_window_extent()
            rows = slice(max(0, int(behind.shape[0] - box.y1)), max(1, int(behind.shape[0] - box.y0)))
            seen = behind[rows, max(0, int(box.x0)) : max(1, int(box.x1))].reshape(-1, 3)
            colours, amounts = np.unique(seen[::7] // 8 * 8 + 4, axis=0, return_counts=True)
            for colour in colours[amounts > 0.1 * amounts.sum()]:
                place = np.abs(seen.astype(int) - colour).sum(axis=1).argmin()
                field = to_hex(tuple(seen[place] / 255))
                if (ratio := style.contrast(to_hex(text.get_color()), field)) < least:
                    faults.append(f"{ratio:.2f} on {field}: {text.get_text()}")
    return faults


def _is_filled(artist: Artist) -> bool:
    if isinstance(artist, Patch):
        return to_rgba(artist.get_facecolor())[3] > 0
    return isinstance(artist, Collection) and not isinstance(artist, LineCollection)


def _fields(figure: Figure, theme: Theme) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) of a figure in the active theme with its filled shapes alone."""
    width, height = (int(length) for length in figure.bbox.size)
    if not figure.findobj(_is_filled):
        return np.full((height, width, 3), 255 * np.array(to_rgb(theme.background)) + 0.5, dtype=np.uint8)
    hidden = figure.findobj(lambda artist: isinstance(artist, Text | Line2D | LineCollection | Legend))
    visible = [artist.get_visible() for artist in hidden]
    face = figure.get_facecolor()
    canvas = FigureCanvasAgg(figure)
    try:
        for artist in hidden:
            artist.set_visible(False)
        figure.set_facecolor(theme.background)
        canvas.draw()
    finally:
        figure.set_facecolor(face)
        for artist, was in zip(hidden, visible, strict=True):
            artist.set_visible(was)
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def faint_marks(figure: Figure, theme: Theme, least: float = 3.0) -> list[str]:
    """Lines, edges of marks and intervals with less contrast to the background, or of colours without a name.

    Exempt are grid lines, and, since only lines are judged here, bands and tints, which repeat what a line or a number
    says; gaps between cells are in the background's own colour. Marks on maps are in two colours of their own.
    """
    faults = []
    with style.as_drawn(figure, theme):
        for artist in figure.findobj(lambda artist: isinstance(artist, Patch | PathCollection | PolyCollection)):
            face = artist._original_facecolor  # type: ignore[attr-defined]
            if not _is_named(face) and {to_hex(one) for one in np.atleast_2d(artist.get_facecolor())} & KNOWN:
                faults.append(f"no name of a colour, {face!r}: {artist}")
        for axes in figure.axes:
            for artist, colour in _data_colours(axes):
                name = colour if isinstance(colour, str) else colour[0]
                if isinstance(name, str) and name in MAP_COLOURS:
                    continue
                if not (isinstance(name, str) and name.startswith("report:")):
                    faults.append(f"no colour of the theme, {colour!r}: {artist}")
                elif (
                    name != style.BACKGROUND
                    and (ratio := style.contrast(_seen(colour, theme), theme.background)) < least
                ):
                    faults.append(f"{ratio:.2f}, {colour!r}: {artist}")
    return faults


def _is_named(colour: Any) -> bool:
    """Whether a colour, or each one of a list, was given by a name, alone or with an opacity."""
    if isinstance(colour, list):
        return all(map(_is_named, colour))
    return isinstance(colour, str) or (isinstance(colour, tuple) and isinstance(colour[0], str))


def _seen(colour: Any, theme: Theme) -> str:
    """A colour as it looks on the background."""
    *rgb, alpha = to_rgba(colour)
    mixed = alpha * np.array(rgb) + (1 - alpha) * np.array(to_rgb(theme.background))
    return to_hex(tuple(mixed))


def _data_colours(axes: Axes) -> Iterator[tuple[Artist, Any]]:
    """The artists of data in the axes with the colours of their lines, as they were given; grid lines are none."""
    for line in axes.lines:
        if line.get_linestyle() not in NONE and line.get_color() != style.GRID:
            yield line, line.get_color()
        if line.get_marker() not in NONE and line.get_markeredgewidth() > 0:
            yield line, line.get_markeredgecolor()
        elif line.get_marker() not in NONE:
            yield line, line.get_markerfacecolor()
    for collection in axes.collections:
        if isinstance(collection, LineCollection | PathCollection) and np.max(collection.get_linewidth()) > 0:
            edge = collection._original_edgecolor  # type: ignore[union-attr]
            for colour in edge if isinstance(edge, list) else [edge]:
                yield collection, colour
    for patch in axes.patches:
        if patch.get_linewidth() > 0 and to_rgba(patch.get_edgecolor())[3] > 0:
            yield patch, patch._original_edgecolor  # type: ignore[attr-defined]


# Machado, Oliveira and Fernandes (2009), table 1, severity 1, on linear RGB.
SIMULATIONS = {
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> NDArray[np.float64]:
    """Linear RGB, (3,)."""
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* under D65, of linear RGB."""
    t = _XYZ @ np.clip(rgb, 0, 1) / _XYZ.sum(axis=1)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, simulation: str | None = None) -> float:
    """ΔE*ab (1976) of two colours as somebody sees them; 2.3 can just be told apart side by side."""
    seen = SIMULATIONS[simulation] if simulation else np.eye(3)
    return float(np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(other))))
