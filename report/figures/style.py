"""The one place of style: colours, sizes, axes and labels of every figure; its marks are in `marks`.

A figure is drawn for a medium, `PAGE` unless `using(SLIDE)` is active. matplotlib keeps its settings for the whole
process: draw in one thread.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import get_data_path, rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from report.wording import power_of_ten

INK = "#1b1b1f"  # text and exact laws; becomes currentColor in the page
BACKGROUND = "#fffffe"  # faces and halos; becomes the page's own background
RAW, SCALED, GREEN, PINK = "#D55E00", "#0072B2", "#009E73", "#CC79A7"
RAW_TEXT = "#B34E00"  # the same hue, dark enough for words: contrast 5.2 on white
GRID, BAND = f"{INK}1f", f"{INK}14"  # ink at 12 % and 8 %

DPI = 200  # of a figure's pixels; its layout measures text as its PNG file will show it
END_LABEL = "end-label"
FONTS = Path(__file__).parent.parent / "static" / "fonts"


@dataclass(frozen=True)
class Medium:
    """A canvas in inches and the size of its text in points; a figure may ask for up to `tallest`."""

    width: float
    height: float
    tallest: float
    text: float

    def canvas(self, factor: float) -> tuple[float, float]:
        """Width and height of a figure that wants `factor` times the usual height; a slide's height is fixed."""
        return self.width, min(self.height * factor, self.tallest) if self.tallest > self.height else self.height

    def settings(self) -> dict[Any, Any]:
        """Settings of matplotlib, with lines and marks in proportion to the text."""
        point = self.text / 10
        return {
            "font.family": _families(), "font.size": self.text, "mathtext.fontset": "stix",
            "text.color": INK, "axes.labelcolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
            "figure.dpi": DPI, "figure.facecolor": "none", "axes.facecolor": "none", "text.hinting": "none",
            "axes.edgecolor": f"{INK}80", "xtick.color": f"{INK}80", "ytick.color": f"{INK}80",
            "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7 * point,
            "axes.titlesize": self.text, "axes.titlelocation": "left", "axes.titlepad": 6 * point,
            "axes.titley": 1.0,  # no ticks stand above axes, and to look for them takes longer than any other layout
            "axes.labelsize": self.text, "axes.labelpad": 5 * point,
            "xtick.labelsize": self.text, "ytick.labelsize": self.text,
            "xtick.major.size": 3.5 * point, "ytick.major.size": 0,
            "xtick.minor.size": 2 * point, "ytick.minor.size": 0,
            "xtick.major.width": 0.7 * point, "xtick.minor.width": 0.5 * point,
            "xtick.major.pad": 4 * point, "ytick.major.pad": 5 * point,
            "axes.grid": True, "axes.grid.axis": "y", "grid.color": GRID, "grid.linewidth": 0.7 * point,
            "axes.axisbelow": True, "axes.unicode_minus": True,
            "lines.linewidth": 1.4 * point, "lines.markersize": 5.5 * point, "lines.markeredgewidth": 1.4 * point,
            "legend.frameon": False, "legend.fontsize": self.text, "legend.handletextpad": 0.3,
            "svg.fonttype": "path", "svg.hashsalt": "figure",
        }  # fmt: skip


PAGE = Medium(width=7.0, height=4.0, tallest=12.0, text=10)
WIDE = Medium(width=10.4, height=5.85, tallest=12.0, text=10)  # on the page, beyond the text's column
SLIDE = Medium(width=13.33, height=7.5, tallest=7.5, text=20)
_medium: ContextVar[Medium] = ContextVar("medium", default=PAGE)


def _families() -> list[str]:
    """The report's own font where its file is there, and matplotlib's for any glyph it lacks."""
    own = [FontProperties(fname=path).get_name() for path in sorted(FONTS.glob("*-regular.ttf"))]
    return [*own, "DejaVu Sans"]


def strong() -> FontProperties:
    """The font of headings inside a figure."""
    own = sorted(FONTS.glob("*-semibold.ttf"))
    return FontProperties(fname=own[0], size=em()) if own else FontProperties(weight="bold", size=em())


# matplotlib's own settings and these fonts alone, so that a user's matplotlibrc, a machine's fonts and matplotlib's
# cached list of them decide nothing.
rcdefaults()
fontManager.ttflist.clear()
for _path in sorted([*FONTS.glob("*.ttf"), *Path(get_data_path(), "fonts", "ttf").glob("*.ttf")]):
    fontManager.addfont(_path)


@contextmanager
def using(medium: Medium) -> Iterator[None]:
    """Figures drawn inside are made for this medium."""
    token = _medium.set(medium)
    try:
        yield
    finally:
        _medium.reset(token)


def medium() -> Medium:
    """The medium that a figure is drawn for now."""
    return _medium.get()


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` under the medium's settings, with its layout settled before they end."""

    @wraps(draw)
    def draw_styled(*frames: pd.DataFrame) -> Figure:
        with rc_context(medium().settings()):
            figure = draw(*frames)
            engine = figure.get_layout_engine()
            if engine is not None:
                engine.execute(figure)
                figure.set_layout_engine(None)
            for axes in figure.axes:
                _part_end_labels(axes)
            return figure

    return draw_styled


def wide(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` on the wide canvas where the page is what is drawn for."""

    @wraps(draw)
    def draw_wide(*frames: pd.DataFrame) -> Figure:
        with using(WIDE if medium() is PAGE else medium()):
            return draw(*frames)

    return draw_wide


def new_figure(height: float = 1.0, width: float = 1.0) -> Figure:
    """An empty canvas, `height` times the medium's usual one; on the page it may be narrower than the column."""
    pad = em(0.35) / 72
    full_width, full_height = medium().canvas(height)
    size = (full_width if medium() is SLIDE else width * full_width, full_height)
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
        moved = spread(heights[order], em(1.3))
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
