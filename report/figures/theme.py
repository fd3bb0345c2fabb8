"""The colours of the light and of the dark theme, by what they mean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Opaque colours; those of words have a contrast of 4.5 or more on the background, all others of 3."""

    name: str
    background: str
    panel: str  # a background that stands off a little
    ink: str  # text, exact laws
    quiet: str  # text that matters less
    raw: str
    raw_text: str
    scaled: str
    green: str  # further rules: another factor
    green_text: str
    pink: str  # further rules: normalised vectors
    pink_text: str


LIGHT = Theme(
    name="light",
    background="#ffffff",
    panel="#f6f5f2",
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
    ink="#e7e4df",
    quiet="#a8a49d",
    raw="#f08040",
    raw_text="#f08040",
    scaled="#4aa5e0",
    green="#009E73",
    green_text="#2bb78d",
    pink="#CC79A7",
    pink_text="#d990b8",
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
