"""The one place of style: axes and labels of figures; sizes are in `media`, colours in `theme`, more in `marks`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from report.figures.media import (
    BAND,
    DECK,
    GRID,
    PAGE,
    SLIDE,
    WIDE,
    Medium,
    Setting,
    active_setting,
    as_drawn,
    font,
    medium,
    remember,
    setting,
    theme,
    using,
)
from report.figures.theme import (
    BACKGROUND,
    DARK,
    GREEN,
    GREEN_TEXT,
    INK,
    LIGHT,
    PINK,
    PINK_TEXT,
    RAW,
    RAW_TEXT,
    SCALED,
    THEMES,
    Colour,
    Theme,
    faint,
)
from report.wording import power_of_ten

__all__ = (  # what others take from here: media, themes and colours among it
    "BACKGROUND", "BAND", "DARK", "DECK", "GREEN", "GREEN_TEXT", "GRID", "INK", "LIGHT", "PAGE", "PINK", "PINK_TEXT",
    "RAW", "RAW_TEXT", "SCALED", "SLIDE", "THEMES", "WIDE", "Colour", "Medium", "Setting", "Theme", "as_drawn", "faint",
    "font", "medium", "theme", "using",
)  # fmt: skip

END_LABEL = "end-label"
END_GAP, TICK_ROOM = 1.3, 3.5  # text sizes: between two end labels, and for a label of a slide's vertical axis


def strong() -> FontProperties:
    """The font of headings inside a figure."""
    found = font().heading.copy()
    found.set_size(em())
    return found


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` under the medium's settings, with its lines thick enough and its layout settled before they end."""

    @wraps(draw)
    def draw_styled(*frames: pd.DataFrame, **options: Any) -> Figure:
        with rc_context(medium().settings()):
            figure = draw(*frames, **options)
            if medium().thinnest:
                _thicken(figure, medium().thinnest)
            _leave_out_empty(figure)
            engine = figure.get_layout_engine()
            if engine is not None:
                engine.execute(figure)
                figure.set_layout_engine(None)
            for axes in figure.axes:
                _part_end_labels(axes)
            remember(figure)
            return figure

    return draw_styled


def _thicken(figure: Figure, thinnest: float) -> None:
    """No line that is seen is thinner; settings see to those of axes and ticks."""
    for artist in figure.findobj(lambda artist: isinstance(artist, Line2D | Patch | Collection)):
        if isinstance(artist, Line2D):
            artist.set_linewidth(max(artist.get_linewidth(), thinnest))
            if artist.get_markeredgewidth() > 0:
                artist.set_markeredgewidth(max(artist.get_markeredgewidth(), thinnest))
        elif isinstance(artist, Patch):
            if artist.get_linewidth() > 0:
                artist.set_linewidth(max(artist.get_linewidth(), thinnest))
        elif isinstance(artist, Collection):
            widths = np.asarray(artist.get_linewidth())
            artist.set_linewidth(np.where(widths > 0, np.maximum(widths, thinnest), 0).tolist())


def _leave_out_empty(figure: Figure) -> None:
    """Let the layout pass over markers without a place, which would else stand in the canvas's corner."""
    for line in figure.findobj(Line2D):
        if np.size(line.get_xdata()) == 0:
            line.set_in_layout(False)


def wide(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` on the wide canvas where the page is what is drawn for."""

    @wraps(draw)
    def draw_wide(*frames: pd.DataFrame, **options: Any) -> Figure:
        now = setting()
        with active_setting(replace(now, medium=WIDE) if now.medium is PAGE else now):
            return draw(*frames, **options)

    return draw_wide


def new_figure(height: float = 1.0, width: float = 1.0) -> Figure:
    """An empty canvas, `height` times the medium's usual one; on the page it may be narrower than the column."""
    pad = em(0.35) / 72
    full_width, full_height = medium().canvas(height)
    size = (full_width if medium().is_fixed else width * full_width, full_height)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)  # becomes its canvas, which measures text once for the layout and for the PNG file
    figure.get_layout_engine().set(w_pad=pad, h_pad=pad, wspace=0.03, hspace=0.03)  # type: ignore[union-attr,call-arg]
    return figure


def figure_of(axes: Axes) -> Figure:
    """The figure that the axes stand in."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def em(factor: float = 1.0) -> float:
    """Points in so many text sizes."""
    return factor * float(rcParams["font.size"])


def heading(figure: Figure, text: str) -> None:
    """Name what the vertical axis shows, on one horizontal line at the top left."""
    figure.suptitle(text, x=em(0.5) / (72 * figure.get_figwidth()), ha="left", fontsize=em())


def log2_axis(axes: Axes, which: Literal["x", "y"], values: ArrayLike, most: int = 8) -> None:
    """Make an axis logarithmic over `values`, with ticks at powers of two, of which at most `most` are labelled."""
    axis, set_scale = (axes.xaxis, axes.set_xscale) if which == "x" else (axes.yaxis, axes.set_yscale)
    finite = np.asarray(values, dtype=float)
    lowest, highest = np.floor(np.log2(finite.min())), np.ceil(np.log2(finite.max()))
    exponents = np.arange(lowest, highest + 1)
    if which == "y" and medium().is_fixed:
        most = min(most, int(medium().height * 72 / medium().text / TICK_ROOM))
    step = next(step for step in (1, 2, 4, 6, 8, 12, 16, 32) if len(exponents[::step]) <= most)
    labelled = exponents % step == 0
    set_scale("log", base=2)
    axis.set_major_locator(FixedLocator(2.0 ** exponents[labelled]))
    axis.set_minor_locator(FixedLocator(2.0 ** exponents[~labelled] if step <= 4 else []))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value < 1 else f"{value:.0f}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    (axes.set_xlim if which == "x" else axes.set_ylim)(2 ** (lowest - 0.5), 2 ** (highest + 0.5))


def keys_axis(axes: Axes, which: Literal["x", "y"], keys: Sequence[float]) -> None:
    """A logarithmic axis of numbers of keys, with ticks at powers of ten."""
    axis, set_scale = (axes.xaxis, axes.set_xscale) if which == "x" else (axes.yaxis, axes.set_yscale)
    exponents = np.arange(0, np.log10(keys[-1]) + 0.01)
    set_scale("log")
    axis.set_major_locator(FixedLocator(list(10.0 ** exponents[:: 1 if len(exponents) <= 6 else 3])))
    axis.set_minor_locator(FixedLocator([]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}" if value < 999 else power_of_ten(value, 0)))
    (axes.set_xlim if which == "x" else axes.set_ylim)(keys[0], keys[-1])


@dataclass(frozen=True)
class EndLabel:
    """Words that stand at the right end of a line, at its height `y` in data units."""

    y: float
    text: str
    colour: str = INK

    def at_least(self, lowest: float) -> "EndLabel":
        """The label, moved up to where the axes begin if its line ends below."""
        return replace(self, y=max(self.y, lowest))


def end_labels(axes: Axes, labels: Sequence[EndLabel]) -> None:
    """Label lines directly at the right edge of the axes; `styled` moves them apart where they would overlap."""
    for label in labels:
        axes.annotate(
            label.text, (1, label.y), xycoords=("axes fraction", "data"), xytext=(em(0.6), 0), gid=END_LABEL,
            textcoords="offset points", va="center", color=label.colour, annotation_clip=False,
        )  # fmt: skip


def _part_end_labels(axes: Axes) -> None:
    """Move the end labels of the axes apart, as little as possible."""
    labels = [text for text in axes.texts if isinstance(text, Annotation) and text.get_gid() == END_LABEL]
    if labels:
        heights = np.array([axes.transData.transform((1, label.xy[1]))[1] for label in labels])
        heights *= 72 / figure_of(axes).dpi  # points
        order = heights.argsort(kind="stable")
        gap = em(END_GAP)
        if medium().is_fixed:
            gap = max(gap, *(1 + 72 / figure_of(axes).dpi * label.get_window_extent().height for label in labels))
        moved = spread(heights[order], gap)
        if medium().is_fixed:  # text is large there: none of them comes as low as the labels of ticks
            lowest = axes.bbox.y0 * 72 / figure_of(axes).dpi + em(END_GAP / 2)
            moved = np.maximum(moved, lowest + gap * np.arange(len(moved)))
        for index, height in zip(order, moved, strict=True):
            labels[index].set_position((em(0.6), height - heights[index]))


def spread(places: np.ndarray, gap: float) -> np.ndarray:
    """The places nearest to the given ascending ones (least squares) that are at least `gap` apart."""
    offsets = gap * np.arange(len(places))
    return np.asarray(isotonic_regression(places - offsets).x) + offsets


def contrast(colour: str, background: str) -> float:
    """WCAG 2 contrast ratio of two opaque colours, 1 to 21."""

    def luminance(name: str) -> float:
        channels = np.array([int(to_hex(name)[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    darker, lighter = sorted((luminance(colour), luminance(background)))
    return (lighter + 0.05) / (darker + 0.05)
