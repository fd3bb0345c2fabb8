"""The colours of the light and of the dark theme, by what they mean, and the names under which matplotlib knows them.

Figures are drawn in named colours, which have the values of the theme that is active: `style.using` sets it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from matplotlib.colors import get_named_colors_mapping

INK = "report:ink"  # text and exact laws; becomes currentColor in the page
BACKGROUND = "report:background"  # faces and halos; becomes the page's own background
RAW, RAW_TEXT = "report:raw", "report:raw-text"  # of one hue, the second one for words
SCALED = "report:scaled"
GREEN, GREEN_TEXT = "report:green", "report:green-text"
PINK, PINK_TEXT = "report:pink", "report:pink-text"

Faint = tuple[str, float]  # a colour and how opaque it is, 0 to 1
Colour = str | Faint


@dataclass(frozen=True)
class Theme:
    """Opaque colours; those of words have a contrast of 4.5 or more on the background, all others of 3.

    No two are the same, so that a colour in a file tells what it means.
    """

    name: str
    background: str
    panel: str  # a background that stands off a little
    face: str  # the background of faces and halos inside a figure: no eye tells it from the other
    ink: str  # text, exact laws
    quiet: str  # text that matters less
    raw: str
    raw_text: str
    scaled: str
    green: str  # further rules: another factor
    green_text: str
    pink: str  # further rules: normalised vectors
    pink_text: str

    @property
    def colours(self) -> dict[str, str]:
        """The values of the names."""
        return {
            INK: self.ink, BACKGROUND: self.face, RAW: self.raw, RAW_TEXT: self.raw_text, SCALED: self.scaled,
            GREEN: self.green, GREEN_TEXT: self.green_text, PINK: self.pink, PINK_TEXT: self.pink_text,
        }  # fmt: skip


LIGHT = Theme(
    name="light",
    background="#ffffff",
    panel="#f6f5f2",
    face="#fffffe",
    ink="#1b1b1f",
    quiet="#5c5955",
    raw="#D55E00",
    raw_text="#B34E00",
    scaled="#0072B2",
    green="#009E73",
    green_text="#00734f",
    pink="#CC79A7",
    pink_text="#9c4a78",
)
DARK = Theme(
    name="dark",
    background="#121212",
    panel="#1d1c1b",
    face="#121213",
    ink="#e7e4df",
    quiet="#a8a49d",
    raw="#f08040",
    raw_text="#f58f54",
    scaled="#4aa5e0",
    green="#009E73",
    green_text="#2bb78d",
    pink="#CC79A7",
    pink_text="#d990b8",
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def faint(colour: str, opacity: float) -> Faint:
    """A colour that lets through what is behind it; its opacity is rounded to a whole number of 255ths."""
    return colour, int(255 * opacity + 0.5 + 1e-9) / 255


@contextmanager
def active(theme: Theme) -> Iterator[None]:
    """The names have this theme's values inside; afterwards what they had before."""
    known = get_named_colors_mapping()
    before = {name: str(known[name]) for name in theme.colours}
    _name(theme.colours)
    try:
        yield
    finally:
        _name(before)


def _name(colours: Mapping[str, str]) -> None:
    known = get_named_colors_mapping()
    for name, colour in colours.items():
        if known.get(name) != colour:
            known[name] = colour  # one by one: this alone makes matplotlib forget the values it has looked up


_name(LIGHT.colours)
