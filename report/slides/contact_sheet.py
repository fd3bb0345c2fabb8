"""A page to pick figures from: thumbnails of the files beside it, what each shows, and links to every form of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from report.document import Inside, single_page

KINDS = ("svg", "pdf", "png")
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
    title: str  # plain text with maths as $...$
    caption: str  # the finding; the same
    alt: str
    themes: tuple[str, ...]  # of which there are files, the usual one first


def contact_sheet(figures: Sequence[SheetFigure], decks: Mapping[str, str], title: str) -> str:
    """The page as HTML; `decks` are files beside it and the words that link to them."""
    context = {
        "title": title,
        "decks": decks,
        "figures": figures,
        "kinds": KINDS,
        "width": WIDTH,
        "height": HEIGHT,
    }
    return single_page("contact.html.jinja2", context, Inside(STYLES, SCRIPTS, images=IMAGES))
