"""A page to pick figures from: thumbnails of the files beside it, what each shows, and links to every form of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from report.document import Inside, single_page
from report.figures.theme import DARK, LIGHT
from report.slides.runs import plain_text

KINDS = ("svg", "pdf", "png")
DECKS = {"deck.pptx": "All slides for PowerPoint", "deck.html": "All slides as a page to present from"}
STYLES = ("theme", "contact")
SCRIPTS = ("contact",)
IMAGES = (
    "'self' file:"  # what lies beside the page; not every browser takes a file for the same origin as its neighbour
)
WIDTH, HEIGHT = 320, 180  # px of a thumbnail: a sixth of the PNG's 1920 × 1080


@dataclass(frozen=True)
class SheetFigure:
    """A figure whose files are `figures/<theme>/<name>.svg`, `.pdf` and `.png`, beside the page."""

    name: str
    title: Markup
    caption: Markup  # the finding
    alt: str


def contact_sheet(figures: Sequence[SheetFigure], themes: Sequence[str], title: str) -> str:
    """The page as HTML; `themes` are those of the files, and `title` is plain text.

    Its thumbnails follow the theme of the reader's system where there are files of both.
    """
    context = {
        "title": title,
        "decks": DECKS,
        "figures": figures,
        "themes": themes,
        "usual": LIGHT.name if LIGHT.name in themes else themes[0],
        "has_both": {LIGHT.name, DARK.name} <= set(themes),
        "kinds": KINDS,
        "width": WIDTH,
        "height": HEIGHT,
        "plain": plain_text,
    }
    return single_page("contact.html.jinja2", context, Inside(STYLES, SCRIPTS, images=IMAGES))
