"""What figures are drawn for: a medium with its sizes, a theme and a font, which a figure remembers to be saved with.

`PAGE` in `LIGHT` and the report's own font unless `using(SLIDE, DARK)` is active. matplotlib keeps its settings, fonts
and colours for the whole process: draw in one thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from matplotlib import rc_context, rcdefaults
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from report.figures.fonts import Font, find_font, forget_others, own_font, registered
from report.figures.theme import INK, LIGHT, Theme, active, faint

GRID, BAND, AXIS = faint(INK, 0.12), faint(INK, 0.08), faint(INK, 0.5)


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
_worn: WeakKeyDictionary[Figure, Theme] = WeakKeyDictionary()  # the theme of those that are not in their own now
_drawn_for: WeakKeyDictionary[Figure, Setting] = WeakKeyDictionary()


@contextmanager
def using(medium: Medium, theme: Theme = LIGHT, font: str | None = None) -> Iterator[None]:
    """Figures drawn inside are made for this medium, in this theme; `font` is a file or the name of a family.

    They may be saved anywhere. Raises Faults for a font that is neither.
    """
    with active_setting(Setting(medium, theme, find_font(font) if font else own_font())):
        yield


@contextmanager
def active_setting(now: Setting) -> Iterator[None]:
    """All of a setting is active inside, and afterwards what was before."""
    token = _setting.set(now)
    try:
        with active(now.theme), registered(now.font):
            yield
    finally:
        _setting.reset(token)


def setting() -> Setting:
    """What a figure is drawn for now."""
    return _setting.get()


def remember(figure: Figure) -> None:
    """Let a figure be saved as what it is drawn for now."""
    _drawn_for[figure] = setting()


def medium() -> Medium:
    """The medium that a figure is drawn for now."""
    return setting().medium


def theme() -> Theme:
    """The theme that a figure is drawn in now."""
    return setting().theme


def font() -> Font:
    """The font that a figure is set in now."""
    return setting().font


@contextmanager
def as_drawn(figure: Figure, theme: Theme | None = None) -> Iterator[Setting]:
    """What a figure was drawn for is active again, as it has to be to save it; or the same in another theme."""
    drawn = _drawn_for.get(figure, setting())
    now = replace(drawn, theme=theme or drawn.theme)
    before = _worn.get(figure, drawn.theme)
    with active_setting(now), rc_context(now.medium.settings()):
        if now.theme is before:
            yield now
        else:
            _put_on(figure, now.theme)
            try:
                yield now
            finally:
                _put_on(figure, before)


def _put_on(figure: Figure, theme: Theme) -> None:
    """Let a figure wear a theme until it is told otherwise."""
    with active(theme):
        _look_up_colours(figure)
    _worn[figure] = theme


def _look_up_colours(figure: Figure) -> None:
    """Let those artists that keep values of colours take them from the names again."""
    for artist in figure.findobj(lambda artist: isinstance(artist, Patch | Collection)):
        artist._set_edgecolor(artist._original_edgecolor)  # type: ignore[attr-defined]
        artist._set_facecolor(artist._original_facecolor)  # type: ignore[attr-defined]
