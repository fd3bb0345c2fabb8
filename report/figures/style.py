"""The one place of style: sizes, axes and labels of every figure; its colours are in `theme`, its marks in `marks`.

A figure is drawn for a medium in a theme, `PAGE` and `LIGHT` unless `using(SLIDE, DARK)` is active. matplotlib keeps
its settings, fonts and colours for the whole process: draw in one thread.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcdefaults, rcParams
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

from report.figures.fonts import Font, find_font, forget_others, own_font, registered
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
    active,
    faint,
)
from report.wording import power_of_ten

__all__ = (  # what others take from here, colours among it
    "BACKGROUND", "DARK", "GREEN", "GREEN_TEXT", "INK", "LIGHT", "PINK", "PINK_TEXT", "RAW", "RAW_TEXT", "SCALED",
    "THEMES", "Colour", "Theme", "faint",
)  # fmt: skip

GRID, BAND = faint(INK, 0.12), faint(INK, 0.08)
END_LABEL = "end-label"
END_GAP, TICK_ROOM = 1.3, 3.5  # text sizes: between two end labels, and for a label of a slide's vertical axis


@dataclass(frozen=True)
class Medium:
    """A canvas in inches, its text and lines in points; a figure may ask for up to `tallest`."""

    width: float
    height: float
    tallest: float
    text: float
    line: float  # of what was measured
    thinnest: float = 0.0  # of all lines
    least: float = 10  # of all text
    dpi: int = 200  # of a figure's pixels; its layout measures text as its PNG file will show it

    @property
    def is_fixed(self) -> bool:
        """Whether every figure has the same size, as on a slide."""
        return self.tallest <= self.height

    def canvas(self, factor: float) -> tuple[float, float]:
        """Width and height of a figure that wants `factor` times the usual height; a slide's height is fixed."""
        return self.width, self.height if self.is_fixed else min(self.height * factor, self.tallest)

    def settings(self) -> dict[Any, Any]:
        """Settings of matplotlib, with lines and marks in proportion to the text."""
        point = self.text / 10

        def line(width: float) -> float:
            return max(width * point, self.thinnest)

        return {
            "font.family": font().families, "font.size": self.text, "mathtext.fontset": "stix",
            "text.color": INK, "axes.labelcolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
            "figure.dpi": self.dpi, "figure.facecolor": "none", "axes.facecolor": "none", "text.hinting": "none",
            "axes.edgecolor": AXIS, "xtick.color": AXIS, "ytick.color": AXIS,
            "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": line(0.7),
            "axes.titlesize": self.text, "axes.titlelocation": "left", "axes.titlepad": 6 * point,
            "axes.titley": 1.0,  # no ticks stand above axes, and to look for them takes longer than any other layout
            "axes.labelsize": self.text, "axes.labelpad": 5 * point,
            "xtick.labelsize": self.text, "ytick.labelsize": self.text,
            "xtick.major.size": 3.5 * point, "ytick.major.size": 0,
            "xtick.minor.size": 2 * point, "ytick.minor.size": 0,
            "xtick.major.width": line(0.7), "xtick.minor.width": line(0.5),
            "xtick.major.pad": 4 * point, "ytick.major.pad": 5 * point,
            "axes.grid": True, "axes.grid.axis": "y", "grid.linewidth": line(0.7),
            "grid.color": GRID[0], "grid.alpha": GRID[1],  # apart, or matplotlib would look the colour up too early
            "axes.axisbelow": True, "axes.unicode_minus": True,
            "lines.linewidth": self.line, "lines.markersize": 5.5 * point, "lines.markeredgewidth": line(1.4),
            "legend.frameon": False, "legend.fontsize": self.text, "legend.handletextpad": 0.3,
            "svg.fonttype": "path", "svg.hashsalt": "figure", "pdf.fonttype": 42,
        }  # fmt: skip


AXIS = faint(INK, 0.5)
PAGE = Medium(width=7.0, height=4.0, tallest=12.0, text=10, line=1.4)
WIDE = Medium(width=10.4, height=5.85, tallest=12.0, text=10, line=1.4)  # on the page, beyond the text's column
# 1920 × 1080 pixels, and the room under a slide's title
SLIDE = Medium(width=40 / 3, height=7.5, tallest=7.5, text=20, line=4.0, thinnest=2.5, least=18, dpi=144)
DECK = Medium(width=12.33, height=5.35, tallest=5.35, text=18, line=3.8, thinnest=2.5, least=18, dpi=144)


@dataclass(frozen=True)
class Setting:
    """What a figure is drawn for."""

    medium: Medium
    theme: Theme
    font: Font


forget_others()
rcdefaults()  # a user's matplotlibrc decides nothing, either
_USUAL = Setting(PAGE, LIGHT, own_font())
_setting: ContextVar[Setting] = ContextVar("setting", default=_USUAL)
_settings: WeakKeyDictionary[Figure, Setting] = WeakKeyDictionary()  # those that figures were drawn for


@contextmanager
def using(medium: Medium, theme: Theme = LIGHT, font: str | None = None) -> Iterator[None]:
    """Figures drawn inside are made for this medium, in this theme; `font` is a file or the name of a family.

    They may be saved anywhere. Raises Faults for a font that is neither.
    """
    with _set(Setting(medium, theme, find_font(font) if font else own_font())):
        yield


@contextmanager
def _set(setting: Setting) -> Iterator[None]:
    token = _setting.set(setting)
    try:
        with active(setting.theme), registered(setting.font):
            yield
    finally:
        _setting.reset(token)


def medium() -> Medium:
    """The medium that a figure is drawn for now."""
    return _setting.get().medium


def theme() -> Theme:
    """The theme that a figure is drawn in now."""
    return _setting.get().theme


def font() -> Font:
    """The font that a figure is set in now."""
    return _setting.get().font


def strong() -> FontProperties:
    """The font of headings inside a figure."""
    found = font().heading.copy()
    found.set_size(em())
    return found


@contextmanager
def as_drawn(figure: Figure, theme: Theme | None = None) -> Iterator[Setting]:
    """What a figure was drawn for is active again, as it has to be to save it; or the same in another theme."""
    drawn = _settings.get(figure, _setting.get())
    setting = replace(drawn, theme=theme or drawn.theme)
    with _set(setting), rc_context(setting.medium.settings()):
        if setting.theme is drawn.theme:
            yield setting
        else:
            _look_up_colours(figure)
            try:
                yield setting
            finally:
                with active(drawn.theme):
                    _look_up_colours(figure)


def _look_up_colours(figure: Figure) -> None:
    """Let those artists that keep values of colours take them from the names again."""
    for artist in figure.findobj(lambda artist: isinstance(artist, Patch | Collection)):
        artist._set_edgecolor(artist._original_edgecolor)  # type: ignore[attr-defined]
        artist._set_facecolor(artist._original_facecolor)  # type: ignore[attr-defined]


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` under the medium's settings, with its lines thick enough and its layout settled before they end."""

    @wraps(draw)
    def draw_styled(*frames: pd.DataFrame, **options: Any) -> Figure:
        with rc_context(medium().settings()):
            figure = draw(*frames, **options)
            if medium().thinnest:
                _thicken(figure, medium().thinnest)
            engine = figure.get_layout_engine()
            if engine is not None:
                engine.execute(figure)
                figure.set_layout_engine(None)
            for axes in figure.axes:
                _part_end_labels(axes)
            _settings[figure] = _setting.get()
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


def wide(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` on the wide canvas where the page is what is drawn for."""

    @wraps(draw)
    def draw_wide(*frames: pd.DataFrame, **options: Any) -> Figure:
        now = _setting.get()
        with _set(replace(now, medium=WIDE) if now.medium is PAGE else now):
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
